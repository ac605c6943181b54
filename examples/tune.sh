#!/usr/bin/env bash
# Tunes a function from a pipeline: prints the outcome as JSON, and fails with the cause where the tuning fails.
#   examples/tune.sh STATE_MACHINE_ARN INPUT_FILE
set -euo pipefail
state_machine=$1
input=$2

execution=$(aws stepfunctions start-execution --state-machine-arn "$state_machine" --input "file://$input" \
  --query executionArn --output text)
echo "started $execution" >&2
# Whoever cancels the pipeline stops the tuning; what it did to the function is put back all the same.
trap 'aws stepfunctions stop-execution --execution-arn "$execution" > /dev/null' INT TERM

described() {
  aws stepfunctions describe-execution --execution-arn "$execution" --query "$1" --output text
}
while status=$(described status) && [ "$status" = RUNNING ]; do
  sleep "${SECONDS_BETWEEN_LOOKS:-5}"
done
if [ "$status" != SUCCEEDED ]; then
  echo "$status: $(described error): $(described cause)" >&2
  exit 1
fi
described output
