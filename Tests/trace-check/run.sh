#!/usr/bin/env bash
# Checks a trace with Perfetto's trace processor: run.sh DIRECTORY TRACE, or run.sh DIRECTORY TRACE QUERY… to ask in SQL.
# DIRECTORY, outside of the source tree, is for the Python packages. Says in one sentence why where it cannot.
set -euo pipefail

directory=${1:?usage: run.sh DIRECTORY TRACE [QUERY…]}
here=$(dirname "$0")
python=${PYTHON:-python3}

skip() {
    echo "skipped: $1"
    exit 0
}

command -v "$python" >/dev/null || skip "$python was not found."
if ! cmp --silent "$here/requirements.txt" "$directory/installed.txt"; then
    mkdir -p "$directory"
    "$python" -m venv "$directory/venv" || skip "$python cannot make virtual environments."
    "$directory/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
        skip "pip could not install $here/requirements.txt: see its message above."
    cp "$here/requirements.txt" "$directory/installed.txt"
fi
export PYTHONDONTWRITEBYTECODE=1
if (($# == 2)); then
    exec "$directory/venv/bin/python" "$here/check.py" "$2"
fi
exec "$directory/venv/bin/python" "$here/trace_processor.py" "${@:2}"
