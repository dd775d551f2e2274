#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install) java_classes ;;
run) java_program -Xmx128m Client ;;
esac
