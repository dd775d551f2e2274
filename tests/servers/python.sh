# For start scripts of servers in Python: `python_packages FOLDER REQUIREMENTS` makes a virtual
# environment in FOLDER/venv, also where Python came without ensurepip.
python_packages() {
    command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 77; }
    venv=$1/venv
    requirements=$2
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
    "$@" install -q --disable-pip-version-check --no-compile -r "$requirements"
}
