//! The program from its administrator's side: the real binary, its command line, its start and its stop.

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use refundry::demo::ADMIN;
use refundry::domain::error::Refusal;
use refundry::domain::filter::{AuditFilter, OrderFilter, Place, RefundFilter};
use refundry::domain::order::OrderKey;
use refundry::domain::refund::RefundStatus;
use refundry::server::client_ip::ClientIp;
use refundry::server::clock::Clock;
use refundry::server::config::{Config, KeySettings};
use refundry::server::ctx::Ctx;
use refundry::server::people::DEMO_PASSWORD;
use refundry::server::run::serve;
use refundry::server::{audit, orders, people, refunds};
use refundry::wire::field::local_text;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::database::{self, TestDatabase};
use crate::support::{add_app, http};

const HEADER: &str = "bizOrderNo,outOrderNo,channel,method,title,amount,payTime\n";

/// A folder for one test, and the program run in it.
pub struct Desk {
    pub folder: TempDir,
    /// The database, where the tests run on PostgreSQL.
    pub database: Option<TestDatabase>,
}

impl Desk {
    pub fn new() -> Desk {
        Desk {
            database: database::server().map(|_| TestDatabase::new()),
            ..Desk::without_database()
        }
    }

    /// Makes a desk whose program is not given a database.
    fn without_database() -> Desk {
        Desk {
            folder: tempfile::tempdir().unwrap(),
            database: None,
        }
    }

    /// Returns the flag that names the desk's database.
    pub fn db(&self) -> String {
        let url = self.database.as_ref().map(TestDatabase::url);
        format!(
            "--database-url={}",
            url.unwrap_or_else(|| "sqlite:desk.db".to_owned())
        )
    }

    /// Makes a command in an environment without settings of ours, except a PostgreSQL database.
    pub fn refundry(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refundry"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TMPDIR", self.folder.path())
            .envs(self.database.iter().flat_map(|database| {
                let keys = database.keys_file().display().to_string();
                [
                    ("DATABASE_URL", database.url()),
                    ("REFUNDRY_KEYS_FILE", keys),
                ]
            }))
            // No proxy stands before it that would need time to turn away.
            .env("REFUNDRY_DRAIN", "0s")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.refundry(args).output().unwrap()
    }

    /// Runs a command that must succeed, and returns its output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Runs a command that must fail with this exit code, and returns the error text.
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert!(!text(&output.stderr).contains("panicked"));
        text(&output.stderr)
    }

    /// Runs a command with one line on its standard input.
    fn told(&self, args: &[&str], line: &str) -> Output {
        let mut command = self.refundry(args);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    pub fn start(&self, args: &[&str]) -> Server {
        Desk::started(self.refundry(args))
    }

    /// Starts a command that serves, and waits until it listens.
    pub fn started(mut command: Command) -> Server {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let output = child.wait_with_output().unwrap();
                panic!("it ended: {said} {}", text(&output.stderr));
            }
            if let Some(address) = line.trim_end().strip_prefix("listening on ") {
                break address.to_owned();
            }
            said.push_str(&line);
        };
        Server {
            child,
            out,
            address,
            said,
        }
    }

    /// Opens the desk's database without the program.
    pub async fn look(&self) -> Ctx {
        let file = || format!("sqlite://{}/desk.db?mode=rw", self.folder.path().display());
        let url = self.database.as_ref().map_or_else(file, TestDatabase::url);
        let config = Config {
            database_url: Some(url.into()),
            keys: KeySettings {
                file: self.database.as_ref().map(TestDatabase::keys_file),
                text: None,
            },
            ..Config::default()
        };
        serve::open(config).await.unwrap()
    }
}

/// A serving process. Dropping it ends the process.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
    /// Output before it listened.
    said: String,
}

