#!/usr/bin/env bash
# Runs the demonstration in debug, and restarts it whenever a source file changes; the page in the browser
# reloads itself. A change that does not compile leaves the former server running.

. "$(dirname "$0")/lib.sh"

watched=(src style public migrations tools/bundle Cargo.toml Cargo.lock)
stamp=target/dev-stamp
server=

stop() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
    server=
}
trap stop EXIT
trap 'exit 0' INT TERM

while true; do
    touch "$stamp"
    if tools/build-console.sh --dev && cargo build; then
        stop
        target/debug/refundry demo "$@" </dev/null &
        server=$!
        note 'watching for changes; Ctrl-C ends it'
    else
        note 'waiting for a change that compiles'
    fi
    until [ -n "$(find "${watched[@]}" -newer "$stamp" -print -quit)" ]; do sleep 0.5; done
done
