//! Turns the browser's WebAssembly into the files that the server embeds.
//!
//! ```text
//! bundle [--dev] target/browser/wasm32-unknown-unknown/browser/refundry.wasm target/site
//! ```
//!
//! Run it from the root of the project. The layout of the folder is that of `cargo leptos`:
//!
//! ```text
//! pkg/refundry.js         the glue between JavaScript and the module
//! pkg/refundry.wasm       the module
//! pkg/split_details.wasm  the lazy module, loaded when it is needed
//! pkg/__wasm_split...js   the script that loads the lazy module
//! pkg/refundry.css        style/main.css
//! favicon.svg ...         the files of public/
//! ```
//!
//! `cargo leptos build --split` does the same, and may replace this program when it builds with the Rust of
//! `rust-toolchain.toml`: in November 2026 `cargo-leptos` 0.3.11 needs 1.96, by `cargo-util-schemas` 0.14.2.
//!
//! A file that compresses well has a copy with the ending `.br` beside it. Unchanged files are not touched, so that
//! the server is compiled again only when there is something new to embed. With `--dev` nothing is compressed, and
//! pages reload themselves after each build.

use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::Bindgen;

/// Name of the script that loads the lazy module, as `cargo leptos` calls it.
const PARTS: &str = "__wasm_split.______________________.js";

/// The files of the folder, by their path within it.
type Site = BTreeMap<PathBuf, Vec<u8>>;

fn main() -> Result<()> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let dev = arguments.first().is_some_and(|first| first == "--dev");
    if dev {
        arguments.remove(0);
    }
    let [wasm, out] = arguments.as_slice() else {
        bail!("usage: bundle [--dev] MODULE.wasm FOLDER");
    };

    let mut site = Site::new();
    add_module(&mut site, Path::new(wasm))?;
    add_file(&mut site, Path::new("style/main.css"), "pkg/refundry.css")?;
    add_folder(&mut site, Path::new("public"), Path::new(""))?;
    match dev {
        true => add_reloading(&mut site)?,
        false => add_compressed(&mut site, Path::new(out))?,
    }
    write(&site, Path::new(out))?;
    report(&site);
    Ok(())
}

/// Adds the modules, made ready for the browser, and the JavaScript that loads them. The split comes first, since it
/// needs the relocations in the linker's output.
fn add_module(site: &mut Site, wasm: &Path) -> Result<()> {
    let folder = wasm.with_extension("parts");
    let _ = fs::remove_dir_all(&folder);
    let module = fs::read(wasm).with_context(|| format!("could not read {}", wasm.display()))?;
    let main = folder.join("main.wasm");
    let link = format!("./{PARTS}");
    let mut options = wasm_split_cli_support::Options::new(&module);
    options.output_dir = &folder;
    options.main_out_path = &main;
    options.link_name = &link;
    options.main_module = "./refundry.js";
    let parts = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow::anyhow!("could not take {} apart: {error:?}", wasm.display()))?;
    for part in &parts.split_modules {
        let name = part.file_name().context("a part without a name")?;
        let content = without_names(&fs::read(part)?)?;
        site.insert(Path::new("pkg").join(name), content);
    }
    add_file(site, &folder.join(PARTS), Path::new("pkg").join(PARTS))?;

    let mut output = Bindgen::new()
        .input_path(&main)
        .out_name("refundry")
        .web(true)?
        .typescript(false)
        // The page names the module, as its address contains a hash unknown here.
        .omit_default_module_path(true)
        // The lazy module finds the items that it shares with the first by name.
        .keep_lld_exports(true)
        .demangle(false)
        // Names and tool versions make up a quarter of the module, and nothing reads them.
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("could not prepare {}", wasm.display()))?;

    site.insert("pkg/refundry.wasm".into(), output.wasm_mut().emit_wasm());
    site.insert("pkg/refundry.js".into(), output.js().into());
    for (library, scripts) in output.snippets() {
        for (number, script) in scripts.iter().enumerate() {
            let path = format!("pkg/snippets/{library}/inline{number}.js");
            site.insert(path.into(), script.clone().into());
        }
    }
    for (path, script) in output.local_modules() {
        site.insert(Path::new("pkg/snippets").join(path), script.clone().into());
    }
    Ok(())
}

