//! What ties the state machine's definition to the template and the code: names that no compiler checks. And two rules of
//! the template that nothing else would notice: no role of ours can delete a function, and the document of permissions
//! names what the roles may do.

use std::collections::{BTreeMap, BTreeSet};

use power_tuner_core::metrics;
use serde_json::{Map, Value};

/// The errors that Step Functions itself gives (the developer guide's "Error names").
const STATES_ERRORS: [&str; 17] = [
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

/// Every inconsistency, in words. `permissions` is the document of them, `own_errors` are the names that the functions give,
/// `binaries` those that Cargo builds.
pub(crate) fn faults(
    definition: &str,
    template: &Value,
    permissions: &str,
    own_errors: &[&str],
    binaries: &BTreeSet<String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    match serde_json::from_str(&substituted(definition)) {
        Ok(machine) => {
            check_states(&machine, "the state machine", &mut faults);
            check_errors(&machine, own_errors, &mut faults);
        }
        Err(error) => faults.push(format!("the definition is not JSON: {error}")),
    }
    check_substitutions(&substitutions(definition), template, binaries, &mut faults);
    check_deletions(template, &mut faults);
    check_permissions(template, permissions, &mut faults);
    check_dashboards(template, &mut faults);
    faults
}

/// A dashboard is JSON, and searches for metrics that there are.
fn check_dashboards(template: &Value, faults: &mut Vec<String>) {
    let none = Map::new();
    let resources = template["Resources"].as_object().unwrap_or(&none).iter();
    let dashboards = resources.filter(|(_, one)| one["Type"] == "AWS::CloudWatch::Dashboard");
    for (id, dashboard) in dashboards {
        let body = &dashboard["Properties"]["DashboardBody"]["Fn::Sub"][0];
        let body = body.as_str().unwrap_or_default();
        if let Err(error) = serde_json::from_str::<Value>(body) {
            faults.push(format!("the body of dashboard `{id}` is not JSON: {error}"));
        }
        let schema = format!(
            "{{{},{}}}",
            metrics::NAMESPACE,
            metrics::DIMENSIONS.join(",")
        );
        for search in body.split("SEARCH('").skip(1) {
            let search = search.split('\'').next().unwrap_or_default();
            if !search.starts_with(&schema) {
                faults.push(format!(
                    "dashboard `{id}` does not search in `{schema}`: {search}"
                ));
            }
            let names = search.split("\\\"").skip(1).step_by(2);
            for name in names.filter(|name| !metrics::NAMES.contains(name)) {
                faults.push(format!(
                    "dashboard `{id}` searches for `{name}`, which is no metric"
                ));
            }
        }
    }
}

type Actions = BTreeMap<String, BTreeSet<String>>;

/// The document has a heading for each role, and a row for each action that it is allowed.
fn check_permissions(template: &Value, document: &str, faults: &mut Vec<String>) {
    let (allowed, documented) = (allowed(template), documented(document));
    let none = BTreeSet::new();
    let roles: BTreeSet<&String> = allowed.keys().chain(documented.keys()).collect();
    for role in roles {
        if allowed.contains_key(role) != documented.contains_key(role) {
            faults.push(format!(
                "`{role}` must be a role of the template and a heading of the document of permissions"
            ));
        }
        let allowed = allowed.get(role).unwrap_or(&none);
        let documented = documented.get(role).unwrap_or(&none);
        for action in allowed.difference(documented) {
            faults.push(format!(
                "`{role}` may do `{action}`, and the document of permissions does not say why"
            ));
        }
        for action in documented.difference(allowed) {
            faults.push(format!(
                "`{role}` may not do `{action}`, as the document of permissions says"
            ));
        }
    }
}

/// The actions that each role is allowed, and each state machine, whose role SAM makes.
fn allowed(template: &Value) -> Actions {
    let none = Map::new();
    let resources = template["Resources"].as_object().unwrap_or(&none).iter();
    let with_policies = resources.filter(|(_, resource)| {
        ["AWS::IAM::Role", "AWS::Serverless::StateMachine"]
            .iter()
            .any(|kind| resource["Type"] == *kind)
    });
    with_policies
        .map(|(id, resource)| {
            let mut statements = Vec::new();
            statements_in(&resource["Properties"]["Policies"], &mut statements);
            statements.retain(|statement| statement["Effect"] == "Allow");
            let actions = statements.iter().flat_map(|statement| {
                let actions = &statement["Action"];
                let some = actions.as_array().into_iter().flatten();
                some.chain(actions.is_string().then_some(actions))
            });
            let actions = actions.filter_map(Value::as_str).map(str::to_owned);
            (id.clone(), actions.collect())
        })
        .collect()
}

/// What the document says: the actions that are the first cells of a heading's rows.
fn documented(document: &str) -> Actions {
    let mut documented = Actions::new();
    let mut role = None;
    let in_backticks = |text: &str| Some(text.strip_prefix('`')?.split_once('`')?.0.to_owned());
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            role = in_backticks(heading);
            if let Some(role) = &role {
                documented.entry(role.clone()).or_default();
            }
        }
        let action = line.strip_prefix("| ").and_then(in_backticks);
        if let (Some(role), Some(action)) = (&role, action) {
            documented.entry(role.clone()).or_default().insert(action);
        }
    }
    documented
}

