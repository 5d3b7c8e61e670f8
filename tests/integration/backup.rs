//! Backups: taken from a running server, verified, restored, scheduled; and the one server of an embedded database.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use refundry::demo;
use refundry::domain::audit::{Action, Origin};
use refundry::domain::event::Actor;
use refundry::domain::filter::{AuditFilter, Place};
use refundry::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use refundry::server::backup::{BackupError, take, take_due, verify};
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::db::Db;
use refundry::server::db::is_postgres;
use refundry::server::run::copy::copy;
use refundry::server::store::copying;
use refundry::server::{audit, restoration, store};
use reqwest::Client;
use serde_json::{Value, json};

use crate::cli::{Desk, Server};
use crate::support::database::TestDatabase;
use crate::support::http::{signed, unique};
use crate::support::{Core, app_on, config};

fn by() -> Origin {
    Actor::CommandLine("root".to_owned()).into()
}

/// Makes a database with a month of example data.
async fn month() -> Core {
    let core = Core::without_app(config(&[]), Clock::System).await;
    demo::seed(&core.ctx).await.expect("demonstration data");
    audit::seal(&core.ctx.db).await.expect("a chain");
    core
}

async fn run(db: &Db, sql: &'static str) {
    let ran = db.write((), move |conn, ()| {
        Box::pin(async move { Ok(sqlx::query(sql).execute(conn).await.map(drop)?) })
    });
    ran.await.expect("a statement");
}

/// Returns the names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

/// Opens a backup as a server does that is started on it.
async fn opened(file: &Path) -> Db {
    let url = format!("sqlite://{}?mode=rw", file.display());
    Db::open(&url, None, 256).await.expect("a database")
}

#[tokio::test]
async fn a_backup_is_one_private_file_with_all_data_and_without_logins_and_nodes() {
    let core = month().await;
    let db = &core.ctx.db;
    let session = "INSERT INTO session (session_id, operator, data, expires_at, ends_at) VALUES ('s', 'admin', '', 1, 1)";
    run(db, session).await;
    let node = "INSERT INTO node (node, host, holder, started_at, alive_until) VALUES (0, 'h', 'x', 0, 9000000000000)";
    run(db, node).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a b?#%.db");
    let before = core.ctx.clock.now();
    let backup = take(&core.url(), &file, &Clock::System, &by())
        .await
        .expect("a backup");
    assert!(backup.taken_at >= before && backup.faults.is_empty());
    assert_eq!(
        names(folder.path()),
        ["a b?#%.db"],
        "no journal and no unverified file"
    );
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), backup.size_bytes);
    let again = verify(&file, &Clock::System).await.expect("the same");
    assert_eq!((&again.rows, &again.audit), (&backup.rows, &backup.audit));
    assert_eq!(
        names(folder.path()),
        ["a b?#%.db"],
        "verifying leaves nothing behind"
    );
    assert!(backup.newest_refund.is_some());

    let copied = folder.path().join("restored.db");
    std::fs::copy(&file, &copied).unwrap();
    let restored = opened(&copied).await;
    let (mut ours, mut theirs) = (db.read().await.unwrap(), restored.read().await.unwrap());
    for table in copying::TABLES {
        let left_out = table.name == "session";
        let count = copying::count(&mut theirs, table).await.unwrap();
        let wanted = match table.name {
            "session" => 0,
            "restoration" => 1,
            _ => copying::count(&mut ours, table).await.unwrap(),
        };
        assert_eq!(count, wanted, "{}", table.name);
        if left_out || table.name == "restoration" {
            continue;
        }
        let columns = copying::columns(&mut ours, table).await.unwrap();
        let mut after: Option<Vec<String>> = None;
        loop {
            let one = copying::rows(&mut ours, table, &columns, after.as_deref(), 500)
                .await
                .unwrap();
            let other = copying::rows(&mut theirs, table, &columns, after.as_deref(), 500)
                .await
                .unwrap();
            assert_eq!(one, other, "{}", table.name);
            let Some(last) = one.last() else { break };
            after = Some(table.key_of(&columns, last));
        }
    }
    assert!(
        store::node::held(&mut theirs, before)
            .await
            .unwrap()
            .is_empty()
    );
    drop((ours, theirs));
    let mark = restoration::look(&restored)
        .await
        .unwrap()
        .expect("the mode")
        .mark;
    assert_eq!(mark.taken_at, backup.taken_at);
    assert_eq!(mark.begun_by, "command:root");
    // The act is in the database's audit, and so in the backup's.
    let filter = AuditFilter {
        action: Some(Action::BackupTaken),
        ..AuditFilter::default()
    };
    for db in [db, &restored] {
        let acts = audit::list(db, "*", &filter, &Place::First).await.unwrap();
        assert_eq!(acts.rows.len(), 1);
    }
    restored.close().await;
}

