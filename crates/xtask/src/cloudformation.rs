//! As much of `CloudFormation` as it takes to see what a template comes to: parameters, conditions and rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A template, after its transform, with parameters.
pub(crate) struct Stack<'a> {
    template: &'a Value,
    /// Those that were given, then the defaults, then those of `CloudFormation` itself.
    parameters: BTreeMap<String, Value>,
}

const NO_VALUE: &str = "AWS::NoValue";

impl<'a> Stack<'a> {
    pub fn new(template: &'a Value, given: &Value) -> Self {
        let of_aws = [
            ("AWS::AccountId", "123456789012"),
            ("AWS::Partition", "aws"),
            ("AWS::Region", "us-east-1"),
            ("AWS::StackName", "power-tuner"),
        ];
        let mut parameters: BTreeMap<String, Value> = of_aws
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .into();
        let none = Map::new();
        for (name, parameter) in template["Parameters"].as_object().unwrap_or(&none) {
            let value = given.get(name).unwrap_or(&parameter["Default"]);
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let value = match parameter["Type"].as_str() {
                Some("CommaDelimitedList") => text.split(',').map(str::trim).collect(),
                _ => json!(text),
            };
            parameters.insert(name.clone(), value);
        }
        Self {
            template,
            parameters,
        }
    }

    /// The resources and outputs that the stack has, with everything filled in that does not need AWS.
    pub fn resolved(&self) -> Value {
        let section = |name: &str| -> Value {
            let none = Map::new();
            let entries = self.template[name].as_object().unwrap_or(&none);
            let there = entries.iter().filter(|(_, entry)| {
                entry["Condition"]
                    .as_str()
                    .is_none_or(|name| self.holds(name))
            });
            there
                .filter_map(|(id, entry)| {
                    let mut entry = entry.clone();
                    if let Some(entry) = entry.as_object_mut() {
                        entry.remove("Condition");
                    }
                    Some((id.clone(), self.value(&entry)?))
                })
                .collect::<Map<String, Value>>()
                .into()
        };
        json!({"Resources": section("Resources"), "Outputs": section("Outputs")})
    }

    /// What the rules say of parameters that do not fit together.
    pub fn broken_rules(&self) -> Vec<String> {
        let none = Map::new();
        let rules = self.template["Rules"].as_object().unwrap_or(&none).values();
        rules
            .filter(|rule| rule["RuleCondition"].is_null() || self.is_true(&rule["RuleCondition"]))
            .flat_map(|rule| rule["Assertions"].as_array().into_iter().flatten())
            .filter(|assertion| !self.is_true(&assertion["Assert"]))
            .map(|assertion| assertion["AssertDescription"].to_string())
            .collect()
    }

    fn holds(&self, condition: &str) -> bool {
        self.is_true(&self.template["Conditions"][condition])
    }

    fn is_true(&self, condition: &Value) -> bool {
        let Some((function, argument)) = function(condition) else {
            return false;
        };
        let arguments = || argument.as_array().into_iter().flatten();
        match function {
            "Condition" => argument.as_str().is_some_and(|name| self.holds(name)),
            "Fn::Not" => !arguments().any(|condition| self.is_true(condition)),
            "Fn::Or" => arguments().any(|condition| self.is_true(condition)),
            "Fn::And" => arguments().all(|condition| self.is_true(condition)),
            "Fn::Equals" => self.value(&argument[0]) == self.value(&argument[1]),
            _ => false,
        }
    }

    /// `None` stands for nothing at all, which is not the same as something empty.
    fn value(&self, value: &Value) -> Option<Value> {
        if let Some((function, argument)) = function(value) {
            return self.of_function(function, argument);
        }
        Some(match value {
            Value::Object(fields) => fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), self.value(field)?)))
                .collect(),
            Value::Array(items) => items.iter().filter_map(|item| self.value(item)).collect(),
            other => other.clone(),
        })
    }

    fn of_function(&self, function: &str, argument: &Value) -> Option<Value> {
        match function {
            "Ref" if argument == NO_VALUE => None,
            "Ref" => Some(self.named(argument.as_str().unwrap_or_default())),
            "Fn::If" => {
                let holds = self.holds(argument[0].as_str().unwrap_or_default());
                self.value(&argument[if holds { 1 } else { 2 }])
            }
            "Fn::Sub" => Some(self.substituted(argument)),
            "Fn::Join" => {
                let parts = self.value(&argument[1]).unwrap_or_default();
                let parts = parts.as_array().into_iter().flatten();
                let parts: Vec<&str> = parts.filter_map(Value::as_str).collect();
                Some(json!(parts.join(argument[0].as_str().unwrap_or_default())))
            }
            "Fn::Split" => {
                let text = self.value(&argument[1])?;
                let delimiter = argument[0].as_str()?;
                Some(text.as_str()?.split(delimiter).collect())
            }
            "Fn::Select" => {
                let parts = self.value(&argument[1])?;
                let index = usize::try_from(argument[0].as_u64()?).ok()?;
                parts.get(index).cloned()
            }
            "Fn::FindInMap" => {
                let keys = self.value(argument)?;
                let key = |index: usize| keys[index].as_str().unwrap_or_default().to_owned();
                Some(self.template["Mappings"][key(0)][key(1)][key(2)].clone())
            }
            // What only AWS knows stays a name.
            "Fn::GetAtt" => {
                let path = argument.as_array().into_iter().flatten();
                let path: Vec<&str> = path.filter_map(Value::as_str).collect();
                Some(json!(format!("${{{}}}", path.join("."))))
            }
            other => Some(json!({other: self.value(argument)})),
        }
    }

    fn named(&self, name: &str) -> Value {
        let resource = || json!(format!("${{{name}}}"));
        self.parameters.get(name).cloned().unwrap_or_else(resource)
    }

    fn substituted(&self, argument: &Value) -> Value {
        let text = argument.as_str().or(argument[0].as_str());
        let own = self.value(&argument[1]).unwrap_or_default();
        let mut result = String::new();
        let mut rest = text.unwrap_or_default();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = own.get(name).cloned();
            let value = value.unwrap_or_else(|| self.named(name));
            result.push_str(before);
            result.push_str(value.as_str().unwrap_or_default());
            rest = after;
        }
        json!(result + rest)
    }
}

