//! The API description and its page.

use refundry::server::clock::Clock;
use refundry::server::config::Config;
use serde_json::Value;

use crate::support::http::{SECRET, TestApp, config};

async fn get(test: &TestApp, path: &str) -> (reqwest::header::HeaderMap, String) {
    let got = test
        .http
        .get(format!("{}{path}", test.base))
        .send()
        .await
        .unwrap();
    assert_eq!(got.status(), 200, "{path}");
    (got.headers().clone(), got.text().await.unwrap())
}

#[tokio::test]
async fn the_description_covers_every_endpoint_field_and_code() {
    let test = TestApp::start().await;
    let (_, text) = get(&test, "/openapi.json").await;
    let api: Value = serde_json::from_str(&text).unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));

    for path in [
        "/unipay/refund",
        "/unipay/syncPay",
        "/unipay/syncRefund",
        "/unipay/sync/refund",
        "/unipay/sync/order/refund",
        "/unipay/sync/pay",
        "/unipay/sync/order/pay",
        "/unipay/query/refundOrder",
        "/unipay/query/payOrder",
        "/uni/query/refundOrder",
        "/uni/query/payOrder",
        "/unipay/order/record",
        "/unipay/callback/{appId}/{channel}",
    ] {
        let item = &api["paths"][path]["post"];
        assert!(item["summary"].is_string(), "{path}");
        // Each described path is served: none falls through to "no such endpoint".
        let served = test.post(&path.replace(['{', '}'], "x"), "{}").await;
        assert!(!served.text.contains("10404"), "{path}: {}", served.text);
    }
    assert!(api["paths"]["/sandbox/book/{refundNo}"]["get"].is_object());

    // Every reference has a target.
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(api.pointer(pointer).is_some(), "{pointer}");
    }
    let editions = &api["components"]["schemas"]["RefundIn"]["oneOf"];
    let (open, single) = (&editions[0], &editions[1]);
    for edition in [open, single] {
        for (name, field) in edition["properties"].as_object().unwrap() {
            assert!(
                field["description"].as_str().unwrap().contains(" · "),
                "{name}"
            );
            assert!(!field["examples"][0].is_null(), "{name}");
            let limited = field["maxLength"].is_u64() || field["maximum"].is_number();
            let bounded = name == "reqTime" || field["type"] == "boolean";
            assert!(limited || bounded, "{name} has no limit");
        }
    }
    assert_eq!(open["properties"]["bizRefundNo"]["maxLength"], 100);
    assert_eq!(open["properties"]["amount"]["type"], "number");
    assert_eq!(single["properties"]["amount"]["type"], "integer");
    assert!(single["properties"]["appId"].is_null() && open["properties"]["appId"].is_object());
    assert_eq!(
        open["required"],
        serde_json::json!(["bizRefundNo", "amount", "reqTime"])
    );
    let codes = api["components"]["schemas"]["Code"]["enum"]
        .as_array()
        .unwrap();
    assert_eq!(codes.len(), 26);
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let test = TestApp::start().await;
    let (headers, page) = get(&test, "/docs").await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    for attribute in ["src=\"", "href=\"", "action=\""] {
        for target in page.split(attribute).skip(1) {
            let target = target.split('"').next().unwrap();
            assert!(target.starts_with(['/', '#']), "{target}");
        }
    }
    assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains("<script>"));
    for (path, kind) in [
        ("/docs/docs.js", "text/javascript"),
        ("/docs/docs.css", "text/css"),
    ] {
        assert!(page.contains(path));
        let (headers, _) = get(&test, path).await;
        assert!(headers["content-type"].to_str().unwrap().starts_with(kind));
    }
    for said in [
        "bizRefundNo",
        "商户退款号",
        "20091",
        "/unipay/sync/order/refund",
        "refundableBalance",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[tokio::test]
async fn what_stays_the_same_is_compressed_once_and_not_sent_again() {
    let test = TestApp::start().await;
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        let get = test.http.get(format!("{}{path}", test.base));
        let get = headers
            .iter()
            .fold(get, |get, (name, value)| get.header(*name, *value));
        get.send().await.unwrap()
    };
    let brotli = ("Accept-Encoding", "gzip, br");
    for path in ["/openapi.json", "/docs", "/docs/docs.js", "/docs/docs.css"] {
        let plain = ask(path, &[]).await;
        assert!(!plain.headers().contains_key("content-encoding"), "{path}");
        let plain = plain.bytes().await.unwrap();
        let small = ask(path, &[brotli]).await;
        assert_eq!(small.headers()["content-encoding"], "br", "{path}");
        let tag = small.headers()["etag"].to_str().unwrap().to_owned();
        let small = small.bytes().await.unwrap();
        assert!(small.len() < plain.len() / 2, "{path}");
        let mut whole = Vec::new();
        brotli::BrotliDecompress(&mut &small[..], &mut whole).unwrap();
        assert_eq!(whole, plain, "{path}");
        let again = ask(path, &[brotli, ("If-None-Match", &tag)]).await;
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.bytes().await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_secret_stands_on_the_page_of_a_demonstration_only() {
    let secret = format!("value=\"{SECRET}\"");
    let test = TestApp::start().await;
    assert!(!get(&test, "/docs").await.1.contains(&secret));
    let demo = Config {
        demo: true,
        ..config(&[])
    };
    let test = TestApp::start_with(demo, Clock::System).await;
    assert!(get(&test, "/docs").await.1.contains(&secret));
}

#[tokio::test]
async fn the_page_shows_every_example_as_it_is() {
    let test = TestApp::start().await;
    let (_, page) = get(&test, "/docs").await;
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/server/gateway/docs/examples"
    );
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert_eq!(files.len(), 18);
    for file in files {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        let escaped = escaped.replace('>', "&gt;").replace('"', "&quot;");
        assert!(page.contains(&escaped), "{}", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        let (_, alone) = get(&test, &format!("/docs/examples/{name}")).await;
        assert_eq!(alone, text, "{name}");
    }
    let other = format!("{}/docs/examples/other.py", test.base);
    assert_eq!(test.http.get(other).send().await.unwrap().status(), 404);
}
