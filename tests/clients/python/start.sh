#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install) python_packages ;;
run) exec "$folder/venv/bin/python" "$here/client.py" ;;
esac
