#!/usr/bin/env bash
# Installs what building needs: the Rust toolchain, a C compiler, the standard library for WebAssembly.
# Leaves what is installed already as it is.

. "$(dirname "$0")/lib.sh"
steps set-up 3

step 'Rust toolchain'
have cargo && have rustc ||
    fail 'cargo and rustc were not found. Install Rust with rustup, open a new shell, and run this again.'
# With rustup, this call installs the version that rust-toolchain.toml names.
rust=$(rustc --version) || fail 'rustc does not run.'
wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
note "$rust"
[[ $rust == "rustc $wanted "* ]] || note "the project is made and tested with $wanted"

step 'C compiler'
have cc || install_packages gcc libc6-dev ||
    fail 'there is no C compiler (cc), and it could not be installed. Install gcc or clang, and run this again.'
note "$(cc --version | head -n 1)"

step 'Standard library for WebAssembly'
tools/wasm-std.sh
