//! A server process, and requests of a merchant's system to it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use refundry::domain::event::Actor;
use refundry::domain::people::{Grant, Role};
use refundry::server::config::{Config, KeySettings};
use refundry::server::people;
use refundry::server::people::sessions::COOKIE;
use refundry::server::run::serve;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::database::TestDatabase;
use crate::support::http::{PRIVATE_SECRET, SECRET, cookie, signed, signed_by};
use crate::support::{add_app, demo_app};

/// Password of the operator of [`Node::start_fresh`].
pub const PASSWORD: &str = "three lame mules";

/// A demonstration with figures. Dropping it ends the process.
pub struct Node {
    pub child: Child,
    out: BufReader<ChildStdout>,
    /// Address of the console and the gateway: `http://127.0.0.1:PORT`.
    pub base: String,
    /// Address of the figures: `http://127.0.0.1:PORT`.
    pub figures: String,
    pub http: Client,
    /// Secret of the app `DEMO`.
    secret: &'static str,
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Node {
    /// Starts a demonstration with further flags.
    pub fn start(flags: &[&str]) -> Node {
        Node::start_as("demo", flags)
    }

    pub fn start_as(command: &str, flags: &[&str]) -> Node {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_refundry"))
            .arg(command)
            .args(["--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0"])
            .args(flags)
            .current_dir(folder.path())
            .env_clear()
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut figures = None;
        let base = loop {
            let mut line = String::new();
            let read = out.read_line(&mut line).unwrap();
            let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
            assert!(read > 0, "it ended: {}", log());
            if let Some(base) = line.trim_end().strip_prefix("listening on ") {
                break base.to_owned();
            }
            if let Some(address) = line.trim_end().strip_prefix("figures at ") {
                figures = Some(address.trim_end_matches("/metrics").to_owned());
            }
        };
        Node {
            child,
            out,
            base,
            figures: figures.expect("it says where its figures are"),
            http: client(),
            secret: SECRET,
            folder,
            database: None,
        }
    }

    /// Serves a database that holds only the app `DEMO` and the operator `li.na`, whose password is [`PASSWORD`].
    pub async fn start_fresh(flags: &[&str]) -> Node {
        let database = TestDatabase::new();
        let url = database.url();
        let config = Config {
            database_url: Some(url.clone().into()),
            keys: KeySettings {
                file: Some(database.keys_file()),
                text: None,
            },
            ..Config::default()
        };
        let ctx = serve::open(config).await.unwrap();
        add_app(&ctx, demo_app().with_secret(PRIVATE_SECRET.into())).await;
        let viewer = Grant::everywhere(Role::Viewer);
        let added = people::add(&ctx, "li.na", viewer, PASSWORD, Actor::System);
        added.await.unwrap();
        ctx.db.close().await;
        let keys = database.keys_file().display().to_string();
        let own = ["--sandbox", "--database-url", &url, "--keys-file", &keys];
        let mut node = Node::start_as("serve", &[&own, flags].concat());
        (node.database, node.secret) = (Some(database), PRIVATE_SECRET);
        node
    }

    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.out, &mut rest).unwrap();
        self.child.wait().unwrap()
    }

    /// Returns the log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Gets a page of either address, and returns its status and text.
    pub async fn get(&self, base: &str, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{base}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Posts signed fields in the single edition.
    pub async fn post(&self, path: &str, fields: Value) -> Value {
        let sent = self.http.post(format!("{}{path}", self.base));
        let body = signed_by(self.secret, fields, json!(now()), "hmac_sha256", false);
        let sent = sent.body(body).send().await.unwrap();
        sent.json().await.unwrap()
    }

    /// Logs in, and returns the session's cookie.
    pub async fn logged_in(&self) -> String {
        let sent = self.login("refundry-demo").await;
        cookie(&sent, COOKIE)
    }

    /// Posts the login form.
    pub async fn login(&self, password: &str) -> reqwest::Response {
        let post = self.http.post(format!("{}/api/login", self.base));
        let post = post
            .header("Origin", &self.base)
            .header("Content-Type", "application/x-www-form-urlencoded");
        let form = format!("name=admin&password={password}&next=%2F");
        post.body(form).send().await.unwrap()
    }

    /// Records an order of 10.00 yuan with a behaviour of the sandbox, and refunds 1 yuan of it.
    pub async fn refund(&self, behaviour: &str, number: &str) -> Value {
        self.refund_with(behaviour, number, json!({})).await
    }

    /// Does as [`Node::refund`], with further fields in the refund's request.
    pub async fn refund_with(&self, behaviour: &str, number: &str, mut refund: Value) -> Value {
        let order = json!({
            "bizOrderNo": format!("P{number}"), "outOrderNo": format!("SBX-{behaviour}-{number}"),
            "channel": "sandbox", "method": "qr_code", "title": "茶", "amount": 1000, "payTime": now(),
        });
        let recorded = self.post("/unipay/order/record", order).await;
        assert_eq!(recorded["code"], 0, "{recorded}");
        refund["bizOrderNo"] = json!(format!("P{number}"));
        refund["bizRefundNo"] = json!(number);
        refund["amount"] = json!(100);
        self.post("/unipay/refund", refund).await
    }
}

fn client() -> Client {
    let client = Client::builder().no_proxy();
    client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Makes the body of a request of the single edition to a demonstration.
pub fn body(fields: Value) -> String {
    signed(fields, json!(now()), "hmac_sha256", false)
}

/// Returns the present time in Unix seconds.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
