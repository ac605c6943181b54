"""What CloudFormation makes of a SAM template: the transform alone, without AWS.

Called with the template's file and a JSON list of parameter sets. Prints a list with, for each set, the parameters that
CloudFormation would refuse, and the transformed template.
"""

import json
import re
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    def load(self):
        return {}


def is_refused(rules, value):
    # Of a list each value has to match.
    values = value.split(",") if rules["Type"] == "CommaDelimitedList" else [value]
    if "AllowedPattern" in rules and not all(re.fullmatch(rules["AllowedPattern"], value) for value in values):
        return True
    if "AllowedValues" in rules and value not in rules["AllowedValues"]:
        return True
    if len(value) > int(rules.get("MaxLength", len(value))):
        return True
    if rules["Type"] != "Number":
        return False
    return not float(rules.get("MinValue", "-inf")) <= float(value) <= float(rules.get("MaxValue", "inf"))


def uploaded(template):
    """As `sam deploy` leaves it: what is local has been uploaded."""
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"]["DefinitionUri"] = "s3://bucket/definition"
    return template


path, sets = sys.argv[1], json.loads(sys.argv[2])
with open(path) as file:
    text = file.read()
answers = []
for given in sets:
    template = uploaded(yaml_parse(text))
    parameters = template["Parameters"]
    refused = [name for name, value in given.items() if is_refused(parameters[name], value)]
    answers.append({"refused": refused, "template": transform(template, dict(given), NoManagedPolicies())})
json.dump(answers, sys.stdout)