/// Removes the custom sections of a module: names and tool versions.
fn without_names(module: &[u8]) -> Result<Vec<u8>> {
    let mut bare = wasm_encoder::Module::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload?;
        let custom = matches!(payload, wasmparser::Payload::CustomSection(_));
        if let Some((id, range)) = payload.as_section().filter(|_| !custom) {
            let data = &module[range.start as usize..range.end as usize];
            bare.section(&wasm_encoder::RawSection { id, data });
        }
    }
    Ok(bare.finish())
}

fn add_file(site: &mut Site, from: &Path, to: impl Into<PathBuf>) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("could not read {}", from.display()))?;
    site.insert(to.into(), content);
    Ok(())
}

fn add_folder(site: &mut Site, from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("could not list {}", from.display()))? {
        let path = entry?.path();
        let to = to.join(path.file_name().context("an entry without a name")?);
        match path.is_dir() {
            true => add_folder(site, &path, &to)?,
            false => add_file(site, &path, to)?,
        }
    }
    Ok(())
}

/// Makes pages reload after each build. The script watches its own address, whose hash changes with the build; the
/// build's time is added so that it also changes where only the server did.
fn add_reloading(site: &mut Site) -> Result<()> {
    let script = site.entry("pkg/refundry.js".into()).or_default();
    script.extend_from_slice(include_bytes!("reload.js"));
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
    site.insert("pkg/built.txt".into(), now.as_millis().to_string().into());
    Ok(())
}

/// Adds `name.br` for each file that becomes smaller. Strong compression takes seconds, so the `.br` of an earlier run
/// in `out` is reused for the same content.
fn add_compressed(site: &mut Site, out: &Path) -> Result<()> {
    let mut compressed = Site::new();
    for (path, content) in site.iter().filter(|(path, _)| is_compressible(path)) {
        let target = with_br(path);
        let earlier = match fs::read(out.join(path)) {
            Ok(written) if written == *content => fs::read(out.join(&target)).ok(),
            _ => None,
        };
        let small = match earlier {
            Some(small) => small,
            None => brotli(content)?,
        };
        if small.len() < content.len() {
            compressed.insert(target, small);
        }
    }
    site.append(&mut compressed);
    Ok(())
}

fn is_compressible(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("css" | "html" | "js" | "json" | "map" | "svg" | "txt" | "wasm" | "xml")
    )
}

fn with_br(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".br");
    name.into()
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let best = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 24,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut small = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut small, &best)?;
    Ok(small)
}

/// Makes `out` hold exactly the site, and writes only files that differ.
fn write(site: &Site, out: &Path) -> Result<()> {
    for (path, content) in site {
        let path = out.join(path);
        if fs::read(&path).is_ok_and(|written| written == *content) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))?;
    }
    remove_others(site, out, Path::new(""))
}

fn remove_others(site: &Site, out: &Path, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(out.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(site, out, &path)?;
        } else if !site.contains_key(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Prints the size of each file in `pkg/`, so that growth is seen when it happens.
fn report(site: &Site) {
    let kilobytes = |size: usize| format!("{:.1} KB", size as f64 / 1000.0);
    let mut first = 0;
    for (path, content) in site.iter().filter(|(path, _)| path.starts_with("pkg")) {
        if path.extension().is_some_and(|extension| extension == "br") {
            continue;
        }
        let compressed = site.get(&with_br(path)).map(Vec::len);
        let is_later = path.to_string_lossy().starts_with("pkg/split_");
        if !is_later {
            first += compressed.unwrap_or(content.len());
        }
        let note = compressed.map(|size| format!(", compressed {}", kilobytes(size)));
        println!(
            "{}: {}{}{}",
            path.display(),
            kilobytes(content.len()),
            note.unwrap_or_default(),
            if is_later { ", loaded when needed" } else { "" }
        );
    }
    println!("a browser's first visit loads {}", kilobytes(first));
}
