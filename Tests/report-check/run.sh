#!/usr/bin/env bash
# Looks at report pages with a browser: run.sh DIRECTORY PAGE… writes screenshots of each page to DIRECTORY, outside of the
# source tree, where it also keeps the Python package that talks to the browser. Says in one sentence why where it cannot.
set -euo pipefail

directory=${1:?usage: run.sh DIRECTORY PAGE…}
here=$(dirname "$0")
python=${PYTHON:-python3}

skip() {
    echo "skipped: $1"
    exit 0
}

browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends chromium fonts-liberation ||
        skip "apt-get could not install chromium."
    browser=$(command -v chromium || true)
fi
[ -n "$browser" ] || skip "there is no Chromium: install it (apt-get install chromium), or name it in CHROMIUM."
command -v "$python" >/dev/null || skip "$python was not found."
if ! cmp --silent "$here/requirements.txt" "$directory/installed.txt"; then
    mkdir -p "$directory"
    "$python" -m venv "$directory/venv" || skip "$python cannot make virtual environments."
    "$directory/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
        skip "pip could not install $here/requirements.txt: see its message above."
    cp "$here/requirements.txt" "$directory/installed.txt"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$directory/venv/bin/python" "$here/check.py" "$browser" "$directory" "${@:2}"
