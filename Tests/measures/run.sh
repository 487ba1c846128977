#!/usr/bin/env bash
# Compares the recorded measures with what scikit-learn measures here: run.sh DIRECTORY [--write]. DIRECTORY, outside of the
# source tree, is for scikit-learn. Says in one sentence why where it cannot.
set -euo pipefail

directory=${1:?usage: run.sh DIRECTORY [--write]}
here=$(dirname "$0")
"$here/../../.ci/python-environment" "$directory" "$here/requirements.txt" "scikit-learn (some minutes)"
PYTHONDONTWRITEBYTECODE=1 exec "$directory/venv/bin/python" "$here/record.py" "${@:2}" \
    "$here/../Fixtures/scikit-learn-measures.json"
