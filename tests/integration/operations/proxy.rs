//! `deploy/nginx.conf` before a node, as a real nginx reads it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::node::{Node, now};
use crate::support::http::{PRIVATE_SECRET, signed_by};

const CONF: &str = include_str!("../../../deploy/nginx.conf");

/// A running nginx. Dropping it ends the process.
struct Proxy {
    child: Child,
    /// `https://127.0.0.1:PORT`.
    base: String,
    http: Client,
    _folder: TempDir,
}

impl Proxy {
    /// Starts nginx by the configuration of `deploy/`, before the nodes at two addresses. `None`: nginx is not installed.
    async fn start(nodes: [&str; 2]) -> Option<Proxy> {
        if Command::new("nginx").arg("-v").output().is_err() {
            println!("nginx.conf: skipped, nginx is not installed (tools/setup-tests.sh)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        certificate(folder.path());
        let (tls, plain) = (free_port(), free_port());
        let conf = [
            ("127.0.0.1:3001", nodes[0].strip_prefix("http://").unwrap()),
            ("127.0.0.1:3002", nodes[1].strip_prefix("http://").unwrap()),
            (
                "listen 443 ssl http2",
                &format!("listen 127.0.0.1:{tls} ssl http2"),
            ),
            ("listen 80 ", &format!("listen 127.0.0.1:{plain} ")),
            ("/etc/refundry/tls/fullchain.pem", &path("fullchain.pem")),
            ("/etc/refundry/tls/privkey.pem", &path("privkey.pem")),
            ("/run/nginx.pid", &path("nginx.pid")),
            ("/var/log/nginx/refundry.log", &path("access.log")),
            ("/var/log/nginx/error.log", &path("error.log")),
        ]
        .iter()
        .fold(CONF.to_owned(), |conf, (shipped, here)| {
            assert!(conf.contains(shipped), "{shipped}");
            conf.replace(shipped, here)
        });
        // Where a packaged nginx keeps bodies is not for every user.
        let bodies = format!(
            "http {{\n client_body_temp_path {0};\n proxy_temp_path {0};",
            path("temp")
        );
        let conf = conf.replacen("http {", &bodies, 1);
        std::fs::write(path("nginx.conf"), conf).unwrap();
        let child = Command::new("nginx")
            .args([
                "-p",
                &path(""),
                "-c",
                &path("nginx.conf"),
                "-e",
                &path("error.log"),
            ])
            .args(["-g", "daemon off;"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let http = Client::builder()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true);
        let proxy = Proxy {
            child,
            base: format!("https://127.0.0.1:{tls}"),
            http: http.build().unwrap(),
            _folder: folder,
        };
        while proxy.http.get(&proxy.base).send().await.is_err() {}
        Some(proxy)
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> (u16, Value) {
        let post = self.http.post(format!("{}{path}", self.base));
        let answer = post.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()["content-type"], "application/json");
        (status, answer.json().await.unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its workers end with it.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=127.0.0.1",
        ])
        .args(["-keyout", "privkey.pem", "-out", "fullchain.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

#[tokio::test]
async fn a_merchant_gets_the_envelope_whoever_answers() {
    const MIB: usize = 1024 * 1024;
    let node = Node::start_fresh(&["--trusted-proxies=127.0.0.1"]).await;
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let Some(proxy) = Proxy::start([&node.base, &nowhere]).await else {
        return;
    };
    let fields = json!({"bizOrderNo": "NONE"});
    let body = signed_by(PRIVATE_SECRET, fields, json!(now()), "hmac_sha256", false);
    let query = || body.clone().into_bytes();
    let (status, answer) = proxy.post("/unipay/query/payOrder", query()).await;
    assert_eq!((status, &answer["data"]["code"]), (200, &json!(20041)));
    // The node refuses, and beyond nginx's own limit nginx does, in the same words.
    for (path, length) in [
        ("/unipay/refund", MIB + 1),
        ("/unipay/refund", 3 * MIB),
        ("/uni/query/payOrder", 3 * MIB),
    ] {
        let (status, answer) = proxy.post(path, vec![b' '; length]).await;
        assert_eq!(
            (status, &answer["code"], &answer["msg"]),
            (413, &json!(20060), &json!("请求体过大"))
        );
        assert_eq!(answer["resTime"].as_str().unwrap().len(), 19, "{answer}");
        assert_eq!(answer["traceId"].as_str().unwrap().len(), 12, "{answer}");
    }
    // What is for the machine itself is not found.
    for path in ["/sandbox/book/NONE", "/healthz", "/readyz"] {
        let got = proxy.http.get(format!("{}{path}", proxy.base)).send().await;
        assert_eq!(got.unwrap().status(), 404, "{path}");
    }
    let page = proxy.http.get(format!("{}/login", proxy.base)).send().await;
    assert_eq!(page.unwrap().status(), 200);
    drop(node);
    let (status, answer) = proxy.post("/unipay/query/payOrder", query()).await;
    assert_eq!((status, &answer["code"]), (503, &json!(20043)));
    assert!(answer["msg"].as_str().unwrap().contains("不要更换号码"));
}
