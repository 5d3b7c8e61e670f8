#!/usr/bin/env bash
# Runs a command with a temporary PostgreSQL for tests, whose address is in REFUNDRY_TEST_POSTGRES:
#     tools/postgres.sh cargo test --profile quick
# The server listens on a free port of the loopback address, trusts every client, and keeps its data in a
# temporary folder, which is removed afterwards. It waits for no disk: what it holds need not outlive the machine.

. "$(dirname "$0")/lib.sh"
[ $# -gt 0 ] || fail 'a command to run is needed.'

bin=$(find_postgres) || fail 'PostgreSQL was not found. tools/setup-tests.sh installs it.'
folder=$(mktemp -d)
chmod 711 "$folder"
mkdir "$folder/data"

# The server refuses to run as root.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

finish() {
    as_postgres "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder/data"; fi
as_postgres "$bin/initdb" -D "$folder/data" -U refundry -A trust -E UTF8 --locale=C >"$folder/log" 2>&1 ||
    fail "no database could be made: $(cat "$folder/log")"

# A port in use makes the server fail, so a few ports are tried.
for try in 1 2 3 4 5; do
    port=$((RANDOM % 12000 + 20000))
    if as_postgres "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/data/server.log" \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 -c fsync=off -c synchronous_commit=off -c full_page_writes=off" start >/dev/null; then
        break
    fi
    [ "$try" -lt 5 ] || fail "the server does not start: $(tail -n 5 "$folder/data/server.log")"
done

REFUNDRY_TEST_POSTGRES="postgres://refundry@127.0.0.1:$port" "$@"
