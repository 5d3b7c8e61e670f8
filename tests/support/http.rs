//! A whole server for one test: the real router on a real port, a client that acts as a merchant's system, and a second
//! implementation of the signature rule.

use std::sync::Mutex;

use hmac::{Hmac, KeyInit, Mac};
use refundry::domain::merchant::MerchantApp;
use refundry::domain::order::Channel;
use refundry::server::clock::Clock;
use refundry::server::config::Config;
use refundry::server::ctx::Ctx;
use refundry::server::run::listener::{ConnectionLimits, serve};
use refundry::server::run::router;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Core;

/// Secret of the demonstration's app and of every app that [`merchant`] makes.
pub const SECRET: &str = "123456";

/// Secret of apps that the program itself serves, as it refuses the demonstration's, which is published.
pub const PRIVATE_SECRET: &str = "nM4vTq8sXw2bKd7fHj3pZr6c";

/// Returns the settings of a test: short delays, unless `args` says otherwise.
pub fn config(args: &[&str]) -> Config {
    let own = ["--sbx-delay=400ms", "--sbx-timeout=30ms"];
    let name = |arg: &str| arg.split('=').next().map(str::to_owned);
    let own = own
        .iter()
        .filter(|own| args.iter().all(|arg| name(arg) != name(own)));
    super::config(&own.chain(args).copied().collect::<Vec<_>>())
}

/// Returns an app like the demonstration's, with another id.
pub fn merchant(app_id: &str) -> MerchantApp {
    MerchantApp {
        app_id: app_id.into(),
        is_default: false,
        channels: vec![super::test_channel(app_id, Channel::Sandbox)],
        ..super::demo_app()
    }
}

