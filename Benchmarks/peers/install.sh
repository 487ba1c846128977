#!/usr/bin/env bash
# Installs the peers in a virtual environment of their own: install.sh DIRECTORY
# Says in one sentence what to do where it cannot.
set -euo pipefail

directory=${1:?usage: install.sh DIRECTORY}
here=$(dirname "$0")

if ! command -v g++ >/dev/null; then
    echo "error: torch.compile needs g++: install it (Debian, Ubuntu: sudo apt-get install g++), and run this command again." >&2
    exit 69 # EX_UNAVAILABLE of sysexits.h
fi
exec "$here/../../.ci/python-environment" "$directory" "$here/requirements.txt" "the peers (6 GB, some minutes)"
