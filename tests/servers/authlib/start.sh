#!/bin/sh
# See ../README.md: `install FOLDER`, or `run FOLDER PORT`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    . "$here/../python.sh"
    python_packages "$folder" "$here/requirements.txt"
    ;;
run)
    exec "$folder/venv/bin/python" "$here/server.py" "$3"
    ;;
esac
