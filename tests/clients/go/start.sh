#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install) go_program ;;
run) exec "$folder/program" ;;
esac
