#!/usr/bin/env bash
# Kills, starves and cuts off real nodes under load, one test after the other, for TORTURE_MINUTES (20)
# altogether, and prints the faults that were survived.

. "$(dirname "$0")/lib.sh"

export TORTURE_MINUTES=${TORTURE_MINUTES:-20}
[[ $TORTURE_MINUTES =~ ^[1-9][0-9]*$ ]] || fail 'TORTURE_MINUTES has to be a number of minutes.'
cargo test --release --test torture -- --test-threads=1 --nocapture
