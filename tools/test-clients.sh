#!/usr/bin/env bash
# Runs the published Java clients of both generations, unchanged, against a demonstration of REFUNDRY_PROGRAM (by
# default target/quick/refundry). Arguments go to Maven. The last line sums up: `N passed, N failed`.

if [ -n "${REFUNDRY_PROGRAM:-}" ]; then program=$(realpath "$REFUNDRY_PROGRAM"); fi
. "$(dirname "$0")/lib.sh"

for tool in java javac mvn; do
    if ! have "$tool"; then
        note 'no JDK and Maven: the Java clients are not run'
        exit 0
    fi
done
program=${program:-$PWD/target/quick/refundry}
[ -x "$program" ] || fail "$program is not there. tools/build.sh makes it."

clients=end2end/clients
maven=(mvn -q -B --fail-at-end -f "$clients" "$@")
profiles=()
folder=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

main() {
    local status=0
    find "$clients" -name surefire-reports -prune -exec rm -rf {} +
    choose_profiles
    start_server
    # Maven prints codes of colours even where it prints no colours.
    REFUNDRY_URL=$url "${maven[@]}" "${profiles[@]}" test </dev/null 2>&1 | sed 's/\x1b\[[0-9;]*m//g' || status=$?
    stop_server || status=$?
    report "$status"
}

# Chooses the clients of 3.x that Maven finds. Only its word that there is no such artefact leaves one out.
choose_profiles() {
    local profile
    for profile in open open-beta; do
        if "${maven[@]}" -P "$profile" -pl "$profile" -am process-test-resources \
            >"$folder/maven.log" 2>&1 </dev/null; then
            profiles+=(-P "$profile")
        elif grep -qE "$NO_SUCH_ARTEFACT" "$folder/maven.log"; then
            note "$(client "$profile"): Maven finds no such artefact, not run"
        else
            cat "$folder/maven.log"
            fail "Maven does not tell whether there is $(client "$profile")."
        fi
    done
}
NO_SUCH_ARTEFACT='Could not find artifact org\.dromara|org\.dromara\S* (was not found in|has not been downloaded)'

# Starts the server without settings of a local installation, and waits for the line that tells its address.
start_server() {
    local name line
    for name in $(compgen -e | grep -E '^(DATABASE_URL$|REFUNDRY_|SBX_)'); do unset "$name"; done
    mkfifo "$folder/output"
    TMPDIR=$folder "$program" demo --listen 127.0.0.1:0 --sbx-delay 1s \
        >"$folder/output" 2>"$folder/log" </dev/null &
    server=$!
    exec 3<"$folder/output"
    url=
    while [ -z "$url" ] && read -r line <&3; do
        if [[ $line == 'listening on '* ]]; then url=${line#listening on }; fi
    done
    [ -n "$url" ] || fail "the server does not start: $(tail -n 5 "$folder/log")"
}

stop_server() {
    local status=0
    kill "$server" 2>/dev/null || true
    wait "$server" || status=$?
    server=
    [ "$status" -eq 0 ] || note "the server ended with $status: $(tail -n 5 "$folder/log")"
    return "$status"
}

# Adds up Surefire's reports: a line for each client, and one for all.
report() {
    local status=$1 passed=0 failed=0 reports client_passed client_failed
    for reports in "$clients"/*/{,*/}target/surefire-reports; do
        [ -d "$reports" ] || continue
        read -r client_passed client_failed < <(
            # <testsuite ... tests="5" errors="0" skipped="0" failures="1" ...>
            sed -nE 's/^<testsuite .* tests="(.*)" errors="(.*)" skipped="(.*)" failures="([0-9]*)".*/\1 \2 \3 \4/p' \
                "$reports"/TEST-*.xml |
                awk '{ failed += $2 + $4; passed += $1 - $2 - $3 - $4 } END { print passed + 0, failed + 0 }'
        )
        note "$(client "${reports#"$clients"/}"): $client_passed passed, $client_failed failed"
        passed=$((passed + client_passed))
        failed=$((failed + client_failed))
    done
    if [ "$failed" -eq 0 ] && [ "$status" -ne 0 ]; then
        note "Maven or the server ended with $status"
        failed=1
    elif [ $((passed + failed)) -eq 0 ]; then
        note 'no test was run'
        failed=1
    fi
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# Prints the client that a module runs, as its pom.xml names it: `daxpay-single-sdk 2.0.8`.
client() {
    sed -n '/daxpay-/{N;s/[^>]*>\([^<]*\)<[^>]*>[^>]*>\([^<]*\)<.*/\1 \2/p}' "$clients/${1%/target/*}/pom.xml"
}

main