/// What is wrong with the example of a role for functions of another account: it may do what the stack's own roles may do
/// with functions of theirs, no less and no more.
pub(crate) fn faults_of_target_role(template: &Value, example: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check_deletions(example, &mut faults);
    let (wanted, given) = (
        allowed_on_functions(template),
        allowed_on_functions(example),
    );
    for action in wanted.difference(&given) {
        faults.push(format!(
            "the role may not do `{action}`, which the stack's roles may"
        ));
    }
    for action in given.difference(&wanted) {
        faults.push(format!(
            "the role may do `{action}`, which no role of the stack may"
        ));
    }
    faults
}

fn allowed_on_functions(template: &Value) -> BTreeSet<String> {
    let none = Map::new();
    let mut statements = Vec::new();
    for resource in template["Resources"].as_object().unwrap_or(&none).values() {
        statements_in(&resource["Properties"]["Policies"], &mut statements);
    }
    statements.retain(|statement| statement["Effect"] == "Allow");
    let actions = statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.iter().collect(),
            action => vec![action],
        });
    actions
        .filter_map(Value::as_str)
        .filter(|action| action.starts_with("lambda:"))
        .map(str::to_owned)
        .collect()
}

const DELETION: &str = "lambda:DeleteFunction";
/// A version or an alias: a function's own name has no colon.
const QUALIFIED: &str = ":function:*:*";

/// How a parameter that takes functions' names looks.
const NAMES: &str = "^[A-Za-z0-9_*?-]+$";

/// Who may delete a version names versions only, and is denied everything else.
fn check_deletions(template: &Value, faults: &mut Vec<String>) {
    let none = Map::new();
    for (id, resource) in template["Resources"].as_object().unwrap_or(&none) {
        let mut statements = Vec::new();
        statements_in(&resource["Properties"]["Policies"], &mut statements);
        let about = |effect: &str| {
            let mut about = statements.clone();
            about.retain(|statement| {
                statement["Effect"] == effect && names_deletion(&statement["Action"])
            });
            about
        };
        let is_qualified = |resource: &Value| is_qualified(resource, &template["Parameters"]);
        let allowed = about("Allow");
        if allowed
            .iter()
            .any(|statement| !is_qualified(&statement["Resource"]))
        {
            faults.push(format!(
                "`{id}` may delete more than versions: allow `{DELETION}` on `…{QUALIFIED}` alone"
            ));
        }
        let denied = about("Deny");
        let is_denied = denied
            .iter()
            .any(|statement| is_qualified(&statement["NotResource"]));
        if !allowed.is_empty() && !is_denied {
            faults.push(format!(
                "`{id}` is not denied to delete a function: deny `{DELETION}` on all but `…{QUALIFIED}`"
            ));
        }
    }
}

/// Whether an ARN of the template can match versions and aliases only: a name in it that is put together is one that was
/// cut off at the first colon.
fn is_qualified(resource: &Value, parameters: &Value) -> bool {
    if let Some([_, one, other]) = resource["Fn::If"].as_array().map(Vec::as_slice) {
        return is_qualified(one, parameters) && is_qualified(other, parameters);
    }
    match &resource["Fn::Sub"] {
        Value::String(arn) => arn.ends_with(QUALIFIED) || is_of_names(arn, parameters),
        Value::Array(parts) => {
            let arn = parts.first().and_then(Value::as_str).unwrap_or_default();
            let name = parts.get(1).map(|values| &values["Name"]["Fn::Select"]);
            let is_cut = |name: &Value| name[0] == 0 && name[1]["Fn::Split"][0] == ":";
            arn.ends_with(":function:${Name}:*") && name.is_some_and(is_cut)
        }
        _ => false,
    }
}

