#!/usr/bin/env bash
# Looks for new releases, locks and measures them, and collects what changed.
#
#   .github/scripts/watch.sh DEVICE FOLDER
#
# writes FOLDER/files (what changed, as it lies in the repository) and FOLDER/report.md. Exit code:
# that of `generator update`, but 0 where something measured failed and was kept: that is a result.
set -euo pipefail
device=$1 folder=$2
mkdir -p "$folder"

# An environment of its own: a self-hosted machine's Python may refuse to install packages.
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet -r .ci/uv.txt

code=0
"$tools/bin/python" -m uv run --locked generator update \
    --device "$device" --report "$folder/report.md" || code=$?
if [ "$code" -gt 1 ]; then
    exit "$code"
fi
python3 .github/scripts/changes.py collect "$folder/files"
if [ "$code" -eq 1 ] && [ -z "$(find "$folder/files" -type f -print -quit)" ]; then
    exit 1
fi
