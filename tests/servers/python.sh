# For start scripts of servers in Python: `python_packages FOLDER REQUIREMENTS` makes a virtual
# environment in FOLDER/venv, also where Python came without ensurepip.
python_packages() {
    command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 77; }
    rm -rf "$1/venv"
    if python3 -c 'import ensurepip' 2>/dev/null; then
        python3 -m venv "$1/venv"
        "$1/venv/bin/python" -m pip install -q --disable-pip-version-check -r "$2"
    elif python3 -m pip --version >/dev/null 2>&1; then
        python3 -m venv --without-pip "$1/venv"
        python3 -m pip --python "$1/venv/bin/python" install -q --disable-pip-version-check -r "$2"
    elif command -v virtualenv >/dev/null; then
        virtualenv -q "$1/venv"
        "$1/venv/bin/python" -m pip install -q --disable-pip-version-check -r "$2"
    else
        echo "python3 has neither ensurepip nor pip, and there is no virtualenv" >&2
        exit 77
    fi
}