#[tokio::test]
async fn what_is_not_an_intact_backup_is_not_accepted_and_no_file_is_overwritten() {
    let core = month().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let clock = Clock::System;
    let good = path("good.db");
    take(&core.url(), &good, &clock, &by())
        .await
        .expect("a backup");
    let whole = std::fs::read(&good).unwrap();
    let exists = take(&core.url(), &good, &clock, &by()).await;
    assert!(matches!(exists, Err(BackupError::Exists(_))), "{exists:?}");
    assert_eq!(std::fs::read(&good).unwrap(), whole);

    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(path(name), bytes).unwrap();
        path(name)
    };
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 4096]
        .iter_mut()
        .for_each(|byte| *byte ^= 0x5a);
    let damaged = [
        write("half.db", &whole[..whole.len() / 2]),
        write("short.db", &whole[..whole.len() - 4096]),
        write("flipped.db", &flipped),
        write("garbage.db", &[b'x'; 100_000]),
    ];
    for file in &damaged {
        let wrong = verify(file, &clock).await;
        assert!(
            matches!(wrong, Err(BackupError::Damaged { .. })),
            "{file:?}: {wrong:?}"
        );
    }
    let empty = verify(&write("empty.db", b""), &clock).await;
    assert!(
        matches!(empty, Err(BackupError::OtherSchema { found: None, .. })),
        "{empty:?}"
    );
    let none = verify(&path("none.db"), &clock).await;
    assert!(matches!(none, Err(BackupError::File { .. })), "{none:?}");

    // A database that is no backup, and one whose mode was ended since.
    let plain = opened(&write("plain.db", &whole)).await;
    assert!(
        restoration::end(&plain, clock.now(), "done", &by())
            .await
            .unwrap()
    );
    plain.close().await;
    let plain = verify(&path("plain.db"), &clock).await;
    assert!(matches!(plain, Err(BackupError::NotMarked(_))), "{plain:?}");

    let nowhere = take(&core.url(), &path("no/folder.db"), &clock, &by()).await;
    assert!(
        matches!(nowhere, Err(BackupError::File { .. })),
        "{nowhere:?}"
    );
    let left: Vec<_> = names(folder.path())
        .into_iter()
        .filter(|name| name.ends_with(".partial"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test]
async fn a_fault_of_the_data_is_told_and_the_backup_is_kept() {
    let core = month().await;
    let changed = "UPDATE pay_order SET overpaid = overpaid + 7 \
                   WHERE order_no = (SELECT MAX(order_no) FROM pay_order WHERE status = 'success')";
    run(&core.ctx.db, changed).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.db");
    let backup = take(&core.url(), &file, &Clock::System, &by())
        .await
        .expect("a backup");
    assert_eq!(backup.faults.different_balances, 1);
    assert!(backup.faults.audit.is_none() && file.exists());
}

/// A node whose settings name its database and a folder for backups.
async fn scheduled(database: &TestDatabase, folder: &Path, clock: &Clock) -> Ctx {
    let dir = format!("--backup-dir={}", folder.display());
    let mut config = config(&[&dir, "--backups-kept=2"]);
    config.database_url = Some(database.url().into());
    app_on(database, config, clock.clone()).await
}

#[tokio::test]
async fn scheduled_backups_are_taken_in_time_by_one_node_and_the_newest_are_kept() {
    let (database, folder) = (TestDatabase::new(), tempfile::tempdir().unwrap());
    let clock = Clock::manual(Timestamp(1_700_000_000_000));
    let one = scheduled(&database, folder.path(), &clock).await;
    let two = scheduled(&database, folder.path(), &clock).await;
    std::fs::write(folder.path().join("other.db"), "x").unwrap();
    let mut taken = 0;
    for day in 0..4 {
        let (of_one, of_two) = tokio::join!(take_due(&one), take_due(&two));
        let done = of_one.expect("a run") + of_two.expect("a run");
        assert_eq!(done, 1, "day {day}");
        taken += done;
        assert_eq!(take_due(&two).await.expect("a run"), 0);
        clock.advance_ms(DAY_MS - 1);
        assert_eq!(
            take_due(&one).await.expect("a run"),
            0,
            "not before its time"
        );
        clock.advance_ms(1);
    }
    assert_eq!(taken, 4);
    let own = [
        "other.db",
        "refundry-20231116-221320.db",
        "refundry-20231117-221320.db",
    ];
    assert_eq!(names(folder.path()), own);
    verify(&folder.path().join(own[2]), &clock)
        .await
        .expect("a backup");

    // One that fails removes nothing, and is tried again an hour later.
    let moved = folder.path().with_extension("moved");
    std::fs::rename(folder.path(), &moved).unwrap();
    assert!(take_due(&one).await.is_err());
    std::fs::rename(&moved, folder.path()).unwrap();
    assert_eq!(names(folder.path()), own);
    assert_eq!(take_due(&one).await.expect("a run"), 0);
    clock.advance_ms(HOUR_MS);
    assert_eq!(take_due(&two).await.expect("a run"), 1);
    let mut conn = one.db.read().await.unwrap();
    let last = store::backup_schedule::last(&mut conn).await.unwrap();
    assert_eq!(last, Some(clock.now()));
}

/// A merchant's system, whose requests go to a server process.
#[derive(Clone)]
struct Merchant {
    http: Client,
    base: String,
}

impl Merchant {
    fn of(server: &Server) -> Merchant {
        Merchant {
            http: Client::builder().no_proxy().build().unwrap(),
            base: server.url(""),
        }
    }

    /// Posts fields, and returns the answer's data; `None` where the server does not answer any more.
    async fn post(&self, path: &str, mut fields: Value) -> Option<Value> {
        fields["appId"] = json!("DEMO");
        let zone = &config(&[]).time_zone;
        let now = refundry::wire::field::local_text(Clock::System.now(), zone);
        let body = signed(fields, json!(now), "hmac_sha256", true);
        let url = format!("{}/unipay/{path}", self.base);
        let sent = self.http.post(url).body(body).send().await.ok()?;
        let answer: Value = sent.json().await.ok()?;
        assert_eq!(answer["code"], 0, "{answer}");
        Some(answer["data"].clone())
    }

    /// Records an order of 10.00, and returns its number.
    async fn order(&self) -> Option<String> {
        let id = unique("backup");
        let zone = &config(&[]).time_zone;
        let fields = json!({
            "bizOrderNo": format!("P{id}"), "outOrderNo": format!("SBX-OK-{id}"), "channel": "sandbox",
            "method": "qr_code", "title": "茶", "amount": 10,
            "payTime": refundry::wire::field::local_text(Clock::System.now(), zone),
        });
        let order = self.post("order/record", fields).await?;
        Some(order["bizOrderNo"].as_str().unwrap().to_owned())
    }

    async fn refund(&self, biz_order_no: &str, biz_refund_no: &str) -> Option<Value> {
        let fields = json!({"bizOrderNo": biz_order_no, "bizRefundNo": biz_refund_no, "amount": 4});
        self.post("refund", fields).await
    }

    async fn state(&self, biz_refund_no: &str) -> Value {
        let fields = json!({ "bizRefundNo": biz_refund_no });
        self.post("query/refundOrder", fields)
            .await
            .expect("an answer")
    }

    /// Returns how often the sandbox moved money by a number.
    async fn moved(&self, refund_no: &str) -> i64 {
        let url = format!("{}/sandbox/book/{refund_no}", self.base);
        let got = self.http.get(url).send().await.unwrap();
        match got.status().as_u16() {
            404 => 0,
            _ => got.json::<Value>().await.unwrap()["moved"]
                .as_i64()
                .unwrap(),
        }
    }

    /// Requests refunds until told to stop, and notes those that succeeded.
    async fn load(self, stop: Arc<AtomicBool>, done: Arc<Mutex<Vec<String>>>) {
        while !stop.load(Ordering::SeqCst) {
            let Some(order) = self.order().await else {
                return;
            };
            let number = unique("R");
            let Some(refund) = self.refund(&order, &number).await else {
                return;
            };
            if refund["status"] == "success" {
                done.lock().unwrap().push(number);
            }
        }
    }
}

/// Waits until something holds, for at most half a minute.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// Returns the flags of a server, and of commands, on the restored database.
async fn restore(desk: &Desk, file: &Path) -> (Vec<String>, Option<TestDatabase>) {
    let file = file.display();
    let Some(old) = &desk.database else {
        let restored = desk.folder.path().join("restored.db");
        std::fs::copy(file.to_string(), &restored).unwrap();
        let keys = desk.folder.path().join("desk.db.keys");
        let flags = [
            format!("--database-url=sqlite:{}", restored.display()),
            format!("--keys-file={}", keys.display()),
        ];
        return (flags.into(), None);
    };
    let new = TestDatabase::new();
    let keys = format!("--keys-file={}", old.keys_file().display());
    desk.ok(&[
        "copy",
        "--from",
        &format!("sqlite:{file}"),
        "--to",
        &new.url(),
        &keys,
    ]);
    (
        vec![format!("--database-url={}", new.url()), keys],
        Some(new),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_from_a_busy_server_is_restored_and_pays_nothing_twice() {
    let desk = Desk::new();
    let demo = [
        "demo",
        "--listen=127.0.0.1:0",
        &desk.db(),
        "--sbx-delay=50ms",
        "--requests-per-second=0",
    ];
    let server = desk.start(&demo);
    let merchant = Merchant::of(&server);
    let order = merchant.order().await.expect("an order");
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::<Mutex<Vec<String>>>::default(),
    );
    let load: Vec<_> = (0..4)
        .map(|_| tokio::spawn(merchant.clone().load(stop.clone(), done.clone())))
        .collect();
    until("twenty refunds", async || done.lock().unwrap().len() >= 20).await;

    let before = done.lock().unwrap().clone();
    let file: PathBuf = desk.folder.path().join("backup.db");
    let told = {
        let command = desk.refundry(&["backup", file.to_str().unwrap(), &desk.db()]);
        let output = tokio::task::spawn_blocking(move || {
            let mut command = command;
            command.output()
        });
        let output = output.await.unwrap().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    for said in ["taken and verified", "newest refund", "NOT in it", "keys"] {
        assert!(told.contains(said), "{told}");
    }
    // After the backup the channel pays a refund that the restored database will not know.
    let lost = merchant.refund(&order, "LOST-1").await.expect("an answer");
    assert_eq!(lost["status"], "success");
    let lost_no = lost["refundNo"].as_str().unwrap().to_owned();
    let after_backup = done.lock().unwrap().len();
    until("another refund", async || {
        done.lock().unwrap().len() > after_backup
    })
    .await;
    server.signal("-KILL");
    drop(server);
    stop.store(true, Ordering::SeqCst);
    for load in load {
        load.await.unwrap();
    }

    let (flags, new) = restore(&desk, &file).await;
    // The channel's memory does not go with our database.
    let old = desk.look().await;
    let paid = {
        let mut conn = old.db.read().await.unwrap();
        store::sandbox::get(&mut conn, &lost_no)
            .await
            .unwrap()
            .expect("it was paid")
    };
    old.db.close().await;
    let url = new.as_ref().map(TestDatabase::url);
    let url = url.unwrap_or_else(|| {
        format!(
            "sqlite://{}/restored.db?mode=rw",
            desk.folder.path().display()
        )
    });
    let db = Db::open(&url, None, 256).await.unwrap();
    let put = db.write(paid, |conn, paid| {
        Box::pin(async move { Ok(store::sandbox::insert(conn, &paid).await?) })
    });
    assert!(put.await.unwrap());
    db.close().await;

    let args: Vec<&str> = ["demo", "--listen=127.0.0.1:0", "--sbx-delay=50ms"]
        .into_iter()
        .chain(flags.iter().map(String::as_str))
        .collect();
    let server = desk.start(&args);
    let merchant = Merchant::of(&server);
    for number in &before {
        assert_eq!(
            merchant.state(number).await["status"],
            "success",
            "{number}"
        );
    }
    let with = |args: &[&'static str]| -> String {
        let flags = flags.iter().map(String::as_str);
        desk.ok(&args.iter().copied().chain(flags).collect::<Vec<_>>())
    };
    assert!(with(&["restored", "show"]).contains("in restored mode"));

    // The merchant asks again: another number of ours, which the channel would pay a second time.
    let again = merchant.refund(&order, "LOST-1").await.expect("an answer");
    let again_no = again["refundNo"].as_str().unwrap().to_owned();
    assert_eq!(again["status"], "progress");
    assert_ne!(again_no, lost_no);
    let synced = merchant
        .post("sync/order/refund", json!({"refundNo": again_no}))
        .await;
    assert!(synced.is_some());
    assert_eq!(merchant.state("LOST-1").await["status"], "progress");
    let told = with(&["restored", "show"]);
    assert!(
        told.contains("1 refunds (4 yuan) wait for its end"),
        "{told}"
    );
    assert_eq!(
        (
            merchant.moved(&lost_no).await,
            merchant.moved(&again_no).await
        ),
        (1, 0)
    );

    with(&["restored", "end", "--note=this test knows better"]);
    until("the submission", async || {
        merchant.state("LOST-1").await["status"] == "success"
    })
    .await;
    assert_eq!(merchant.moved(&again_no).await, 1);
    assert!(with(&["restored", "show"]).contains("not in restored mode"));
}

#[tokio::test]
async fn copying_a_backup_into_another_database_carries_the_mark() {
    let from = month().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.db");
    let backup = take(&from.url(), &file, &Clock::System, &by())
        .await
        .expect("a backup");
    let (file, to) = (
        opened(&file).await,
        Core::without_app(config(&[]), Clock::System).await,
    );
    copy(&file, &to.ctx.db, Clock::System.now(), &by(), &mut |_| {})
        .await
        .expect("a copy");
    assert!(to.ctx.restored.is_on().await.unwrap());
    let mark = to.ctx.restored.mark().await.unwrap().unwrap();
    assert_eq!(mark.taken_at, backup.taken_at);
    file.close().await;
}

#[tokio::test]
async fn one_server_runs_on_an_embedded_database_and_commands_work_beside_it() {
    let desk = Desk::new();
    if is_postgres(desk.db().trim_start_matches("--database-url=")) {
        return;
    }
    let serve = ["serve", "--listen=127.0.0.1:0", &desk.db()];
    let server = desk.start(&serve);
    // By another path too.
    std::os::unix::fs::symlink("desk.db", desk.folder.path().join("link.db")).unwrap();
    let keys = "--keys-file=desk.db.keys";
    for args in [
        serve.to_vec(),
        vec![
            "serve",
            "--listen=127.0.0.1:0",
            "--database-url=sqlite:link.db",
            keys,
        ],
        vec!["demo", "--listen=127.0.0.1:0", &desk.db()],
    ] {
        let why = desk.fails(1, &args);
        assert!(why.contains("another server is running on it"), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
    desk.ok(&[
        "app",
        "add",
        "SHOP",
        "--test-channel=wechat_pay",
        &desk.db(),
    ]);
    desk.ok(&["backup", "b.db", &desk.db()]);
    desk.ok(&["backup", "--verify", "b.db", &desk.db()]);
    assert!(
        desk.fails(1, &["backup", "b.db", &desk.db()])
            .contains("is there already")
    );
    // A server that was killed is followed at once.
    server.signal("-KILL");
    drop(server);
    let server = desk.start(&serve);
    drop(server);
}
