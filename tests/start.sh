# Sourced by the start scripts of servers/ and clients/: `sh start.sh install FOLDER`, then
# `sh start.sh run FOLDER …`. $here is the folder of the script, $folder that of the installed program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2

# Ends with 77 where a program is missing.
need() {
    for program; do
        command -v "$program" >/dev/null || { echo "there is no $program" >&2; exit 77; }
    done
}

# Installs requirements.txt into the virtual environment $folder/venv, also where Python came without ensurepip.
python_packages() {
    need python3
    venv=$folder/venv
    rm -rf "$venv"
    python3 -m venv --without-pip "$venv"
    # pip 22.3 and later can install into another environment, which then needs no separate pip.
    if python3 -m pip --python "$venv/bin/python" --version >/dev/null 2>&1; then
        set -- python3 -m pip --python "$venv/bin/python"
    elif python3 -m venv "$venv" >/dev/null 2>&1; then
        set -- "$venv/bin/python" -m pip
    elif command -v virtualenv >/dev/null && virtualenv -q "$venv"; then
        set -- "$venv/bin/python" -m pip
    else
        echo "python3 has neither pip 22.3 nor ensurepip, and there is no virtualenv" >&2
        exit 77
    fi
    "$@" install -q --disable-pip-version-check --no-compile -r "$here/requirements.txt"
}

# Installs the packages of package-lock.json into $folder/node_modules.
node_packages() {
    need node npm
    cp "$here/package.json" "$here/package-lock.json" "$folder/"
    (cd "$folder" && npm ci --omit=dev --no-audit --no-fund --ignore-scripts)
}

# Builds the program $folder/program.
go_program() {
    need go
    (cd "$here" && GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false -o "$folder/program" .)
}

# Installs the libraries of pom.xml in $folder/lib, and compiles into $folder/classes.
java_classes() {
    need java javac mvn
    rm -rf "$folder/lib" "$folder/classes"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$folder/lib" >&2
    javac -proc:none -cp "$folder/lib/*" -d "$folder/classes" "$here"/*.java
}

# Becomes a Java program: java_program OPTION… CLASS ARGUMENT…
java_program() {
    exec java -XX:TieredStopAtLevel=1 -cp "$folder/classes:$folder/lib/*" "$@"
}