/// Returns a cookie that an answer sets, as a browser sends it back.
pub fn cookie(answer: &reqwest::Response, name: &str) -> String {
    let set = answer.headers().get_all("set-cookie").iter();
    let mut set = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let set = set.find(|cookie| cookie.starts_with(&format!("{name}=")));
    set.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// A running server.
pub struct TestApp {
    pub ctx: Ctx,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    pub http: Client,
    pub clock: Clock,
    server: tokio::task::JoinHandle<()>,
    core: Option<Core>,
}

impl TestApp {
    /// Starts a server with the app `DEMO`, which is the default one.
    pub async fn start() -> TestApp {
        TestApp::start_with(config(&[]), Clock::System).await
    }

    /// Starts a server with other settings, or with a clock that the test moves.
    pub async fn start_with(config: Config, clock: Clock) -> TestApp {
        TestApp::serve(Core::with(config, clock).await).await
    }

    /// Starts a server without any app.
    pub async fn start_empty(config: Config, clock: Clock) -> TestApp {
        TestApp::serve(Core::without_app(config, clock).await).await
    }

    /// Serves on a database that is deleted with the server.
    pub async fn serve(core: Core) -> TestApp {
        let mut served = TestApp::serve_app(core.ctx.clone()).await;
        served.core = Some(core);
        served
    }

    /// Serves on a database that the caller keeps.
    pub async fn serve_app(ctx: Ctx) -> TestApp {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        if let Some(sandbox) = ctx.channels.sandbox() {
            sandbox.call_back_to(&base);
        }
        let limits = ConnectionLimits::of(
            ctx.config.max_connections as usize,
            &ctx.config.trusted_proxies,
        );
        let routes = router::router(ctx.clone());
        let server = tokio::spawn(serve(listener, routes, limits, ctx.closing.clone()));
        TestApp {
            clock: ctx.clock.clone(),
            http: Client::builder().no_proxy().build().unwrap(),
            ctx,
            base,
            server,
            core: None,
        }
    }

    /// Adds an app. To be called before the first request, as a server keeps the apps that it read for a moment.
    pub async fn add(&self, merchant: MerchantApp) {
        super::add_app(&self.ctx, merchant).await;
    }

    /// Returns the present time in the format of the open edition.
    pub fn now_text(&self) -> String {
        refundry::wire::field::local_text(self.clock.now(), &self.ctx.config.time_zone)
    }

    /// Posts bytes.
    pub async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let sent = self
            .http
            .post(format!("{}{path}", self.base))
            .header("Content-Type", "application/json")
            .body(body.into())
            .send()
            .await;
        Answer::read(sent.unwrap()).await
    }

    /// Posts fields in the open edition, with `reqTime` and `sign` added where they are not given.
    pub async fn open(&self, path: &str, fields: Value) -> Answer {
        self.post(path, self.open_body(fields)).await
    }

    /// Posts fields in the single edition, with `reqTime` and `sign` added where they are not given.
    pub async fn single(&self, path: &str, fields: Value) -> Answer {
        self.post(path, self.single_body(fields)).await
    }

    pub fn open_body(&self, fields: Value) -> String {
        signed(fields, json!(self.now_text()), "hmac_sha256", true)
    }

    pub fn single_body(&self, fields: Value) -> String {
        signed(
            fields,
            json!(self.clock.now().seconds()),
            "hmac_sha256",
            false,
        )
    }

    /// Records a sandbox order of 100 yuan and returns its merchant's number.
    pub async fn order(&self, out_order_no: &str) -> String {
        self.order_of("DEMO", out_order_no, json!(100)).await
    }

    pub async fn order_of(&self, app_id: &str, out_order_no: &str, yuan: Value) -> String {
        let biz_order_no = format!("B-{out_order_no}");
        let fields = json!({
            "appId": app_id, "bizOrderNo": biz_order_no, "outOrderNo": out_order_no, "channel": "sandbox",
            "method": "qr_code", "title": "茶", "amount": yuan, "payTime": self.now_text(),
        });
        let answer = self.open("/unipay/order/record", fields).await;
        assert_eq!(answer.code(), 0, "{}", answer.text);
        biz_order_no
    }

    /// Queries what an order has left to refund, in yuan.
    pub async fn refundable(&self, biz_order_no: &str) -> Value {
        let fields = json!({"bizOrderNo": biz_order_no});
        let answer = self.open("/unipay/query/payOrder", fields).await;
        answer.data()["refundableBalance"].clone()
    }

    /// Returns the sandbox's entry of a refund, where it has one.
    pub async fn book(&self, refund_no: &str) -> Option<Value> {
        let url = format!("{}/sandbox/book/{refund_no}", self.base);
        let got = self.http.get(url).send().await.unwrap();
        match got.status() {
            StatusCode::NOT_FOUND => None,
            _ => Some(got.json().await.unwrap()),
        }
    }

    /// Queries a refund until it is no longer in progress, for at most five seconds.
    pub async fn settled(&self, biz_refund_no: &str) -> Value {
        for _ in 0..250 {
            let fields = json!({"bizRefundNo": biz_refund_no});
            let data = self.open("/unipay/query/refundOrder", fields).await.data();
            if data["status"] != "progress" {
                return data;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{biz_refund_no} was never settled");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer of the gateway, as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    async fn read(response: reqwest::Response) -> Answer {
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    pub fn code(&self) -> i64 {
        self.json()["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no code: {}", self.text))
    }

    /// Returns the code and message of a refusal of the business in the single edition, which stand in `data`.
    pub fn refused_in_data(&self) -> (i64, String) {
        assert_eq!(self.code(), 0, "{}", self.text);
        let data = self.data();
        let msg = data["msg"].as_str().unwrap_or_default().to_owned();
        (data["code"].as_i64().unwrap(), msg)
    }

    pub fn msg(&self) -> String {
        self.json()["msg"].as_str().unwrap().to_owned()
    }

    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    /// Returns the field names of the envelope, in the order of the bytes.
    pub fn names(&self) -> Vec<String> {
        ordered(&self.text)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    /// Returns the field names of `data`, in the order of the bytes.
    pub fn data_names(&self) -> Vec<String> {
        let envelope = ordered(&self.text);
        let (_, data) = envelope.iter().find(|(name, _)| name == "data").unwrap();
        ordered(data).into_iter().map(|(name, _)| name).collect()
    }

    /// Returns true where the open edition's signature on the envelope is right.
    pub fn open_signature_holds(&self, digest: &str) -> bool {
        signature_holds(&ordered(&self.text), digest, true)
    }

    /// Returns true where the single edition's signature within `data` is right.
    pub fn single_signature_holds(&self, digest: &str) -> bool {
        let envelope = ordered(&self.text);
        let (_, data) = envelope.iter().find(|(name, _)| name == "data").unwrap();
        signature_holds(&ordered(data), digest, false)
    }
}

fn signature_holds(fields: &[(String, String)], digest: &str, open: bool) -> bool {
    let Some((_, sign)) = fields.iter().find(|(name, _)| name == "sign") else {
        return false;
    };
    let texts = fields
        .iter()
        .filter(|(name, raw)| name != "sign" && raw != "null");
    let texts = texts.map(|(name, raw)| {
        let text = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.clone());
        (name.clone(), text)
    });
    format!("{:?}", sign_text(texts.collect(), digest, open)) == *sign
}

/// Returns the fields of a JSON object with their values' bytes, in order.
pub fn ordered(text: &str) -> Vec<(String, String)> {
    struct Entries(Vec<(String, String)>);
    impl<'de> Deserialize<'de> for Entries {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Collect;
            impl<'de> serde::de::Visitor<'de> for Collect {
                type Value = Entries;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Entries, A::Error> {
                    let mut entries = Vec::new();
                    while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                        entries.push((name, raw.get().to_owned()));
                    }
                    Ok(Entries(entries))
                }
            }
            deserializer.deserialize_map(Collect)
        }
    }
    serde_json::from_str::<Entries>(text)
        .unwrap_or_else(|e| panic!("{e}: {text}"))
        .0
}

