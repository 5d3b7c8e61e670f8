//! Has the server compiled again when the files that it embeds change, appear or vanish.

use std::{env, fs};

const SITE: &str = "target/site";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The bundler takes the module apart along its relocations.
    if env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
    }
    let is = |name, value| env::var(name).is_ok_and(|it| it == value);
    // A debug build embeds nothing, and neither does the browser's side.
    if is("PROFILE", "release") && !is("CARGO_CFG_TARGET_ARCH", "wasm32") {
        // A folder that does not exist would count as changed at every build.
        let _ = fs::create_dir_all(SITE);
        println!("cargo::rerun-if-changed={SITE}");
    }
}