/// A parameter's value that is a name has no colon, so that what stands behind it is a version or an alias.
fn is_of_names(arn: &str, parameters: &Value) -> bool {
    let given = arn
        .strip_suffix("}:*")
        .and_then(|arn| arn.rsplit_once("${"));
    given.is_some_and(|(before, name)| {
        before.ends_with(":function:") && parameters[name]["AllowedPattern"] == NAMES
    })
}

fn names_deletion(action: &Value) -> bool {
    match action {
        Value::String(action) => {
            action == DELETION
                || action.ends_with('*') && DELETION.starts_with(action.trim_end_matches('*'))
        }
        Value::Array(actions) => actions.iter().any(names_deletion),
        _ => false,
    }
}

fn statements_in<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) if fields.contains_key("Effect") => found.push(value),
        Value::Object(fields) => fields
            .values()
            .for_each(|value| statements_in(value, found)),
        Value::Array(values) => values.iter().for_each(|value| statements_in(value, found)),
        _ => {}
    }
}

/// The definition with each `${Name}` replaced by something that looks right in its place.
pub(crate) fn substituted(definition: &str) -> String {
    substitutions(definition)
        .into_iter()
        .fold(definition.to_owned(), |text, name| {
            let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
            // In quotes it is a string, without them a number.
            text.replace(&format!("\"${{{name}}}\""), &format!("\"{arn}\""))
                .replace(&format!("${{{name}}}"), "1")
        })
}

