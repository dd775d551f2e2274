#!/bin/sh
# `install FOLDER`, or `run FOLDER`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    for program in java javac mvn; do
        command -v $program >/dev/null || { echo "there is no $program" >&2; exit 77; }
    done
    rm -rf "$folder/lib" "$folder/classes"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$folder/lib" >&2
    javac -proc:none -cp "$folder/lib/*" -d "$folder/classes" "$here"/*.java
    ;;
run)
    exec java -XX:TieredStopAtLevel=1 -Xmx128m -cp "$folder/classes:$folder/lib/*" Client
    ;;
esac