fn function(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let (name, argument) = fields.iter().next()?;
    let is_function = name.starts_with("Fn::") || ["Ref", "Condition"].contains(&name.as_str());
    is_function.then_some((name.as_str(), argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Value {
        json!({
            "Parameters": {
                "Name": {"Type": "String", "Default": ""},
                "Days": {"Type": "Number", "Default": 3},
                "Subnets": {"Type": "CommaDelimitedList", "Default": ""},
            },
            "Rules": {
                "Named": {
                    "RuleCondition": {"Fn::Equals": [{"Ref": "Days"}, "7"]},
                    "Assertions": [{"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]}, "AssertDescription": "a name"}],
                },
            },
            "Mappings": {"Console": {"aws": {"Domain": "a.com"}}},
            "Conditions": {
                "IsNamed": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]},
                "HasSubnets": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Subnets"}]}, ""]}]},
                "Either": {"Fn::Or": [{"Condition": "IsNamed"}, {"Condition": "HasSubnets"}]},
            },
            "Resources": {
                "Always": {
                    "Type": "T",
                    "Properties": {
                        "Days": {"Ref": "Days"},
                        "Name": {"Fn::If": ["IsNamed", {"Ref": "Name"}, {"Ref": "AWS::NoValue"}]},
                        "Subnets": ["first", {"Fn::If": ["HasSubnets", {"Ref": "Subnets"}, {"Ref": "AWS::NoValue"}]}],
                        "Arn": {"Fn::Sub": ["${AWS::Region}-${Own}-${Days}-${Sometimes.Arn}", {"Own": {"Ref": "Name"}}]},
                        "Other": {"Fn::GetAtt": ["Sometimes", "Arn"]},
                        "Domain": {"Fn::FindInMap": ["Console", {"Ref": "AWS::Partition"}, "Domain"]},
                        "Parts": {"Fn::Split": [":", {"Fn::Sub": "${AWS::Region}:${Name}"}]},
                        "Part": {"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]},
                    },
                },
                "Sometimes": {"Type": "T", "Condition": "Either"},
            },
            "Outputs": {"Days": {"Value": {"Ref": "Days"}}},
        })
    }

    #[test]
    fn what_is_not_given_is_not_there() {
        let template = template();
        let resolved = Stack::new(&template, &json!({})).resolved();
        let wanted = json!({
            "Always": {
                "Type": "T",
                "Properties": {
                    "Days": "3",
                    "Subnets": ["first"],
                    "Arn": "us-east-1--3-${Sometimes.Arn}",
                    "Other": "${Sometimes.Arn}",
                    "Domain": "a.com",
                    "Parts": ["us-east-1", ""],
                    "Part": "east",
                },
            },
        });
        assert_eq!(resolved["Resources"], wanted);
        assert_eq!(resolved["Outputs"], json!({"Days": {"Value": "3"}}));
    }

    #[test]
    fn what_is_given_is_filled_in() {
        let template = template();
        let given = json!({"Name": "n", "Subnets": "a, b"});
        let resolved = Stack::new(&template, &given).resolved();
        let properties = &resolved["Resources"]["Always"]["Properties"];
        assert_eq!(properties["Name"], "n");
        assert_eq!(properties["Subnets"], json!(["first", ["a", "b"]]));
        assert_eq!(properties["Arn"], "us-east-1-n-3-${Sometimes.Arn}");
        assert!(resolved["Resources"]["Sometimes"].is_object());
    }

    #[test]
    fn parameters_that_do_not_fit_together_break_a_rule() {
        let template = template();
        let broken = |given: Value| Stack::new(&template, &given).broken_rules();
        assert_eq!(broken(json!({})), [""; 0]);
        assert_eq!(broken(json!({"Days": "7"})), ["\"a name\""]);
        assert_eq!(broken(json!({"Days": "7", "Name": "n"})), [""; 0]);
    }
}
