#!/usr/bin/env bash
# Writes files with the real libraries for Gradloom to read, and lets them read what Gradloom writes: run.sh DIRECTORY PROGRAM.
# DIRECTORY, outside of the source tree, is for the libraries. Says in one sentence why where it cannot.
set -euo pipefail

directory=${1:?usage: run.sh DIRECTORY PROGRAM}
program=${2:?usage: run.sh DIRECTORY PROGRAM}
here=$(dirname "$0")
"$here/../../.ci/python-environment" "$directory" "$here/requirements.txt" "the libraries (some minutes)"
PYTHONDONTWRITEBYTECODE=1 exec "$directory/venv/bin/python" "$here/check.py" "$program"
