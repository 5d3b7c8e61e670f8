#!/usr/bin/env bash
# Checks format, lints and dependencies: `lint.sh` checks everything, `lint.sh format|server|browser|supply` one of them.

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

# Checks the dependencies as far as it can here, and says what it could not check.
supply() {
    if have cargo-deny; then
        cargo deny --workspace check licenses bans sources
        if cargo deny fetch db >/dev/null 2>&1; then
            cargo deny --workspace check advisories
        else
            note 'the database of advisories is out of reach: crates are not checked against it'
        fi
    else
        note 'cargo-deny is not installed: licences, doubles and advisories of crates are not checked'
    fi
    if have npm; then
        local report status=0
        report=$(npm --prefix end2end audit --json 2>/dev/null </dev/null) || status=$?
        # What is found is in a report with this field; without it, the registry did not answer.
        if grep -q '"auditReportVersion"' <<<"$report"; then
            [ "$status" -eq 0 ] || { echo "$report"; return 1; }
        else
            note 'the registry of npm answers no audit: Node modules are not checked'
        fi
    else
        note 'npm is not installed: Node modules are not checked'
    fi
}

case ${1:-all} in
    format | server | browser | supply) "$1" ;;
    all) format && server && browser && supply ;;
    *) fail 'usage: lint.sh [format|server|browser|supply]' ;;
esac
