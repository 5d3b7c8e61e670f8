//! Runs the README's signed request in a shell against the demonstration, and compares the README's table of settings
//! with the program's own.

use std::process::{Command, Output};

use crate::support::demo::Demo;

const README: &str = include_str!("../../README.md");

/// Runs a shell block of the README against a demonstration.
fn run_shell_block(demo: &Demo, number: usize) -> Output {
    let mut blocks = README.split("```sh\n").skip(1);
    let block = blocks.nth(number).expect("a shell block");
    let (script, _) = block.split_once("```").expect("its end");
    assert!(script.contains("http://127.0.0.1:3000"));
    let script = script.replace("http://127.0.0.1:3000", &demo.base);
    let run = Command::new("bash").args(["-euc", &script]).output();
    run.expect("bash runs")
}

#[test]
fn an_administrator_sets_faults_as_the_readme_says() {
    let run = run_shell_block(&Demo::start(&[]), 1);
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(said.ends_with(r#"{"faults":"silent","calls":0}"#), "{said}");
}

#[test]
fn the_signed_request_works_as_it_stands() {
    let demo = Demo::start(&[]);
    let run = run_shell_block(&demo, 0);
    let said = String::from_utf8_lossy(&run.stdout);
    let answers: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}")))
        .collect();
    let field = |i: usize, name: &str| answers[i]["data"][name].clone();
    assert_eq!(
        answers.len(),
        3,
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert_eq!(field(0, "refundableBalance"), 1000, "{said}");
    assert_eq!(field(1, "status"), "success", "{said}");
    assert_eq!(
        (field(2, "amount"), field(2, "status")),
        (250.into(), "success".into()),
        "{said}"
    );
}

#[test]
fn the_table_has_every_setting() {
    let help = Command::new(env!("CARGO_BIN_EXE_refundry"))
        .args(["serve", "--help"])
        .output()
        .expect("help");
    let help = String::from_utf8(help.stdout).expect("text");
    let flags = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--"))
        .map(|rest| rest.split(' ').next());
    let mut settings = 0;
    for flag in flags.flatten() {
        assert!(
            README.contains(&format!("| `--{flag}` |")),
            "the README does not tell of --{flag}"
        );
        settings += 1;
    }
    assert!(settings > 15, "only {settings} settings in the help");
    for variable in help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[env: "))
    {
        let name = variable.split(['=', ']']).next().expect("a name");
        assert!(
            README.contains(&format!("`{name}`")),
            "the README does not tell of {name}"
        );
    }
}

/// Returns the names of the dependencies in a Cargo.toml.
fn dependencies(cargo_toml: &str) -> Vec<&str> {
    let mut within = false;
    let mut names = Vec::new();
    for line in cargo_toml.lines() {
        if line.starts_with('[') {
            within = line.ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (within, line.split_once(" = ")) {
            names.push(name);
        }
    }
    names
}

#[test]
fn each_dependency_has_its_reason() {
    let own = dependencies(include_str!("../../Cargo.toml"));
    let of_bundle = dependencies(include_str!("../../tools/bundle/Cargo.toml"));
    let mut used: Vec<_> = [own, of_bundle].concat();
    used.sort_unstable();
    used.dedup();
    let (_, section) = include_str!("../../CONTRIBUTING.md")
        .split_once("## Dependencies\n")
        .expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let names = rows.skip(1).filter_map(|row| row.split(" | ").next());
    let mut told: Vec<_> = names.flat_map(|names| names.split(", ")).collect();
    told.sort_unstable();
    assert_eq!(told, used);
}
