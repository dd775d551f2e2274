#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install)
    need java mvn tar
    rm -rf "$folder/download" "$folder/keycloak"
    mkdir "$folder/keycloak"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$folder/download" >&2
    tar -xzf "$folder"/download/*.tar.gz -C "$folder/keycloak" --strip-components=1
    rm -r "$folder/download"
    mkdir -p "$folder/keycloak/data/import"
    cp "$here/realm.json" "$folder/keycloak/data/import/test-realm.json"
    # Without this, each start would build the server first.
    "$folder/keycloak/bin/kc.sh" build --db=dev-mem --cache=local >&2
    ;;
run)
    # Keycloak does not read its input, so another process does and ends it.
    exec 3<&0
    (cat <&3 >/dev/null; kill -9 $$) &
    # As bin/kc.sh starts it, but as this process.
    home=$folder/keycloak
    exec java -XX:TieredStopAtLevel=1 -Xmx512m \
        --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED \
        --add-opens=java.base/java.security=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED \
        "-Dkc.home.dir=$home" -Djava.util.logging.manager=org.jboss.logmanager.LogManager \
        -Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory \
        -cp "$home/lib/quarkus-run.jar" io.quarkus.bootstrap.runner.QuarkusEntryPoint \
        start --optimized --http-enabled=true --http-host=127.0.0.1 "--http-port=$3" \
        --hostname-strict=false --import-realm </dev/null 3<&-
    ;;
esac
