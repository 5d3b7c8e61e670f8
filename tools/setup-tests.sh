#!/usr/bin/env bash
# Installs what the tests need on top of building: PostgreSQL, libfaketime, PHP, nginx, Node modules, and a Chromium with
# Chinese fonts. Leaves what is installed already as it is.

. "$(dirname "$0")/lib.sh"
steps 'set-up of the tests' 6

step 'PostgreSQL'
find_postgres >/dev/null || install_packages postgresql && find_postgres >/dev/null ||
    fail 'there is no PostgreSQL, and it could not be installed. Install it, and run this again.'
note "$(find_postgres)"

# The same place as in tests/torture/desk.rs. Without it the tests that step the clock skip themselves.
find_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1'; }

step 'A clock that can be stepped (libfaketime)'
find_faketime >/dev/null || install_packages libfaketime || true
note "$(find_faketime || echo 'is not there and could not be installed: tests that need it are skipped')"

# The examples for merchants are tested in the languages that are there; PHP is the one that few machines have.
step 'PHP, for the examples'
have php || install_packages php-cli || true
note "$(command -v php || echo 'is not there and could not be installed: the examples in PHP are not tested')"

step 'A proxy (nginx)'
have nginx || install_packages nginx-light || true
note "$(command -v nginx || echo 'is not there and could not be installed: the test of deploy/nginx.conf is skipped')"

step 'Node modules'
have npm || fail 'npm was not found. Install Node 20 or newer, and run this again.'
installed=end2end/node_modules/.refundry-lock
if cmp -s end2end/package-lock.json "$installed"; then
    note 'are there'
else
    (cd end2end && npm ci --no-audit --no-fund --loglevel=error </dev/null)
    cp end2end/package-lock.json "$installed"
fi

# The same names as in end2end/playwright.config.ts.
find_chromium() {
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
        if [ -n "$name" ] && command -v "$name"; then return; fi
    done
    return 1
}

step 'Chromium'
find_chromium >/dev/null || install_packages chromium fonts-noto-cjk ||
    fail 'there is no Chromium, and it could not be installed. Install it, or let CHROMIUM name one, and run this again.'
note "$(find_chromium)"