fn substitutions(text: &str) -> BTreeSet<String> {
    text.split("${")
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn check_substitutions(
    used: &BTreeSet<String>,
    template: &Value,
    binaries: &BTreeSet<String>,
    faults: &mut Vec<String>,
) {
    let none = Map::new();
    let resources = template["Resources"].as_object().unwrap_or(&none);
    let given: BTreeMap<&String, &Value> = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::Serverless::StateMachine")
        .filter_map(|machine| machine["Properties"]["DefinitionSubstitutions"].as_object())
        .flatten()
        .collect();
    for name in used.iter().filter(|name| !given.contains_key(name)) {
        faults.push(format!(
            "the definition uses `${{{name}}}`, which the template does not substitute"
        ));
    }
    for (name, value) in given {
        if !used.contains(name) {
            faults.push(format!(
                "the template substitutes `{name}`, which the definition does not use"
            ));
        }
        for logical_id in references(value) {
            let Some(resource) = resources.get(&logical_id) else {
                if template["Parameters"][&logical_id].is_null() && !logical_id.starts_with("AWS::")
                {
                    faults.push(format!("`{name}` is substituted by `{logical_id}`, which the template does not have"));
                }
                continue;
            };
            if resource["Type"] == "AWS::Serverless::Function" {
                let binary = &resource["Metadata"]["BuildProperties"]["Binary"];
                if !binary
                    .as_str()
                    .is_some_and(|binary| binaries.contains(binary))
                {
                    faults.push(format!("function `{logical_id}` is built from binary {binary}, which no package has"));
                }
            }
        }
    }
}

/// The logical ids that a template's value refers to.
fn references(value: &Value) -> BTreeSet<String> {
    let first = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(function, argument)| match (function.as_str(), argument) {
                ("Ref", Value::String(id)) => BTreeSet::from([id.clone()]),
                ("Fn::GetAtt", Value::String(attribute)) => BTreeSet::from([first(attribute)]),
                ("Fn::GetAtt", Value::Array(path)) => path
                    .first()
                    .and_then(Value::as_str)
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                ("Fn::Sub", Value::String(text)) => {
                    substitutions(text).iter().map(|name| first(name)).collect()
                }
                (_, argument) => references(argument),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

fn check_errors(definition: &Value, own: &[&str], faults: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    collect_errors(definition, &mut names);
    for name in names {
        let of_aws = STATES_ERRORS.contains(&name)
            || name.starts_with("Lambda.")
            // What Lambda calls a function that ran out of time, memory or luck.
            || ["Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory"].contains(&name);
        if !of_aws && !own.contains(&name) {
            faults.push(format!(
                "the definition matches error `{name}`, which neither AWS nor the code gives"
            ));
        }
    }
}

fn collect_errors<'a>(value: &'a Value, names: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if key == "ErrorEquals" {
                    names.extend(
                        value
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(Value::as_str),
                    );
                } else {
                    collect_errors(value, names);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_errors(value, names)),
        _ => {}
    }
}

/// Checks that in a machine, and in each machine inside one of its states, every state exists and can be reached.
fn check_states(machine: &Value, place: &str, faults: &mut Vec<String>) {
    let none = Map::new();
    let states = machine["States"].as_object().unwrap_or(&none);
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = machine["StartAt"].as_str().into_iter().collect();
    while let Some(name) = next.pop() {
        if !reached.insert(name) {
            continue;
        }
        let Some(state) = states.get(name) else {
            faults.push(format!(
                "{place} goes to state `{name}`, which it does not have"
            ));
            continue;
        };
        next.extend(
            ["Next", "Default"]
                .iter()
                .filter_map(|key| state[*key].as_str()),
        );
        for key in ["Choices", "Catch"] {
            next.extend(
                state[key]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|rule| rule["Next"].as_str()),
            );
        }
        let inside = format!("`{name}` of {place}");
        let branches = state["Branches"].as_array().into_iter().flatten();
        for machine in ["ItemProcessor", "Iterator"]
            .iter()
            .filter_map(|key| state.get(*key))
            .chain(branches)
        {
            check_states(machine, &inside, faults);
        }
    }
    for name in states
        .keys()
        .filter(|name| !reached.contains(name.as_str()))
    {
        faults.push(format!("{place} never goes to its state `{name}`"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dashboard_searches_for_metrics_that_there_are() {
        let faults_of = |body: &str| {
            let dashboard = json!({
                "Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": {"Fn::Sub": [body, {}]}},
            });
            let mut faults = Vec::new();
            check_dashboards(&json!({"Resources": {"D": dashboard}}), &mut faults);
            faults
        };
        let search = |schema: &str, name: &str| {
            let search = format!("SEARCH('{schema} MetricName=\"{name}\"', 'Maximum', 60)");
            json!({"expression": search}).to_string()
        };
        let own = "{PowerTuner,Function,Strategy}";
        assert_eq!(faults_of(&search(own, "BestMemory")), Vec::<String>::new());
        for (body, part) in [
            (
                search(own, "Best"),
                "searches for `Best`, which is no metric",
            ),
            (
                search("{PowerTuner,Function}", "BestMemory"),
                "does not search in `{PowerTuner,Function,Strategy}`",
            ),
            ("{".to_owned(), "is not JSON"),
        ] {
            let faults = faults_of(&body);
            assert!(
                faults.iter().any(|fault| fault.contains(part)),
                "{faults:?}"
            );
        }
    }

    fn definition() -> Value {
        json!({
            "StartAt": "Plan",
            "States": {
                "Plan": {
                    "Type": "Task",
                    "Parameters": {"FunctionName": "${PlanFunction}"},
                    "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"]}],
                    "Catch": [{"ErrorEquals": ["InvalidInput", "States.ALL"], "Next": "Failed"}],
                    "Next": "Measure",
                },
                "Measure": {
                    "Type": "Map",
                    "ItemProcessor": {"StartAt": "Size", "States": {"Size": {"Type": "Pass", "End": true}}},
                    "Next": "More?",
                },
                "More?": {"Type": "Choice", "Choices": [{"Next": "Measure"}], "Default": "Done"},
                "Done": {"Type": "Succeed"},
                "Failed": {"Type": "Fail"},
            },
        })
    }

    fn template() -> Value {
        json!({
            "Parameters": {"Limit": {"Type": "Number"}},
            "Resources": {
                "PlanFunction": {
                    "Type": "AWS::Serverless::Function",
                    "Metadata": {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "plan"}},
                },
                "Machine": {
                    "Type": "AWS::Serverless::StateMachine",
                    "Properties": {
                        "DefinitionSubstitutions": {"PlanFunction": {"Fn::GetAtt": ["PlanFunction", "Arn"]}},
                    },
                },
            },
        })
    }

    const DOCUMENT: &str =
        "# Permissions\n\n## `Machine`\n\n| action | on |\n| --- | --- |\n\n## Others\n";

    fn check(definition: &Value, template: &Value) -> Vec<String> {
        faults(
            &definition.to_string(),
            template,
            DOCUMENT,
            &["InvalidInput"],
            &BTreeSet::from(["plan".to_owned()]),
        )
    }

    #[test]
    fn what_fits_has_no_faults() {
        assert_eq!(check(&definition(), &template()), [""; 0]);
    }

    #[test]
    fn the_role_for_another_account_may_do_what_the_stacks_roles_may() {
        let role = |actions: &[&str]| {
            let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
            let policies = json!([{"PolicyDocument": {"Statement": [statement]}}]);
            json!({"Resources": {"Role": {"Properties": {"Policies": policies}}}})
        };
        let stack = role(&["lambda:GetAlias", "lambda:PublishVersion", "sts:AssumeRole"]);
        let faults = |actions: &[&str]| faults_of_target_role(&stack, &role(actions));
        assert_eq!(
            faults(&["lambda:PublishVersion", "lambda:GetAlias"]),
            [""; 0]
        );
        assert_eq!(
            faults(&["lambda:GetAlias", "lambda:CreateFunction"]),
            [
                "the role may not do `lambda:PublishVersion`, which the stack's roles may",
                "the role may do `lambda:CreateFunction`, which no role of the stack may",
            ]
        );
        let names = |pattern: &str| json!({"FunctionName": {"AllowedPattern": pattern}});
        let versions = json!({"Fn::Sub": "arn:aws:lambda:*:1:function:${FunctionName}:*"});
        assert!(is_qualified(&versions, &names("^[A-Za-z0-9_*?-]+$")));
        assert!(!is_qualified(&versions, &names("^[A-Za-z0-9_:*?-]+$")));
    }

    #[test]
    fn each_fault_of_the_definition_is_found() {
        let cases = [
            (
                "/States/Measure/Next",
                json!("Mroe?"),
                vec![
                    "the state machine goes to state `Mroe?`, which it does not have",
                    "the state machine never goes to its state `Done`",
                    "the state machine never goes to its state `More?`",
                ],
            ),
            (
                "/States/Measure/ItemProcessor/StartAt",
                json!("Sise"),
                vec![
                    "`Measure` of the state machine goes to state `Sise`, which it does not have",
                    "`Measure` of the state machine never goes to its state `Size`",
                ],
            ),
            (
                "/States/Plan/Catch/0/ErrorEquals/0",
                json!("InvalidInputs"),
                vec![
                    "the definition matches error `InvalidInputs`, which neither AWS nor the code gives",
                ],
            ),
            (
                "/States/Plan/Catch/0/ErrorEquals/1",
                json!("States.All"),
                vec![
                    "the definition matches error `States.All`, which neither AWS nor the code gives",
                ],
            ),
            (
                "/States/Plan/Parameters/FunctionName",
                json!("${PlannerFunction}"),
                vec![
                    "the definition uses `${PlannerFunction}`, which the template does not substitute",
                    "the template substitutes `PlanFunction`, which the definition does not use",
                ],
            ),
        ];
        for (place, value, wanted) in cases {
            let mut definition = definition();
            *definition.pointer_mut(place).expect(place) = value;
            assert_eq!(check(&definition, &template()), wanted, "case: {place}");
        }
    }

    #[test]
    fn each_fault_of_the_template_is_found() {
        let cases = [
            (
                "/Resources/PlanFunction/Metadata/BuildProperties/Binary",
                json!("plam"),
                "function `PlanFunction` is built from binary \"plam\", which no package has",
            ),
            (
                "/Resources/Machine/Properties/DefinitionSubstitutions/PlanFunction",
                json!({"Fn::Sub": "${PlannerFunction.Arn}"}),
                "`PlanFunction` is substituted by `PlannerFunction`, which the template does not have",
            ),
        ];
        for (place, value, wanted) in cases {
            let mut template = template();
            *template.pointer_mut(place).expect(place) = value;
            assert_eq!(check(&definition(), &template), [wanted], "case: {place}");
        }
    }

    #[test]
    fn no_function_may_delete_a_function() {
        let versions =
            json!({"Fn::Sub": "arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:*:*"});
        let functions =
            json!({"Fn::Sub": "arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:*"});
        let allow = |action: Value, on: &Value| json!({"Effect": "Allow", "Action": action, "Resource": on});
        let deny = json!({"Effect": "Deny", "Action": DELETION, "NotResource": versions});
        let given = |name: Value| {
            let named =
                json!({"Fn::Sub": ["${Where}:function:${Name}:*", {"Where": "w", "Name": name}]});
            json!({"Fn::If": ["Any", versions, named]})
        };
        let cut = json!({"Fn::Select": [0, {"Fn::Split": [":", {"Ref": "Those"}]}]});
        let more = "`PlanFunction` may delete more than versions: allow `lambda:DeleteFunction` on `…:function:*:*` alone";
        let not_denied = "`PlanFunction` is not denied to delete a function: deny `lambda:DeleteFunction` on all but `…:function:*:*`";
        let cases = [
            (json!([allow(json!("lambda:GetAlias"), &functions)]), vec![]),
            (json!([allow(json!(DELETION), &versions), deny]), vec![]),
            (json!([allow(json!(DELETION), &versions)]), vec![not_denied]),
            (
                json!([allow(json!([DELETION]), &functions), deny]),
                vec![more],
            ),
            (json!([allow(json!(DELETION), &given(cut)), deny]), vec![]),
            (
                json!([
                    allow(json!(DELETION), &given(json!({"Ref": "Those"}))),
                    deny
                ]),
                vec![more],
            ),
            (
                json!([allow(json!("lambda:*"), &json!("*"))]),
                vec![more, not_denied],
            ),
        ];
        for (statements, want) in cases {
            let mut template = template();
            template["Resources"]["PlanFunction"]["Properties"]["Policies"] =
                json!([{"Version": "2012-10-17", "Statement": statements}]);
            assert_eq!(check(&definition(), &template), want, "{statements}");
        }
    }

    #[test]
    fn the_document_names_what_each_role_may_do() {
        let cases = [
            ("## `Role`\n| `lambda:A` | f |\n| `s3:B` | o |", vec![]),
            (
                "## `Role`\n| `lambda:A` | f |",
                vec!["`Role` may do `s3:B`, and the document of permissions does not say why"],
            ),
            (
                "## `Role`\n| `lambda:A` | f |\n| `s3:B` | o |\n| `s3:C` | o |",
                vec!["`Role` may not do `s3:C`, as the document of permissions says"],
            ),
            (
                "## `Role`\n| `lambda:A` | f |\n## Others\n| `s3:B` | o |",
                vec!["`Role` may do `s3:B`, and the document of permissions does not say why"],
            ),
            (
                "## `Role`\n| `lambda:A` | f |\n| `s3:B` | o |\n## `Gone`",
                vec![
                    "`Gone` must be a role of the template and a heading of the document of permissions",
                ],
            ),
            (
                "",
                vec![
                    "`Role` must be a role of the template and a heading of the document of permissions",
                    "`Role` may do `lambda:A`, and the document of permissions does not say why",
                    "`Role` may do `s3:B`, and the document of permissions does not say why",
                ],
            ),
        ];
        let statement = |effect: &str, action: Value| json!({"Effect": effect, "Action": action});
        let statements = json!([
            statement("Allow", json!("lambda:A")),
            {"Fn::If": ["Reads", statement("Allow", json!(["s3:B"])), {"Ref": "AWS::NoValue"}]},
            statement("Deny", json!("lambda:D")),
        ]);
        let template = json!({"Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"Policies": [{"PolicyDocument": {"Statement": statements}}]},
            },
            "Queue": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {"Policies": statements},
            },
        }});
        for (document, want) in cases {
            let mut faults = Vec::new();
            check_permissions(&template, document, &mut faults);
            assert_eq!(faults, want, "{document}");
        }
    }

    #[test]
    fn a_parameter_may_be_substituted() {
        let mut template = template();
        template["Resources"]["Machine"]["Properties"]["DefinitionSubstitutions"]["Limit"] =
            json!({"Ref": "Limit"});
        let mut definition = definition();
        definition["States"]["Measure"]["MaxConcurrency"] = json!("${Limit}");
        assert_eq!(check(&definition, &template), [""; 0]);
    }

    #[test]
    fn substitution_leaves_a_definition_that_is_json() {
        let text = substituted(r#"{"FunctionName": "${F}", "MaxConcurrency": ${Limit}}"#);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["MaxConcurrency"], 1);
        assert_eq!(
            value["FunctionName"],
            "arn:aws:lambda:us-east-1:123456789012:function:F"
        );
    }
}