impl Server {
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Stops the server, and waits for its end.
    fn stop(mut self) -> Output {
        self.signal("-TERM");
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut self.out, &mut rest).unwrap();
        let mut output = Output {
            status: self.child.wait().unwrap(),
            stdout: rest,
            stderr: Vec::new(),
        };
        let mut stderr = self.child.stderr.take().unwrap();
        std::io::Read::read_to_end(&mut stderr, &mut output.stderr).unwrap();
        output
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a value that a command generated and showed once (`secret: … (shown this once)`).
fn shown_once(said: &str, name: &str) -> String {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap()
        .trim_end_matches(" (shown this once)")
        .to_owned()
}

#[test]
fn the_help_names_every_setting_with_its_variable() {
    let desk = Desk::new();
    let server = desk.ok(&["serve", "--help"]);
    let demo = desk.ok(&["demo", "--help"]);
    let settings = Config::augment_args(clap::Command::new("settings"));
    let mut count = 0;
    for setting in settings.get_arguments() {
        let flag = format!("--{}", setting.get_long().expect("every setting is a flag"));
        let variable = setting.get_env().expect("every setting is a variable");
        let variable = format!("[env: {}", variable.to_str().unwrap());
        for (help, name) in [(&server, "serve"), (&demo, "demo")] {
            // A demonstration sets these itself.
            if name == "demo"
                && matches!(flag.as_str(), "--sandbox" | "--secure-cookies" | "--drain")
            {
                continue;
            }
            let about = help.split(&format!("{flag} ")).nth(1).expect(&flag);
            let about = about.split("\n      --").next().unwrap();
            assert!(about.contains(&variable), "{name} {flag}: {about}");
        }
        count += 1;
    }
    assert!(count >= 18, "{count}");
    for command in [
        "demo", "serve", "migrate", "import", "user", "app", "balances",
    ] {
        assert!(desk.ok(&["--help"]).contains(command));
    }
}

#[test]
fn a_wrong_value_is_refused_by_name() {
    let desk = Desk::new();
    let wrong = [
        ("--listen", "REFUNDRY_LISTEN", "3000"),
        ("--database-url", "DATABASE_URL", "mysql://x"),
        ("--public-url", "REFUNDRY_PUBLIC_URL", "pay.example.com"),
        ("--time-zone", "REFUNDRY_TIME_ZONE", "Asia/Atlantis"),
        ("--number-prefix", "REFUNDRY_NUMBER_PREFIX", "TOOLONG"),
        ("--node", "REFUNDRY_NODE", "100"),
        ("--sandbox", "REFUNDRY_SANDBOX", "maybe"),
        ("--sbx-delay", "SBX_DELAY", "2"),
        ("--sbx-timeout", "SBX_TIMEOUT", "1h"),
        ("--channel-time-limit", "REFUNDRY_CHANNEL_TIME_LIMIT", "1ms"),
        ("--request-time-limit", "REFUNDRY_REQUEST_TIME_LIMIT", "1h"),
        ("--max-connections", "REFUNDRY_MAX_CONNECTIONS", "1"),
        ("--max-in-flight", "REFUNDRY_MAX_IN_FLIGHT", "0"),
        ("--write-batch", "REFUNDRY_WRITE_BATCH", "-1"),
        (
            "--database-connections",
            "REFUNDRY_DATABASE_CONNECTIONS",
            "0",
        ),
        ("--secure-cookies", "REFUNDRY_SECURE_COOKIES", "perhaps"),
        ("--trusted-proxies", "REFUNDRY_TRUSTED_PROXIES", "localhost"),
        ("--session-minutes", "REFUNDRY_SESSION_MINUTES", "1"),
        ("--session-days", "REFUNDRY_SESSION_DAYS", "0"),
        ("--log-format", "REFUNDRY_LOG_FORMAT", "xml"),
        ("--log", "REFUNDRY_LOG", "refundry=shout"),
    ];
    for (flag, variable, value) in wrong {
        let why = desk.fails(2, &["serve", &format!("{flag}={value}")]);
        assert!(
            why.contains(&format!("'{flag} ")) && why.contains(value),
            "{why}"
        );
        let output = desk
            .refundry(&["serve"])
            .env(variable, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(flag), "{variable}");
    }
    let why = desk.fails(2, &["demo", "--listen", "0.0.0.0:0"]);
    assert!(
        why.contains("--listen") && why.contains("loopback"),
        "{why}"
    );
    assert!(
        desk.fails(2, &["serve", "--password", "x"])
            .contains("--password")
    );
    assert!(!desk.folder.path().join("refundry.db").exists());
}

#[test]
fn what_keeps_a_server_from_starting_is_one_sentence() {
    let desk = Desk::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    desk.write("not.db", &[b'x'; 4096]);
    let none = ["serve", "--listen=127.0.0.1:0"];
    for (args, about) in [
        (vec!["serve", "--listen", &address], address.as_str()),
        (vec!["demo", "--listen", &address], &address),
        (
            [&none[..], &["--database-url=sqlite:not.db"]].concat(),
            "not.db",
        ),
        (
            [&none[..], &["--database-url=sqlite:no/such/folder.db"]].concat(),
            "no/such/folder.db",
        ),
        (
            [&none[..], &["--database-url=sqlite:new.db?mode=rw"]].concat(),
            "new.db",
        ),
        (vec!["migrate", "--database-url=sqlite:not.db"], "not.db"),
        (vec!["import", "orders", "none.csv", "--app=X"], "none.csv"),
    ] {
        let why = desk.fails(1, &args);
        assert!(
            why.starts_with("error: ") && why.contains(about),
            "{args:?}: {why}"
        );
        assert_eq!(why.lines().count(), 1, "{why}");
    }
}

#[tokio::test]
async fn a_demonstration_is_up_at_once_and_leaves_nothing_behind() {
    let desk = Desk::without_database();
    let began = Instant::now();
    let demo = desk.start(&["demo", "--listen", "127.0.0.1:0"]);
    let health = reqwest::get(demo.url("/healthz")).await.unwrap();
    assert_eq!(health.status(), 200);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(demo.said.contains(&demo.address) && demo.said.contains("admin / refundry-demo"));
    let left = || std::fs::read_dir(desk.folder.path()).unwrap().count();
    assert_eq!(left(), 1);
    let stopped = demo.stop();
    assert!(stopped.status.success(), "{}", text(&stopped.stderr));
    assert_eq!(text(&stopped.stdout), "");
    assert_eq!(left(), 0);
}

#[tokio::test]
async fn a_demonstration_is_seeded_once_and_its_login_is_dead_elsewhere() {
    let desk = Desk::new();
    let args = ["demo", "--listen=127.0.0.1:0", &desk.db()];
    let stopped = desk.start(&args).stop();
    assert!(stopped.status.success());
    let count = async || {
        let ctx = desk.look().await;
        let merchant = ctx.merchants.enabled(None).await.unwrap();
        assert_eq!(merchant.app_id, "DEMO");
        let filter = OrderFilter::default();
        let orders = orders::list(&ctx, "DEMO", &filter, &Place::First)
            .await
            .unwrap();
        let refunds = refunds::list(&ctx, "DEMO", &RefundFilter::default(), &Place::First).await;
        ctx.db.close().await;
        (orders.count, refunds.unwrap().count)
    };
    let first = count().await;
    // The database is readable by its owner only, and closed: no write-ahead log is left beside it.
    if desk.database.is_none() {
        use std::os::unix::fs::PermissionsExt;
        let meta = std::fs::metadata(desk.folder.path().join("desk.db")).unwrap();
        assert_eq!(meta.permissions().mode() & 0o077, 0);
    }
    assert!(!desk.folder.path().join("desk.db-wal").exists());
    assert!(desk.start(&args).stop().status.success());
    assert_eq!(count().await, first);

    let ctx = desk.look().await;
    let address = ClientIp(Ipv4Addr::LOCALHOST.into());
    let login = people::login(&ctx, ADMIN, DEMO_PASSWORD, address, None)
        .await
        .unwrap_err();
    assert_eq!(login.refusal(), Some(&Refusal::WrongLogin));
    ctx.db.close().await;
    // Such a database is served once what was published has been replaced.
    let db = desk.db();
    let refused = |mend: &str| {
        let why = desk.fails(1, &["serve", "--listen=127.0.0.1:0", &db]);
        assert!(why.contains("published") && why.contains(mend), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    };
    refused("refundry app new-secret DEMO --keep-old 0s");
    desk.ok(&["app", "new-secret", "DEMO", &db]);
    refused("refundry app drop-old-secret DEMO");
    desk.ok(&["app", "drop-old-secret", "DEMO", &db]);
    refused("refundry user password admin");
    desk.ok(&["user", "password", "admin", &db]);
    let served = ["serve", "--listen=127.0.0.1:0", &db];
    assert!(desk.start(&served).stop().status.success());

    // A database with other data is not turned into a demonstration either.
    desk.ok(&["user", "add", "li.na", "--database-url=sqlite:other.db"]);
    let why = desk.fails(
        1,
        &[
            "demo",
            "--listen=127.0.0.1:0",
            "--database-url=sqlite:other.db",
        ],
    );
    assert!(why.contains("--database-url"), "{why}");
}

/// Makes a desk with an app that accepts unsigned requests, and a paid order for each name.
fn desk_with_orders(names: &[&str]) -> Desk {
    let desk = Desk::new();
    let db = &desk.db();
    desk.ok(&[
        "app",
        "add",
        "SHOP",
        "--test-channel=sandbox",
        "--unsigned",
        "--yes-anybody-may-refund",
        "--default",
        db,
    ]);
    let now = local_text(Clock::System.now(), &Config::default().time_zone);
    let row = |name: &&str| format!("{name},SBX-{name},sandbox,wap,茶,10,{now}\n");
    let rows: String = names.iter().map(row).collect();
    desk.write("orders.csv", format!("{HEADER}{rows}").as_bytes());
    desk.ok(&["import", "orders", "orders.csv", "--app", "SHOP", db]);
    desk
}

#[tokio::test]
async fn balances_that_are_not_the_sums_of_their_movements_are_listed() {
    let desk = desk_with_orders(&["OK-1", "OK-2"]);
    let check = ["balances", "check", &desk.db()];
    assert_eq!(desk.ok(&check), "2 orders compared, 0 differ\n");

    let ctx = desk.look().await;
    let changed = "UPDATE pay_order SET refunded = 250 WHERE biz_order_no = 'OK-2'";
    ctx.db
        .write((), move |conn, ()| {
            Box::pin(async move {
                sqlx::query(changed).execute(conn).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let key = OrderKey::BizOrderNo("OK-2".to_owned());
    let merchant = ctx.merchants.enabled(Some("SHOP")).await.unwrap();
    let order = orders::find(&ctx, &merchant, &key).await.unwrap();
    ctx.db.close().await;

    let output = desk.run(&check);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let line = format!("SHOP {}: refunded 2.50, movements 0.00\n", order.order_no);
    assert_eq!(
        text(&output.stdout),
        format!("{line}2 orders compared, 1 differ\n")
    );
}

async fn refund(server: String, order: &str) -> reqwest::Result<Value> {
    let body = json!({
        "bizRefundNo": format!("R-{order}"), "bizOrderNo": order, "amount": 2.5,
        "reqTime": local_text(Clock::System.now(), &Config::default().time_zone),
    });
    let request = reqwest::Client::new().post(format!("{server}/unipay/refund"));
    let request = request.header("Content-Type", "application/json");
    let body = serde_json::to_vec(&body).unwrap();
    let answer = request.body(body).send().await?.bytes().await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_takes_nothing_new() {
    let desk = desk_with_orders(&["TIMEOUT-1"]);
    let server = desk.start(&[
        "serve",
        "--listen=127.0.0.1:0",
        &desk.db(),
        "--sandbox",
        "--sbx-timeout=1500ms",
    ]);
    let under_way = tokio::spawn({
        let address = server.address.clone();
        async move { refund(address, "TIMEOUT-1").await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!under_way.is_finished());
    let (address, began) = (server.address.clone(), Instant::now());
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(refund(address, "TIMEOUT-1").await.is_err());
    let answer = under_way.await.unwrap().unwrap();
    assert_eq!(answer["code"], 0, "{answer}");
    assert_eq!(answer["data"]["status"], "progress");
    let stopped = stopped.await.unwrap();
    assert!(stopped.status.success(), "{}", text(&stopped.stderr));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );

    let ctx = desk.look().await;
    let refunds = refunds::list(&ctx, "SHOP", &RefundFilter::default(), &Place::First).await;
    let rows = refunds.unwrap().rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].refund.status, RefundStatus::Progress);
    // The time-out was recorded before the end.
    let timeline = refunds::timeline(&ctx, "SHOP", &rows[0].refund.refund_no)
        .await
        .unwrap();
    assert_eq!(timeline.len(), 2);
}

#[tokio::test]
async fn the_second_signal_does_not_wait() {
    let desk = desk_with_orders(&["TIMEOUT-1"]);
    let server = desk.start(&[
        "serve",
        "--listen=127.0.0.1:0",
        &desk.db(),
        "--sandbox",
        "--sbx-timeout=30s",
        "--channel-time-limit=30s",
    ]);
    let address = server.address.clone();
    let under_way = tokio::spawn(async move { refund(address, "TIMEOUT-1").await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    server.signal("-INT");
    let stopped = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        server.stop()
    });
    let stopped = stopped.await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(text(&stopped.stderr).contains("under way"));
    assert!(under_way.await.unwrap().is_err());
}

#[test]
fn operators_are_managed_without_a_password_on_the_command_line() {
    let desk = Desk::new();
    let said = desk.ok(&["user", "add", "li.na", "--role", "viewer"]);
    let password = shown_once(&said, "password");
    assert_eq!(password.len(), 16);
    let output = desk.told(
        &["user", "add", "王芳", "--password-stdin"],
        "correct horse\n",
    );
    assert!(output.status.success());
    assert!(!text(&output.stdout).contains("horse"));

    let listed = desk.ok(&["user", "list"]);
    assert!(listed.contains("li.na") && listed.contains("viewer") && listed.contains("王芳"));
    assert!(!listed.contains(&password));
    assert!(desk.ok(&["user", "disable", "li.na"]).contains("li.na"));
    assert!(desk.ok(&["user", "list"]).contains("disabled"));
    desk.ok(&["user", "enable", "li.na"]);
    assert!(!desk.ok(&["user", "list"]).contains("disabled"));
    desk.ok(&["user", "unlock", "li.na"]);
    let again = shown_once(&desk.ok(&["user", "password", "li.na"]), "password");
    assert_ne!(again, password);
    desk.ok(&["user", "sessions", "end", "li.na"]);
    desk.ok(&["user", "delete", "li.na"]);
    assert!(!desk.ok(&["user", "list"]).contains("li.na"));
    assert!(desk.fails(1, &["user", "delete", "li.na"]).contains("name"));
    let ended = ["user", "sessions", "end", "li.na"];
    assert!(desk.fails(1, &ended).contains("name"));
    desk.ok(&["user", "add", "li.na"]);
    for command in [&["add", "wang"][..], &["password", "li.na"]] {
        let args = [&["user"], command, &["--password-stdin"]].concat();
        let output = desk.told(&args, "password\n");
        let why = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{why}");
        let reason = "password is too easy to guess: it is like passwords that many use";
        assert!(why.contains(reason), "{why}");
    }

    let output = desk.told(&["user", "add", "x", "--password-stdin"], "short\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("password"));
    assert!(desk.fails(1, &["user", "add", "li.na"]).contains("name"));
    assert!(
        desk.fails(1, &["user", "disable", "nobody"])
            .contains("name")
    );
    assert!(
        desk.fails(2, &["user", "add", "x", "--role", "boss"])
            .contains("--role")
    );
}

#[test]
fn roles_are_given_and_taken_away_app_by_app() {
    let desk = Desk::new();
    desk.ok(&["app", "add", "SHOP", "--test-channel=sandbox"]);
    let said = desk.ok(&["user", "add", "li.na", "--role=admin", "--app=SHOP"]);
    assert!(said.contains("admin@SHOP"), "{said}");
    let roles = || {
        let listed = desk.ok(&["user", "list"]);
        let line = listed.lines().find(|line| line.starts_with("li.na"));
        let roles = line.and_then(|line| line.split_whitespace().nth(1));
        roles.unwrap_or_else(|| panic!("{listed}")).to_owned()
    };
    assert_eq!(roles(), "admin@SHOP");
    desk.ok(&["user", "grant", "li.na", "--role=auditor"]);
    desk.ok(&["user", "grant", "li.na", "--role=viewer", "--app=SHOP"]);
    assert_eq!(roles(), "auditor,viewer@SHOP");
    desk.ok(&["user", "revoke", "li.na"]);
    assert_eq!(roles(), "viewer@SHOP");
    desk.ok(&["user", "revoke", "li.na", "--app=SHOP"]);
    assert_eq!(roles(), "none");

    let refused = |args: &[&str], field: &str| {
        let why = desk.fails(1, args);
        assert!(why.contains(field), "{args:?}: {why}");
    };
    refused(&["user", "revoke", "li.na"], "app");
    refused(&["user", "grant", "li.na", "--app=NOWHERE"], "app");
    refused(&["user", "grant", "nobody"], "name");
    refused(&["user", "unlock", "nobody"], "name");
    refused(&["user", "add", "x", "--app=NOWHERE"], "app");
    // No app may have the id that stands for all apps.
    refused(&["app", "add", "*", "--test-channel=sandbox"], "appId");
}

#[test]
fn accounts_are_added_and_apps_use_them() {
    let desk = Desk::new();
    let live = [
        "account",
        "add",
        "WX01",
        "--channel=wechat_pay",
        "--mch-id=1900000109",
        "--settings={\"apiVersion\":\"v3\"}",
    ];
    let output = desk.told(&live, "a key of the channel\n");
    let said = text(&output.stdout);
    assert!(output.status.success() && said.contains("WX01"), "{said}");
    let said = desk.ok(&["account", "add", "ALI-TEST", "--channel=ali_pay", "--test"]);
    assert!(said.contains("test mode"), "{said}");
    let listed = || desk.ok(&["account", "list"]);
    let line = |account: &str| {
        let listed = listed();
        let found = listed.lines().find(|line| line.starts_with(account));
        found.unwrap_or_else(|| panic!("{listed}")).to_owned()
    };
    assert!(line("WX01").contains("1900000109") && line("WX01").ends_with("enabled"));
    assert!(line("ALI-TEST").ends_with("enabled, test mode"));
    assert!(!listed().contains("a key"));

    desk.ok(&["account", "disable", "WX01"]);
    assert!(line("WX01").ends_with("disabled"));
    desk.ok(&["account", "enable", "WX01"]);

    // Two apps may share an account.
    for app_id in ["ONE", "TWO"] {
        desk.ok(&[
            "app",
            "add",
            app_id,
            "--account=WX01=180",
            "--test-channel=ali_pay",
        ]);
    }
    let apps = desk.ok(&["app", "list"]);
    assert!(
        apps.contains("wechat_pay=180 ") || apps.contains("wechat_pay=180\n"),
        "{apps}"
    );
    assert!(apps.contains("ali_pay=365 (test)"), "{apps}");
    assert!(line("ONE-ali_pay").ends_with("enabled, test mode"));

    for (args, about) in [
        (
            vec!["account", "add", "WX01", "--channel=ali_pay", "--test"],
            "account",
        ),
        (
            vec![
                "account",
                "add",
                "WX02",
                "--channel=wechat_pay",
                "--mch-id=1900000109",
            ],
            "mchId",
        ),
        (
            vec!["account", "add", "a/b", "--channel=ali_pay", "--test"],
            "account",
        ),
        (
            vec!["account", "add", "SBX", "--channel=sandbox", "--mch-id=1"],
            "channel",
        ),
        (
            vec![
                "account",
                "add",
                "WX03",
                "--channel=wechat_pay",
                "--mch-id=3",
                "--settings=[]",
            ],
            "settings",
        ),
        (vec!["account", "disable", "NOWHERE"], "account"),
        // The app's channel moves money.
        (
            vec![
                "app",
                "add",
                "THREE",
                "--account=WX01",
                "--unsigned",
                "--yes-anybody-may-refund",
            ],
            "unsigned",
        ),
        (
            vec![
                "app",
                "add",
                "THREE",
                "--account=WX01",
                "--test-channel=wechat_pay",
            ],
            "channel",
        ),
    ] {
        let output = desk.told(&args, "a key\n");
        let why = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {why}");
        assert!(why.contains(about), "{args:?}: {why}");
    }
    // The refused command left no account behind.
    assert!(!listed().contains("THREE"));
    let why = desk.fails(2, &["account", "add", "X", "--channel=wechat_pay"]);
    assert!(why.contains("--mch-id"), "{why}");
}

#[test]
fn apps_are_added_with_a_secret_that_is_shown_once() {
    let desk = Desk::new();
    let add = [
        "app",
        "add",
        "SHOP",
        "--test-channel=wechat_pay=180",
        "--test-channel=ali_pay",
        "--default",
    ];
    let secret = shown_once(&desk.ok(&add), "secret");
    assert_eq!(secret.len(), 32);
    let listed = desk.ok(&["app", "list"]);
    assert!(
        listed.contains("SHOP") && listed.contains("wechat_pay=180") && listed.contains("default")
    );
    assert!(listed.contains("ali_pay=365") && !listed.contains(&secret));
    let output = desk.told(
        &[
            "app",
            "add",
            "TWO",
            "--test-channel=sandbox",
            "--secret-stdin",
        ],
        "nM4vTq8sXw2bKd7fHj3pZr6c\n",
    );
    assert!(output.status.success() && !text(&output.stdout).contains("nM4vTq8s"));

    for (args, about) in [
        (
            vec!["app", "add", "SHOP", "--test-channel=sandbox"],
            "appId",
        ),
        (vec!["app", "add", "A=B", "--test-channel=sandbox"], "appId"),
        (
            vec!["app", "add", "THREE", "--test-channel=sandbox", "--default"],
            "default",
        ),
        (
            vec![
                "app",
                "add",
                "THREE",
                "--test-channel=sandbox",
                "--test-channel=sandbox",
            ],
            "channel",
        ),
        (
            vec![
                "app",
                "add",
                "THREE",
                "--test-channel=sandbox",
                "--notify-url=shop",
            ],
            "notifyUrl",
        ),
        (vec!["app", "add", "THREE", "--account=NOWHERE"], "account"),
    ] {
        let why = desk.fails(1, &args);
        assert!(why.contains(about), "{args:?}: {why}");
    }
    for (args, about) in [
        (vec!["app", "add", "THREE"], "--test-channel"),
        (
            vec!["app", "add", "THREE", "--test-channel=paypal"],
            "--test-channel",
        ),
        (
            vec!["app", "add", "THREE", "--test-channel=sandbox=0"],
            "--test-channel",
        ),
        (
            vec![
                "app",
                "add",
                "THREE",
                "--test-channel=sandbox",
                "--sign-type=rsa",
            ],
            "--sign-type",
        ),
    ] {
        let why = desk.fails(2, &args);
        assert!(why.contains(about), "{args:?}: {why}");
    }
}

#[test]
fn keys_are_made_on_first_use_and_missed_in_plain_words() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::without_database();
    desk.ok(&["app", "add", "SHOP", "--test-channel=sandbox"]);
    let keys = desk.folder.path().join("refundry.db.keys");
    let mode = || std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let listed = desk.ok(&["keys", "list"]);
    let id = listed.lines().nth(1).unwrap().split(' ').next().unwrap();
    assert!(listed.lines().nth(1).unwrap().ends_with(" 2"), "{listed}");
    let kept = std::fs::read(&keys).unwrap();

    std::fs::set_permissions(&keys, PermissionsExt::from_mode(0o644)).unwrap();
    let why = desk.fails(1, &["app", "list"]);
    assert!(why.contains("chmod 600"), "{why}");
    std::fs::remove_file(&keys).unwrap();
    let why = desk.fails(1, &["app", "list"]);
    assert!(why.contains("refundry.db.keys is not there"), "{why}");
    assert!(why.contains("put it back") && !keys.exists(), "{why}");
    // Another file of keys does not help, as the error says.
    desk.ok(&["keys", "new"]);
    let why = desk.fails(1, &["serve", "--listen=127.0.0.1:0"]);
    assert!(why.contains(&format!("the key {id} is not")), "{why}");
    assert_eq!(why.lines().count(), 1, "{why}");
    assert!(desk.ok(&["keys", "list"]).contains("no such key"));
    // Updating the schema needs no key.
    desk.ok(&["migrate"]);

    desk.write("refundry.db.keys", &kept);
    assert_eq!(mode(), 0o600);
    let said = desk.ok(&["keys", "rotate"]);
    assert!(said.contains("sealed 2 secrets anew"), "{said}");
    assert!(said.contains(id), "{said}");
    // Where each node has its own file, the key is added first.
    desk.ok(&["keys", "new"]);
    let said = desk.ok(&["keys", "rotate", "--no-new-key"]);
    assert!(said.contains("sealed 2 secrets anew"), "{said}");
    assert!(desk.ok(&["app", "list"]).contains("SHOP"));
    let listed = desk.ok(&["keys", "list"]);
    assert!(listed.lines().nth(1).unwrap().ends_with(" 2"), "{listed}");
    assert_eq!(listed.lines().count(), 4, "{listed}");
}

#[test]
fn postgresql_needs_a_file_of_keys_and_says_how_to_make_one() {
    let desk = Desk::new();
    if desk.database.is_none() {
        return;
    }
    let run = |args: &[&str]| {
        let mut command = desk.refundry(args);
        command.env_remove("REFUNDRY_KEYS_FILE").output().unwrap()
    };
    let refused = run(&["serve", "--listen=127.0.0.1:0"]);
    let why = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{why}");
    assert!(why.contains("refundry keys new --keys-file FILE"), "{why}");
    let refused = run(&["app", "list", "--keys-file=own.keys"]);
    let why = text(&refused.stderr);
    assert!(why.contains("keys new --keys-file own.keys"), "{why}");
    for args in [
        &["keys", "new", "--keys-file=own.keys"][..],
        &[
            "app",
            "add",
            "SHOP",
            "--test-channel=sandbox",
            "--keys-file=own.keys",
        ],
        &["keys", "rotate", "--keys-file=own.keys"],
        &["app", "list", "--keys-file=own.keys"],
    ] {
        let done = run(args);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    // The same keys as a setting, instead of the file.
    let file = std::fs::read_to_string(desk.folder.path().join("own.keys")).unwrap();
    let keys: Vec<_> = file.lines().filter(|line| !line.starts_with('#')).collect();
    let run = |args: &[&str]| {
        let mut command = desk.refundry(args);
        command.env_remove("REFUNDRY_KEYS_FILE");
        command.env("REFUNDRY_KEYS", keys.join(","));
        command.output().unwrap()
    };
    let listed = run(&["keys", "list"]);
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    assert!(!text(&listed.stdout).contains("no such key"));
    for args in [&["keys", "new"][..], &["keys", "rotate"]] {
        let refused = run(args);
        let why = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{why}");
        assert!(why.contains("come from REFUNDRY_KEYS"), "{why}");
    }
    let rotated = run(&["keys", "rotate", "--no-new-key"]);
    assert!(rotated.status.success(), "{}", text(&rotated.stderr));
    // A demonstration's secret is published, so its key may be too.
    let other = TestDatabase::new();
    let mut demo = desk.refundry(&["demo", "--listen=127.0.0.1:0"]);
    demo.env_remove("REFUNDRY_KEYS_FILE");
    demo.env("DATABASE_URL", other.url());
    let stopped = Desk::started(demo).stop();
    assert!(stopped.status.success(), "{}", text(&stopped.stderr));
}

#[test]
fn a_copy_opens_with_the_keys_of_the_database_that_was_copied() {
    let desk = Desk::without_database();
    desk.ok(&["app", "add", "SHOP", "--test-channel=sandbox"]);
    let to = TestDatabase::new();
    let copy = [
        "copy",
        "--from=sqlite:refundry.db",
        &format!("--to={}", to.url()),
    ];
    let keys = desk.folder.path().join("refundry.db.keys");
    let away = desk.folder.path().join("away");

    // Without the keys nothing is copied.
    std::fs::rename(&keys, &away).unwrap();
    let why = desk.fails(1, &copy);
    assert!(why.contains("refundry.db.keys is not there"), "{why}");
    desk.ok(&["keys", "new", "--keys-file=others"]);
    let why = desk.fails(1, &[&copy[..], &["--keys-file=others"]].concat());
    assert!(why.contains("is not in the keys file others"), "{why}");

    std::fs::rename(&away, &keys).unwrap();
    let said = desk.ok(&copy);
    assert!(said.contains("--keys-file refundry.db.keys"), "{said}");
    // The addresses may be given where nobody else on the machine reads them, and are not shown.
    let mut by_environment = desk.refundry(&["copy"]);
    by_environment.env("REFUNDRY_COPY_FROM", "sqlite:refundry.db");
    by_environment.env("REFUNDRY_COPY_TO", to.url());
    let said = by_environment.output().unwrap();
    assert!(said.status.success(), "{}", text(&said.stderr));
    let mut help = desk.refundry(&["copy", "--help"]);
    help.env("REFUNDRY_COPY_TO", "postgres://u:horse@h/d");
    let help = text(&help.output().unwrap().stdout);
    assert!(help.contains("[env: REFUNDRY_COPY_TO]"), "{help}");
    assert!(!help.contains("horse"), "{help}");
    let list = ["app", "list", &format!("--database-url={}", to.url())];
    desk.fails(1, &list);
    let with_keys = [&list[..], &["--keys-file=refundry.db.keys"]].concat();
    assert!(desk.ok(&with_keys).contains("SHOP"));
}

#[test]
fn a_file_of_orders_is_imported_whatever_its_encoding() {
    let desk = Desk::new();
    desk.ok(&["app", "add", "SHOP", "--test-channel=sandbox"]);
    let rows = |prefix: &str| {
        format!(
            "{HEADER}{prefix}1,SBX-OK-{prefix}1,sandbox,jsapi,茉莉花茶,12.50,2025-10-01 08:00:00\n\
             {prefix}2,SBX-OK-{prefix}2,sandbox,wap,盖碗,59,2025-10-01 09:00:00\n"
        )
    };
    let gb18030 = encoding_rs::GB18030.encode(&rows("G")).0.into_owned();
    let files: [(&str, Vec<u8>); 3] = [
        ("utf8.csv", rows("U").into_bytes()),
        ("bom.csv", format!("\u{FEFF}{}", rows("B")).into_bytes()),
        ("gb18030.csv", gb18030),
    ];
    for (name, content) in &files {
        desk.write(name, content);
        let import = ["import", "orders", name, "--app", "SHOP"];
        assert_eq!(desk.ok(&import), "2 recorded, 0 known before, 0 refused\n");
        assert_eq!(desk.ok(&import), "0 recorded, 2 known before, 0 refused\n");
    }

    let wrong = format!(
        "{}U3,SBX-OK-U3,sandbox,wap,茶,1.001,2025-10-01 08:00:00\n",
        rows("U")
    );
    desk.write("wrong.csv", wrong.as_bytes());
    let output = desk.run(&["import", "orders", "wrong.csv", "--app", "SHOP"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        text(&output.stdout),
        "0 recorded, 2 known before, 1 refused\n"
    );
    let why = text(&output.stderr);
    assert!(
        why.contains("line 4") && why.contains("amount") && why.contains("decimals"),
        "{why}"
    );

    desk.write(
        "header.csv",
        rows("U").replace("title", "tittle").as_bytes(),
    );
    let why = desk.fails(1, &["import", "orders", "header.csv", "--app", "SHOP"]);
    assert!(why.contains("tittle"), "{why}");
    let why = desk.fails(1, &["import", "orders", "utf8.csv", "--app", "NONE"]);
    assert!(why.contains("app"), "{why}");
    let file = desk.folder.path().join("refundry.db");
    assert_eq!(file.exists(), desk.database.is_none());
}

#[tokio::test]
async fn what_a_command_does_is_told_in_the_audit_which_is_checked() {
    let desk = Desk::new();
    let db = desk.db();
    desk.ok(&["user", "add", "li.na", &db]);
    let ctx = desk.look().await;
    let (filter, first) = (AuditFilter::default(), Place::First);
    let told = audit::list(&ctx.db, "*", &filter, &first)
        .await
        .unwrap()
        .rows;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].action.as_str(), told[0].number.as_str()),
        ("operator_added", "li.na")
    );
    assert!(told[0].actor.starts_with("command:"), "{}", told[0].actor);

    audit::seal(&ctx.db).await.unwrap();
    let said = desk.ok(&["audit", "verify", &db]);
    let (found, hash) = said.trim().rsplit_once(' ').unwrap();
    assert_eq!((found, hash.len()), ("1 entries, unbroken, last hash", 64));
    assert_eq!(desk.ok(&["audit", "verify", "--expect", hash, &db]), said);
    let other = "1".repeat(64);
    let why = desk.fails(1, &["audit", "verify", "--expect", &other, &db]);
    assert!(
        why.contains("none of the 1 entries has the hash expected"),
        "{why}"
    );
    let why = desk.fails(2, &["audit", "verify", "--expect", "nonsense", &db]);
    assert!(why.contains("a hash is 64 hexadecimal digits"), "{why}");
    ctx.db.close().await;
}

/// Returns what `refundry app show` tells of an app by name.
fn shown(desk: &Desk, app_id: &str) -> impl Fn(&str) -> String {
    let shown = desk.ok(&["app", "show", app_id]);
    move |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("no {name}: {shown}"));
        line.trim().to_owned()
    }
}

#[test]
fn an_app_is_shown_changed_disabled_and_given_another_secret() {
    let desk = Desk::new();
    desk.ok(&["app", "add", "SHOP", "--test-channel=wechat_pay"]);
    desk.ok(&["account", "add", "ALI", "--channel=ali_pay", "--test"]);
    let of = shown(&desk, "SHOP");
    assert_eq!(of("state"), "enabled");
    assert_eq!(of("signature"), "required");
    assert_eq!(of("notify hosts"), "any");
    assert_eq!(of("old secret"), "none");
    assert_eq!(
        of("wechat_pay"),
        "SHOP-wechat_pay, 365 days, enabled, test mode"
    );

    desk.ok(&[
        "app",
        "set",
        "SHOP",
        "--name=茶铺",
        "--mch-no=M1",
        "--sign-type=sm3",
        "--single-edition=on",
        "--edition=single",
        "--account=ALI=30",
        "--days=wechat_pay=180",
        "--disable-channel=wechat_pay",
        "--notify-url=https://shop.example/n",
        "--notify-hosts=Shop.example,.pay.example",
        "--req-time-leeway=60",
        "--default=on",
    ]);
    let of = shown(&desk, "SHOP");
    for (name, value) in [
        ("name", "茶铺"),
        ("state", "enabled, default"),
        ("merchant number", "M1"),
        ("signed by", "sm3"),
        ("editions", "open, single"),
        ("console refunds", "single edition"),
        ("reqTime", "at most 60 s from our clock"),
        ("notify URL", "https://shop.example/n"),
        ("notify hosts", "shop.example,.pay.example"),
        ("ali_pay", "ALI, 30 days, enabled, test mode"),
        (
            "wechat_pay",
            "SHOP-wechat_pay, 180 days, disabled, test mode",
        ),
    ] {
        assert_eq!(of(name), value);
    }
    // An empty value takes a setting away.
    let cleared = ["--mch-no=", "--notify-url=", "--notify-hosts="];
    desk.ok(&[&["app", "set", "SHOP"], &cleared[..]].concat());
    let of = shown(&desk, "SHOP");
    let values = ["merchant number", "notify URL", "notify hosts"].map(&of);
    assert_eq!(values, ["none", "none", "any"]);

    desk.ok(&["app", "disable", "SHOP"]);
    assert_eq!(shown(&desk, "SHOP")("state"), "disabled, default");
    desk.ok(&["app", "enable", "SHOP"]);
    assert_eq!(shown(&desk, "SHOP")("state"), "enabled, default");

    let said = desk.ok(&["app", "new-secret", "SHOP"]);
    let secret = shown_once(&said, "secret");
    assert_eq!(secret.len(), 32);
    assert!(said.contains("the old one is valid until "), "{said}");
    let old = shown(&desk, "SHOP")("old secret");
    assert!(old.starts_with("valid until ") && !old.contains(&secret));
    desk.ok(&["app", "drop-old-secret", "SHOP"]);
    assert_eq!(shown(&desk, "SHOP")("old secret"), "none");
    let args = [
        "app",
        "new-secret",
        "SHOP",
        "--keep-old=0s",
        "--secret-stdin",
    ];
    let output = desk.told(&args, "nM4vTq8sXw2bKd7fHj3pZr6c\n");
    let said = text(&output.stdout);
    assert!(
        output.status.success() && said.contains("no longer valid"),
        "{said}"
    );
    assert!(!said.contains("nM4vTq8s"), "{said}");

    let output = desk.told(&args, "aaaaaaaaaaaaaaaaaaaaaaaa\n");
    let why = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        why.contains("secret is too easy to guess: it has repeats"),
        "{why}"
    );
    for (code, args, about) in [
        (1, &["show", "NOWHERE"][..], "app"),
        (1, &["set", "NOWHERE", "--name=x"], "app"),
        (1, &["new-secret", "NOWHERE"], "app"),
        (1, &["drop-old-secret", "SHOP"], "oldSecret"),
        (1, &["set", "SHOP", "--days=union_pay=3"], "channel"),
        (1, &["set", "SHOP", "--account=NOWHERE"], "account"),
        (1, &["set", "SHOP", "--notify-url=shop"], "notifyUrl"),
        (2, &["set", "SHOP"], "--name"),
        (2, &["set", "SHOP", "--notify-hosts=a b"], "a b"),
        (2, &["new-secret", "SHOP", "--keep-old=1000h"], "--keep-old"),
    ] {
        let why = desk.fails(code, &[&["app"], args].concat());
        assert!(why.contains(about), "{args:?}: {why}");
    }
}

#[tokio::test]
async fn requests_without_a_signature_need_a_word_and_are_warned_of_at_the_start() {
    let desk = Desk::new();
    let db = desk.db();
    let add = [
        "app",
        "add",
        "SHOP",
        "--test-channel=sandbox",
        "--unsigned",
        &db,
    ];
    let why = desk.fails(2, &add);
    assert!(why.contains("--yes-anybody-may-refund"), "{why}");
    desk.ok(&["app", "add", "SHOP", "--test-channel=sandbox", &db]);
    let set = ["app", "set", "SHOP", "--unsigned=on", &db];
    let why = desk.fails(2, &set);
    assert!(why.contains("--yes-anybody-may-refund"), "{why}");

    let log = || {
        let served = desk.start(&["serve", "--listen=127.0.0.1:0", &db]);
        text(&served.stop().stderr)
    };
    assert!(!log().contains("anybody may refund"));
    desk.ok(&[&set[..], &["--yes-anybody-may-refund"]].concat());
    let told = log();
    assert!(
        told.contains("anybody may refund by the app SHOP"),
        "{told}"
    );
    desk.ok(&["app", "set", "SHOP", "--unsigned=off", &db]);
    assert!(!log().contains("anybody may refund"));

    // A secret from before secrets were checked.
    let ctx = desk.look().await;
    let weak = http::merchant("WEAK").with_secret("aaaaaaaaaaaaaaaa".into());
    add_app(&ctx, weak).await;
    ctx.db.close().await;
    let told = log();
    let warning =
        "the secret of the app WEAK is easy to guess; replace it: refundry app new-secret WEAK";
    assert!(told.contains(warning), "{told}");
}

#[test]
fn a_database_that_everybody_could_read_is_closed_to_them_and_the_log_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::without_database();
    let files = ["refundry.db", "refundry.db-wal", "refundry.db-shm"];
    let files = files.map(|name| desk.folder.path().join(name));
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    let set = |file: &Path, mode| {
        std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
    };
    desk.ok(&["migrate"]);
    assert_eq!(mode(&files[0]), 0o600);
    set(&files[0], 0o644);
    // A killed server leaves its log beside the file.
    let mut server = desk.start(&["serve", "--listen=127.0.0.1:0"]);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let mut log = String::new();
    let stderr = server.child.stderr.as_mut().unwrap();
    std::io::Read::read_to_string(stderr, &mut log).unwrap();
    assert!(
        log.contains("refundry.db could be read or written by everybody"),
        "{log}"
    );
    assert_eq!(mode(&files[0]), 0o640);
    for file in &files {
        set(file, 0o666);
    }
    let server = desk.start(&["serve", "--listen=127.0.0.1:0"]);
    for file in &files {
        assert_eq!(mode(file), 0o660, "{file:?}");
    }
    // What is in order is not spoken of.
    assert_eq!(
        text(&server.stop().stderr).matches("by everybody").count(),
        3
    );
    let server = desk.start(&["serve", "--listen=127.0.0.1:0"]);
    assert!(!text(&server.stop().stderr).contains("by everybody"));
}
