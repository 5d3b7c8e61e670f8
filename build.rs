//! Makes Cargo rebuild the server when a file that it embeds changes, appears or vanishes.

use std::{env, fs};

const SITE: &str = "target/site";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The bundler needs the module's relocations to split it.
    if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
    }
    let is = |name, value| env::var(name).is_ok_and(|it| it == value);
    // Debug builds and builds for the browser embed nothing.
    if is("PROFILE", "release") && !is("CARGO_CFG_TARGET_ARCH", "wasm32") {
        // A folder that does not exist would count as changed at every build.
        let _ = fs::create_dir_all(SITE);
        println!("cargo::rerun-if-changed={SITE}");
    }
}
