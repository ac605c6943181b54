#!/usr/bin/env bash
# Tunes a function with the AWS CLI alone: starts a tuning, waits for it, and prints the outcome as JSON.
#   tune.sh STATE_MACHINE_ARN INPUT_FILE > outcome.json
# Ends with 0, with 3 where the tuning failed, timed out or was stopped, with 4 where AWS did not answer, with 2 where it was
# called wrongly, and with 130 or 143 where it was interrupted: then it stops the tuning, whose clean-up runs all the same.
set -euo pipefail
if [ $# -ne 2 ] || [ ! -r "$2" ]; then
  echo "usage: $0 STATE_MACHINE_ARN INPUT_FILE > outcome.json" >&2
  exit 2
fi
# With a name of its own an execution can be stopped from the first moment on, and a repeated request starts no second one.
execution=${1/:stateMachine:/:execution:}:pipeline-$(date +%s)-$$-$RANDOM

stop() {
  trap '' INT TERM
  echo "stopping $execution" >&2
  aws stepfunctions stop-execution --execution-arn "$execution" > /dev/null || true
  exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM

described() {
  aws stepfunctions describe-execution --execution-arn "$execution" --query "$1" --output text || exit 4
}

echo "starting $execution" >&2
aws stepfunctions start-execution --state-machine-arn "$1" --name "${execution##*:}" --input "file://$2" > /dev/null || exit 4
status=RUNNING
while [ "$status" = RUNNING ]; do
  # A signal is heard while `wait` waits, and not before a command in the foreground has ended.
  sleep 5 > /dev/null 2>&1 & wait $!
  status=$(described status)
done
if [ "$status" != SUCCEEDED ]; then
  described "join(': ', [status, error, cause][?@])" >&2
  exit 3
fi
described output
