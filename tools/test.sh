#!/usr/bin/env bash
# Runs every check. A failure does not stop the later checks; the last line sums up: `N passed, N failed`.

. "$(dirname "$0")/lib.sh"

passed=0 failed=0 failures=()
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

main() {
    steps test 8

    step 'Format'
    check 'format' tools/lint.sh format

    # The lints share what they compile with the bundler and the server. The files to embed stay as they are meanwhile,
    # since the bundler waits for cargo's lock until the lints are done.
    step 'Console, and lints of the server'
    start_beside 'lints of the server' tools/lint.sh server
    check 'build of the console' tools/build-console.sh
    local console=$outcome
    finish_beside

    # One command, so that the library and its own tests are compiled at the same time.
    step 'Server and tests, and lints of the browser side'
    start_beside 'lints of the browser side' tools/lint.sh browser
    check 'build of the tests' cargo build "${QUICK[@]}" --keep-going --bins --tests
    check 'build' cargo build "${QUICK[@]}"
    local built=$outcome
    finish_beside

    step 'Unit, property and integration tests'
    rust_tests 'cargo test' cargo test "${QUICK[@]}" --no-fail-fast

    step 'The same on PostgreSQL'
    rust_tests 'cargo test on PostgreSQL' tools/postgres.sh \
        cargo test "${QUICK[@]}" --no-fail-fast "${TESTS_ON_POSTGRES[@]}"

    step 'Published Java clients'
    java_clients

    step 'Types of the browser tests'
    check 'types of the browser tests' npm --prefix end2end run --silent check

    step 'Browser tests'
    if [ "$console $built" = 'passed passed' ]; then
        browser_tests
    else
        fault 'browser tests: not run, for there is nothing built to run them on'
    fi

    report
}

# Runs a command that passes or fails as a whole.
check() {
    local name=$1
    shift
    if "$@" </dev/null; then
        outcome=passed
        passed=$((passed + 1))
    else
        outcome=failed
        fault "$name"
    fi
}

# Starts a command that passes or fails as a whole, and shows its output when it is finished.
start_beside() {
    beside=$1
    shift
    "$@" </dev/null >"$results/beside.log" 2>&1 &
    beside_job=$!
}
finish_beside() {
    local status=0
    wait "$beside_job" || status=$?
    cat "$results/beside.log"
    check "$beside" [ "$status" -eq 0 ]
}

# Counts a failure that no test runner counts.
fault() {
    failed=$((failed + 1))
    failures+=("$1")
    note "FAILED: $1"
}

# Runs all Rust tests, under the given command if there is one.
rust_tests() {
    local name=$1 log=$results/rust.log status=0
    shift
    "$@" </dev/null 2>&1 | tee "$log" || status=$?
    # test result: ok. 12 passed; 0 failed; 1 ignored; ...
    add "$name" "$status" \
        $(awk '/^test result:/ { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }' "$log")
}

# The tests that ask for a database: not those that need none, or start one of their own.
TESTS_ON_POSTGRES=(--lib --test integration --test simulation -- --skip settle_properties::)

java_clients() {
    local log=$results/clients.log status=0
    tools/test-clients.sh </dev/null 2>&1 | tee "$log" || status=$?
    # Without a JDK it says so, and has no such line.
    if [ "$status" -ne 0 ] || grep -q '^[0-9]* passed, [0-9]* failed$' "$log"; then
        add 'Java clients' "$status" $(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3 } END { print p + 0, f + 0 }' "$log")
    fi
}

browser_tests() {
    local report=results/report.json status=0
    rm -f "end2end/$report"
    (cd end2end && CI=true npx playwright test </dev/null) || status=$?
    add 'Playwright' "$status" $(cd end2end && node -p "
        const { stats } = JSON.parse(fs.readFileSync('$report'));
        stats.expected + stats.flaky + ' ' + stats.unexpected" 2>/dev/null || echo 0 0)
    local twice
    twice=$(cd end2end && node -p "JSON.parse(fs.readFileSync('$report')).stats.flaky" 2>/dev/null || echo 0)
    [ "$twice" = 0 ] || note "$twice browser tests passed at their second try only (flaky, named above)"
}

# Adds the counts of a test runner. A runner that fails without a failed test (a compile error, for example), or
# that passes without having run any, counts as a failure.
add() {
    local runner=$1 status=$2 runner_passed=$3 runner_failed=$4
    passed=$((passed + runner_passed))
    failed=$((failed + runner_failed))
    if [ "$runner_failed" -gt 0 ]; then
        failures+=("$runner: $runner_failed tests")
    elif [ "$status" -ne 0 ]; then
        fault "$runner: ended with $status"
    elif [ "$runner_passed" -eq 0 ]; then
        fault "$runner: no test was run"
    fi
}

report() {
    echo
    if [ "$failed" -gt 0 ]; then printf 'FAILED: %s\n' "${failures[@]}"; fi
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

main
