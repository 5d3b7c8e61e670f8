#!/usr/bin/env bash
# Checks format and lints: `lint.sh` checks everything, `lint.sh format|server|browser` one of them.

. "$(dirname "$0")/lib.sh"

format() {
    cargo fmt --all --check
}
server() {
    cargo clippy "${QUICK[@]}" --all-targets -- -D warnings
    cargo clippy "${QUICK[@]}" --all-targets -p bundle -- -D warnings
}
browser() {
    cargo clippy "${BROWSER_SIDE[@]}" --profile browser-quick -- -D warnings
}

case ${1:-all} in
    format | server | browser) "$1" ;;
    all) format && server && browser ;;
    *) fail 'usage: lint.sh [format|server|browser]' ;;
esac
