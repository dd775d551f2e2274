#!/bin/sh
# Adds a server under test: `sh tests/servers/add.sh NAME`. README.md says what to fill in.
set -eu
name=${1:?the name of the new folder}
cd "$(dirname "$0")"
mkdir "$name"
cat >"$name/server.toml" <<'END'
what = "[name](https://homepage) version, language"
api = "/api/whoami"
# optional = true  # it needs Go or Java
notes = []

[profile.oauth2]
provider = "oauth2"
token_path = "/token"
revocation_path = ""
introspection_path = ""
userinfo_path = ""
# client_auth = "body"  # or "basic-raw"; "basic" unless given
# scope = ""
END
cat >"$name/start.sh" <<'END'
#!/bin/sh
# See ../README.md: `install FOLDER`, or `run FOLDER PORT`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    # A server in Python, with requirements.txt and server.py beside this file.
    . "$here/../python.sh"
    python_packages "$folder" "$here/requirements.txt"
    # One in Node.js, with package.json, package-lock.json and server.mjs:
    # command -v npm >/dev/null || { echo "there is no npm" >&2; exit 77; }
    # cp "$here/package.json" "$here/package-lock.json" "$folder/"
    # cd "$folder"
    # npm ci --omit=dev --no-audit --no-fund --ignore-scripts
    # One in Go or Java: as in fosite, or in spring-authorization-server.
    ;;
run)
    exec "$folder/venv/bin/python" "$here/server.py" "$3"
    # NODE_PREFIX=$folder exec node "$here/server.mjs" "$3"
    ;;
esac
END
echo "tests/servers/$name: fill in server.toml and start.sh, then run" >&2
echo "INSTA_UPDATE=always cargo test -p tokenlease-tests --test interop" >&2
