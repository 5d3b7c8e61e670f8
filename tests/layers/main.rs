//! Checks the code against its architecture: the allowed dependencies between rooms, the map in `ARCHITECTURE.md`, and
//! the absences that can be read from the text. Code compiled only for tests is ignored.

mod map;
mod reader;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use reader::{Code, read};

/// The layers, lowest first. A room may use its own layer and those below.
const LAYERS: &[&str] = &[
    "domain",
    "wire  console/view console/paths console/texts console/preferences",
    "server/error server/clock",
    "server/db server/store server/vault server/counters server/trace server/recent server/guessable server/shares \
     server/content",
    "server/numbers server/node_lease server/checkup server/outbound server/channels server/merchants/cache \
     server/audit server/restoration",
    "server/config server/ctx server/client_ip server/same_site server/people/login_limits server/rate_limits",
    "server/merchants server/people server/orders server/refunds server/notices server/retention server/balances server/exposure \
     server/backup server/bills \
     server/reports",
    "server/gateway server/desk server/run/jobs server/watch",
    "console/rpc",
    "console/hooks",
    "console/components",
    "console/pages",
    "console",
    "server/run/assets server/run/pages server/run/body server/run/listener server/run/router",
    "server/run/serve server/run/copy",
    "demo",
    "commands",
    "main lib server server/testing",
];

/// Rooms that may not use each other although their layers allow it: the user, the used, and the exceptions among the
/// users.
const STRANGERS: &[(&str, &str, &str)] = &[
    ("server/store", "server/channels", ""),
    // The sandbox has the ledger of a bank that does not exist, an open breaker concerns all nodes, and every call needs
    // its channel account.
    (
        "server/channels",
        "server/store",
        "server/channels/sandbox server/channels/breaker server/channels/accounts",
    ),
    ("server/store", "server/vault", ""),
    ("server", "console", "server/desk server/run"),
    ("console", "server", "console/rpc"),
    ("console", "wire", ""),
    ("server/desk", "server/gateway", ""),
    ("server/gateway", "server/desk", ""),
    (
        "server/desk server/gateway server/run/jobs",
        "server/watch",
        "",
    ),
];

/// The only file that writes refunds and the balances of orders.
const WRITES_REFUNDS: &str = "server/refunds/apply";

