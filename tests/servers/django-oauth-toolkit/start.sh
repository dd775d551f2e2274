#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install)
    python_packages
    # Made once: to migrate a database takes longer than all tests.
    rm -rf "$folder/seed"
    "$folder/venv/bin/python" "$here/server.py" "$folder/seed"
    ;;
run) exec "$folder/venv/bin/python" "$here/server.py" "$folder/seed" "$3" ;;
esac
