#!/usr/bin/env bash
# Compares the recorded measures with what scikit-learn measures here: run.sh DIRECTORY [--write]. DIRECTORY, outside of the
# source tree, is for scikit-learn. Says in one sentence why where it cannot.
set -euo pipefail

directory=${1:?usage: run.sh DIRECTORY [--write]}
here=$(dirname "$0")
python=${PYTHON:-python3}

stop() {
    echo "error: $1" >&2
    exit 69 # EX_UNAVAILABLE of sysexits.h
}

command -v "$python" >/dev/null || stop "$python was not found: install Python 3.11 or later, or name it in PYTHON."
if ! cmp --silent "$here/requirements.txt" "$directory/installed.txt"; then
    mkdir -p "$directory"
    "$python" -m venv "$directory/venv" || stop "$python cannot make virtual environments."
    echo "Installing scikit-learn in $directory/venv (some minutes)" >&2
    "$directory/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
        stop "pip could not install $here/requirements.txt: see its message above."
    cp "$here/requirements.txt" "$directory/installed.txt"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$directory/venv/bin/python" "$here/record.py" "${@:2}" \
    "$here/../Fixtures/scikit-learn-measures.json"