/// Adds `reqTime` and `sign` to fields that lack them, and writes the body.
pub fn signed(fields: Value, req_time: Value, digest: &str, open: bool) -> String {
    signed_by(SECRET, fields, req_time, digest, open)
}

/// Does as [`signed`], with another secret.
pub fn signed_by(secret: &str, fields: Value, req_time: Value, digest: &str, open: bool) -> String {
    let Value::Object(mut fields) = fields else {
        panic!("not an object")
    };
    fields.entry("reqTime").or_insert(req_time);
    if !fields.contains_key("sign") {
        let sign = sign_text_by(secret, texts(&fields), digest, open);
        fields.insert("sign".into(), sign.into());
    }
    Value::Object(fields).to_string()
}

/// Returns the fields as texts of the signed text, without empty strings.
pub fn texts(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        // The decimals of tests have no trailing zeros when written, except for `.0`.
        other => other.to_string().trim_end_matches(".0").to_owned(),
    };
    let kept = fields
        .iter()
        .filter(|(_, value)| !value.is_null() && **value != json!(""));
    kept.map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// Signs fields by the signature rule, implemented from the contract and independently of the server.
pub fn sign_text(fields: Vec<(String, String)>, digest: &str, open: bool) -> String {
    sign_text_by(SECRET, fields, digest, open)
}

/// Does as [`sign_text`], with another secret.
pub fn sign_text_by(
    secret: &str,
    mut fields: Vec<(String, String)>,
    digest: &str,
    open: bool,
) -> String {
    fields.sort();
    let joined: Vec<_> = fields
        .iter()
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    let mut text = joined.join("&").replace(['"', '\\'], "");
    text += &format!("&key={secret}");
    if open {
        text = text.to_uppercase();
    }
    match digest {
        "hmac_sha256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(text.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        }
        "md5" => hex::encode(md5::Md5::digest(text.as_bytes())),
        "sm3" => hex::encode(sm3::Sm3::digest(text.as_bytes())),
        other => panic!("no digest is called {other}"),
    }
}

/// Makes a number that no other call returns.
pub fn unique(prefix: &str) -> String {
    static COUNT: Mutex<u64> = Mutex::new(0);
    let mut count = COUNT.lock().unwrap();
    *count += 1;
    format!("{prefix}{count}")
}