#[test]
fn nobody_knows_a_room_above_his_own() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        let room = room_of(&file_path(&file)).unwrap_or_else(|| panic!("{file} is in no room"));
        for found in &code.paths {
            let Some(path) = found.in_crate(&module_of(&file)) else {
                continue;
            };
            let shown = format!("src/{file}:{}: {}", found.line, path.join("::"));
            let Some(target) = room_of(&path.join("/")) else {
                wrong.push(format!("{shown} is a house, not a room"));
                continue;
            };
            if target.layer > room.layer {
                wrong.push(format!("{shown}: {} is above {}", target.name, room.name));
            }
            let strangers = |(who, whom, but): &&(&str, &str, &str)| {
                within_any(&file_path(&file), who)
                    && within_any(&path.join("/"), whom)
                    && !within_any(&file_path(&file), but)
            };
            if STRANGERS.iter().any(|row| strangers(&row)) {
                wrong.push(format!(
                    "{shown}: {} does not know {}",
                    room.name, target.name
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong arrows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_map_shows_every_file_and_nothing_else() {
    let architecture = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let map = map::read(&architecture);
    let mut wrong = Vec::new();
    for place in &map.places {
        if !Path::new(place).exists() {
            wrong.push(format!("{place} is on the map and does not exist"));
        }
    }
    for file in files("src") {
        if !map.covers(&file) {
            wrong.push(format!("{file} is not on the map"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tests in the program would never run, since Cargo.toml turns them off there.
#[test]
fn the_program_has_no_tests_of_its_own() {
    let mut of_program = files("src/commands");
    of_program.push("src/main.rs".to_owned());
    for file in of_program {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("#[cfg(test)]"), "{file}");
    }
}

/// In restored mode nothing may be submitted, which only the decision in `refunds/submit.rs` knows.
#[test]
fn refunds_are_submitted_in_one_place() {
    let calls = ["line.submit(", ".permit_now()", "line.permit()"];
    let of = |file: &str| {
        let text = fs::read_to_string(file).unwrap();
        calls.map(|call| text.contains(call))
    };
    for file in files("src").iter().filter(|file| file.ends_with(".rs")) {
        let found = of(file);
        match file.as_str() {
            "src/server/refunds/submit.rs" => assert_eq!(found, [true; 3], "{file}"),
            _ => assert_eq!(found, [false; 3], "{file}: {calls:?}"),
        }
    }
}

#[test]
fn what_must_be_absent_is_absent() {
    let tables = tables();
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        let path = file_path(&file);
        let within = |rooms: &str| within_any(&path, rooms);
        for found in &code.paths {
            let shown = format!("src/{file}:{}: {}", found.line, found.segments.join("::"));
            let text: Vec<&str> = found.segments.iter().map(String::as_str).collect();
            match text.as_slice() {
                ["sqlx", call, ..]
                    if (call.starts_with("query") || *call == "raw_sql")
                        && !within("server/store server/db") =>
                {
                    wrong.push(format!("{shown}: SQL outside the store"));
                }
                ["axum" | "reqwest" | "sqlx" | "tokio" | "tracing", _, ..]
                    if within("domain wire") =>
                {
                    wrong.push(format!("{shown}: no longer pure"));
                }
                [.., "SystemTime" | "Utc" | "Timestamp" | "Zoned", "now"]
                    if !within("server/clock") =>
                {
                    wrong.push(format!("{shown}: a clock beside ctx.clock"));
                }
                [.., "f32" | "f64"] if within("domain wire server/store server/refunds") => {
                    wrong.push(format!("{shown}: a float near money"));
                }
                [.., "refund", "update"]
                | [.., "submission", "changes"]
                | [.., "order", "hold_for_new" | "move_balance"]
                    if !within(WRITES_REFUNDS) =>
                {
                    wrong.push(format!(
                        "{shown}: a refund written outside {WRITES_REFUNDS}"
                    ));
                }
                _ => {}
            }
        }
        for (line, literal) in &code.literals {
            let names = |table: &&String| {
                let ends =
                    |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                let after = |before: &str| {
                    let words = format!("{before} {table}");
                    literal.split(&words).skip(1).any(ends)
                };
                after("FROM") || after("INTO") || after("UPDATE") || after("JOIN")
            };
            if let Some(table) = tables.iter().find(names)
                && !within("server/store")
            {
                wrong.push(format!(
                    "src/{file}:{line}: SQL of the table {table} outside the store"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A room and the height of its layer.
#[derive(Clone, Copy)]
struct Room {
    name: &'static str,
    layer: usize,
}

/// Returns the innermost room that holds a path of the crate, written with `/`.
fn room_of(path: &str) -> Option<Room> {
    let rooms = LAYERS.iter().enumerate().flat_map(|(layer, names)| {
        let room = move |name| Room { name, layer };
        names.split_whitespace().map(room)
    });
    rooms
        .filter(|room| within(path, room.name))
        .max_by_key(|room| room.name.len())
}

fn within(path: &str, room: &str) -> bool {
    let rest = path.strip_prefix(room);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn within_any(path: &str, rooms: &str) -> bool {
    rooms.split_whitespace().any(|room| within(path, room))
}

/// Returns a file's path in the crate: `server/db/mod.rs` is `server/db`.
fn file_path(file: &str) -> String {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    path.strip_suffix("/mod").unwrap_or(path).to_owned()
}

/// Returns the module of a file: the crate's root for `lib.rs` and `main.rs`.
fn module_of(file: &str) -> Vec<String> {
    match file_path(file).as_str() {
        "lib" | "main" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

/// Reads each Rust file below `src`. Returns the code by path.
fn sources() -> BTreeMap<String, Code> {
    let rust = files("src")
        .into_iter()
        .filter(|file| file.ends_with(".rs"));
    rust.map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        let code = read(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        (file["src/".len()..].to_owned(), code)
    })
    .collect()
}

fn files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(self::files(&name));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}

/// Returns the names of the tables that the migrations create.
fn tables() -> Vec<String> {
    let mut tables = Vec::new();
    for file in files("migrations") {
        let text = fs::read_to_string(file).unwrap();
        let named = |line: &str| {
            let name = line
                .strip_prefix("CREATE TABLE ")?
                .split([' ', '('])
                .next()?;
            Some(name.to_owned())
        };
        tables.extend(text.lines().filter_map(named));
    }
    assert!(tables.contains(&"refund".to_owned()), "{tables:?}");
    tables
}
