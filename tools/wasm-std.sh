#!/usr/bin/env bash
# Installs the standard library for WebAssembly into the Rust toolchain.
#
# `rustup target add` does that. Where rustup or its server is out of reach but a Debian mirror is
# not (a closed network, a distribution's own rustc), the library is compiled from Debian's package
# `rust-src` of the very same version, and laid into the toolchain's folder: about two minutes, once.

. "$(dirname "$0")/lib.sh"

target=wasm32-unknown-unknown
sysroot=$(rustc --print sysroot)
libraries=$sysroot/lib/rustlib/$target/lib
version=$(rustc --version | cut -d ' ' -f 2)

installed() { ls "$libraries"/libstd-*.rlib >/dev/null 2>&1; }

main() {
    if installed; then
        note 'is there'
        return
    fi
    if have rustup; then
        note 'asking rustup'
        timeout 120 rustup target add "$target" </dev/null || true
        if installed; then return; fi
        note 'rustup could not get it; compiling it from source instead'
    fi

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    find_source
    compile
    lay_into_toolchain
    note "compiled, and laid into $libraries"
}

# Sets $source to the source of the library: the toolchain's own, or else that of Debian's package.
find_source() {
    source=$sysroot/lib/rustlib/src/rust
    if [ -d "$source/library/std" ]; then return; fi

    grep -qs '^ID=debian$' /etc/os-release && have apt-get ||
        fail "only on Debian can the library be had without rustup. Get it by hand: rustup target add $target"
    note "fetching Debian's rust-src $version"
    prepare_apt
    apt-get -c "$work/apt.conf" update -qq </dev/null
    package=$(apt-cache -c "$work/apt.conf" madison rust-src |
        awk -v wanted="$version+" 'index($3, wanted) == 1 && !found++ { print $3 }')
    [ -n "$package" ] ||
        fail "no suite of Debian has rust-src $version. Get the library by hand: rustup target add $target"
    (cd "$work" && apt-get -c apt.conf download -qq "rust-src=$package" </dev/null)
    unpack_source
}

# Writes a configuration of apt for $work only. Recent versions of rust-src are in newer suites, which must not
# become a source of this machine's packages; and a private folder needs no root. The mirror is the machine's own.
prepare_apt() {
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk -v wanted="$release" '$1 == wanted && !found++ { print $2 }')
    [ -n "$mirror" ] || fail "the sources of apt name no mirror for $release"

    for suite in trixie-backports sid; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
    done >"$work/sources.list"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    cat >"$work/apt.conf" <<-END
		Dir::Etc::SourceList "$work/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State "$work";
		Dir::State::Lists "$work/lists";
		Dir::State::Status "/dev/null";
		Dir::Cache "$work/cache";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		APT::Sandbox::User "";
	END
}

# Unpacks the source into the toolchain, where cargo looks for it. The source is removed again at the end.
unpack_source() {
    mkdir -p "$source" || fail "cannot write to $sysroot"
    trap 'rm -rf "$work" "$source/library"' EXIT
    # The names in the package begin ./usr/src/rustc-VERSION/library/
    dpkg-deb --fsys-tarfile "$work"/rust-src_*.deb |
        tar -x -C "$source" --strip-components=4 --wildcards --no-wildcards-match-slash \
            './usr/src/rustc-*/library'
    [ -d "$source/library/std" ] || fail 'the package rust-src is not laid out as expected'
}

# Installs all files at once: the next run would take half a library for a whole one.
lay_into_toolchain() {
    rm -rf "$libraries" "$libraries.new"
    mkdir -p "$libraries.new" || fail "cannot write to $sysroot"
    cp "$work"/build/$target/release/deps/*.rlib "$libraries.new/"
    rm "$libraries.new"/libempty-*
    mv "$libraries.new" "$libraries"
}

# Compiles the library as a dependency of an empty crate. It keeps bitcode, so that the console can be optimised
# together with the library.
compile() {
    note 'compiling it (half a minute on two cores)'
    mkdir -p "$work/empty/src"
    echo '#![no_std]' >"$work/empty/src/lib.rs"
    cat >"$work/empty/Cargo.toml" <<-'END'
		[package]
		name = "empty"
		version = "0.0.0"
		edition = "2024"
		[profile.release]
		opt-level = "s"
		codegen-units = 1
		panic = "abort"
	END
    (cd "$work/empty" && RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR="$work/build" \
        cargo build --quiet --release --target "$target" \
        -Z build-std=std,panic_abort,proc_macro,test </dev/null)
}

main
