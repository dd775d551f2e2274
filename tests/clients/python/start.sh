#!/bin/sh
# `install FOLDER`, or `run FOLDER`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    . "$here/../../servers/python.sh"
    python_packages "$folder" "$here/requirements.txt"
    ;;
run)
    exec "$folder/venv/bin/python" "$here/client.py"
    ;;
esac
