# shellcheck shell=bash
# Functions for the scripts of this folder. Each script begins with  . "$(dirname "$0")/lib.sh"
# which changes to the root of the project and sets cargo's target folder.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR="$PWD/target"

# The browser's side has a target folder of its own, so that neither side waits for the other's lock.
BROWSER_SIDE=(--lib --target wasm32-unknown-unknown --target-dir target/browser)

# The profile of what is built to be tried and tested, see Cargo.toml.
QUICK=(--profile quick)

# Reports progress: `steps NAME TOTAL` once, then `step WHAT` at each step, and `took` after the last.
steps() { STEPS_NAME=$1 STEPS_TOTAL=$2 STEPS_DONE=0; }
step() {
    if [ "$STEPS_DONE" -gt 0 ]; then took; fi
    STEPS_BEGUN=$SECONDS
    STEPS_DONE=$((STEPS_DONE + 1))
    printf '[%s %s/%s] %s\n' "$STEPS_NAME" "$STEPS_DONE" "$STEPS_TOTAL" "$*"
}
took() { [ "$SECONDS" -eq "$STEPS_BEGUN" ] || note "took $((SECONDS - STEPS_BEGUN)) s"; }
note() { printf '    %s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages without questions: as root, or by a sudo that asks for no password.
install_packages() {
    local run=(env DEBIAN_FRONTEND=noninteractive)
    if [ "$(id -u)" -ne 0 ]; then run=(sudo -n "${run[@]}"); fi
    have apt-get && have "${run[0]}" || return 1
    "${run[@]}" apt-get update -qq </dev/null &&
        "${run[@]}" apt-get install -y -qq --no-install-recommends "$@" </dev/null
}

# Prints the folder of PostgreSQL's programs: the newest version that Debian installed, or that of the PATH.
find_postgres() {
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) "$(dirname "$(command -v initdb || true)")"; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}
