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
. "$(dirname "$0")/../../start.sh"
case $1 in
# With requirements.txt and server.py beside this file, or with node_packages, go_program or java_classes.
install) python_packages ;;
run) exec "$folder/venv/bin/python" "$here/server.py" "$3" ;;
esac
END
echo "tests/servers/$name: fill in server.toml and start.sh, then run" >&2
echo "INSTA_UPDATE=always cargo test -p tokenlease-tests --test interop" >&2
