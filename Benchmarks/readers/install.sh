#!/usr/bin/env bash
# Installs the readers in a virtual environment of their own: install.sh DIRECTORY
# Says in one sentence what to do where it cannot.
set -euo pipefail

directory=${1:?usage: install.sh DIRECTORY}
requirements=$(dirname "$0")/requirements.txt
python=${PYTHON:-python3}

stop() {
    echo "error: $1" >&2
    exit 69 # EX_UNAVAILABLE of sysexits.h
}

command -v "$python" >/dev/null ||
    stop "$python was not found: install Python 3.11 or later, or name it in PYTHON."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "$python is $("$python" --version 2>&1), but the readers need Python 3.11 or later: install one and name it in PYTHON."

# What was installed stays as long as the requirements are the same.
if ! cmp --silent "$requirements" "$directory/installed.txt"; then
    mkdir -p "$directory"
    "$python" -m venv "$directory/venv" ||
        stop "$python cannot make virtual environments: install its venv module (Debian, Ubuntu: sudo apt-get install python3-venv), and run this command again."
    echo "Installing the readers in $directory/venv (half a gigabyte)" >&2
    "$directory/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" ||
        stop "pip could not install $requirements: see its message above."
    cp "$requirements" "$directory/installed.txt"
fi
