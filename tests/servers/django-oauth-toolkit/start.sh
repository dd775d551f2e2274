#!/bin/sh
# See ../README.md: `install FOLDER`, or `run FOLDER PORT`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    . "$here/../python.sh"
    python_packages "$folder" "$here/requirements.txt"
    # Made once: to migrate a database takes longer than all tests.
    rm -rf "$folder/seed"
    "$folder/venv/bin/python" "$here/server.py" "$folder/seed"
    ;;
run)
    exec "$folder/venv/bin/python" "$here/server.py" "$folder/seed" "$3"
    ;;
esac
