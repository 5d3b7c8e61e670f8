//! The examples of the docs page, run as they stand, in every language that this machine has.

use std::fmt::{Display, Formatter};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use refundry::domain::notice::NoticeState;
use refundry::server::clock::Clock;
use refundry::server::notices;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::demo::Demo;
use crate::support::http::{TestApp, config, signed, unique};

/// A language of the examples.
#[derive(Clone, Copy)]
struct Language {
    name: &'static str,
    /// Command that succeeds where the language is there.
    probe: &'static [&'static str],
    /// Command that runs the file whose name is appended. Go's makes a program first.
    run: &'static [&'static str],
    ending: &'static str,
}

const SHELL: Language = Language {
    name: "bash",
    probe: &["bash", "--version"],
    run: &["bash"],
    ending: "sh",
};
const GO: Language = Language {
    name: "Go",
    probe: &["go", "version"],
    run: &[],
    ending: "go",
};
const JAVA: Language = Language {
    name: "Java",
    probe: &["java", "--version"],
    run: &["java", "-Dfile.encoding=UTF-8"],
    ending: "java",
};
const PHP: Language = Language {
    name: "PHP",
    probe: &["php", "--version"],
    run: &["php"],
    ending: "php",
};
const LANGUAGES: [Language; 6] = [
    SHELL,
    GO,
    JAVA,
    PHP,
    Language {
        name: "Python",
        probe: &["python3", "--version"],
        run: &["python3"],
        ending: "py",
    },
    Language {
        name: "Node.js",
        probe: &["node", "--version"],
        run: &["node"],
        ending: "mjs",
    },
];

/// Returns the languages that are there, and tells of the others past the capture of the tests' output.
fn languages() -> impl Iterator<Item = Language> {
    LANGUAGES.into_iter().filter(|language| {
        let mut probe = std::process::Command::new(language.probe[0]);
        let probed = probe.args(&language.probe[1..]).output();
        let there = probed.is_ok_and(|output| output.status.success());
        assert!(there || language.name != SHELL.name, "there is no bash");
        if !there {
            let _ = writeln!(
                std::io::stderr(),
                "the examples in {}: skipped, it is not installed",
                language.name
            );
        }
        there
    })
}

/// An example that is ready to run.
struct Example {
    language: Language,
    command: Vec<String>,
    folder: TempDir,
}

impl Example {
    async fn new(language: Language, task: &str) -> Example {
        let folder = tempfile::tempdir().unwrap();
        let file = file(language, task);
        let mut command: Vec<String> = language.run.iter().map(|&part| part.to_owned()).collect();
        if language.ending == GO.ending {
            // `go run` would do the same, but starts a process of its own that outlives it when it is killed.
            let program = folder.path().join(task);
            let mut go = Command::new("go");
            let built = go.arg("build").arg("-o").arg(&program).arg(&file);
            let built = built.output().await.unwrap();
            assert!(built.status.success(), "{}", text(&built.stderr));
            command.push(program.display().to_string());
        } else {
            command.push(file.display().to_string());
        }
        Example {
            language,
            command,
            folder,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).kill_on_drop(true);
        command.stdin(Stdio::null());
        for name in ["NO_PROXY", "no_proxy"] {
            command.env(name, "127.0.0.1");
        }
        command.env("UNIPAY_HANDLED", self.folder.path().join("handled"));
        command
    }

    /// Runs it to its end against a gateway, with an order that the sandbox treats as `behaviour` says.
    async fn run(&self, gateway: &str, behaviour: &str) -> Run {
        let mut command = self.command();
        let command = command
            .env("UNIPAY_URL", gateway)
            .env("UNIPAY_SANDBOX", behaviour);
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().await.unwrap();
        Run {
            who: self.language.name,
            succeeded: status.success(),
            said: text(&stdout),
            complained: text(&stderr),
        }
    }
}

/// Returns the path of an example. Java's names begin with a capital.
fn file(language: Language, task: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/gateway/docs/examples");
    let (first, rest) = task.split_at(1);
    let task = match language.ending == JAVA.ending {
        true => first.to_uppercase() + rest,
        false => task.to_owned(),
    };
    folder.join(format!("{task}.{}", language.ending))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The end of an example.
struct Run {
    who: &'static str,
    succeeded: bool,
    said: String,
    complained: String,
}

impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:\n{}{}", self.who, self.said, self.complained)
    }
}

impl Run {
    fn last_line(&self) -> &str {
        self.said.lines().last().unwrap_or_default()
    }
}

/// An edition, and the amount of the example's refund as the edition writes it.
#[derive(Clone, Copy)]
struct Edition {
    task: &'static str,
    is_open: bool,
    refunded: &'static str,
}

const EDITIONS: [Edition; 2] = [
    Edition {
        task: "open",
        is_open: true,
        refunded: "2.5",
    },
    Edition {
        task: "single",
        is_open: false,
        refunded: "250",
    },
];

/// A line between an example and the gateway, with a fault.
struct Line {
    url: String,
    seen: Arc<Seen>,
}

struct Seen {
    gateway: String,
    fault: Fault,
    http: reqwest::Client,
    /// Paths and bodies, as they came from the example.
    requests: Mutex<Vec<(String, Value)>>,
    /// Number of answers that told of progress.
    in_progress: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The first refund does not arrive, and the answer to the second one is lost. A refund that was told to be in
    /// progress twice is settled before it is asked for again: once would do for whoever takes progress for the end.
    Losing,
    /// The amount in the answers to queries is another.
    Forging,
    /// Every request is answered with these bytes.
    Stuck(&'static str),
}

impl Line {
    async fn start(gateway: &str, fault: Fault) -> Line {
        let seen = Arc::new(Seen {
            gateway: gateway.to_owned(),
            fault,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            requests: Mutex::default(),
            in_progress: AtomicUsize::default(),
        });
        let routes = Router::new().fallback(pass).with_state(seen.clone());
        Line {
            url: serve(routes).await,
            seen,
        }
    }

    /// Returns the numbers that the refund was asked for, or asked about, by, in order.
    fn refund_numbers(&self) -> Vec<String> {
        let requests = self.seen.requests.lock().unwrap();
        let numbers = requests.iter();
        let numbers = numbers.filter_map(|(_, body)| body["bizRefundNo"].as_str());
        numbers.map(str::to_owned).collect()
    }
}

/// Serves routes on a free port, and returns the address.
async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

async fn pass(
    State(seen): State<Arc<Seen>>,
    OriginalUri(uri): OriginalUri,
    body: String,
) -> Response {
    let path = uri.path().to_owned();
    let asked: Value = serde_json::from_str(&body).unwrap();
    let refunds = {
        let mut requests = seen.requests.lock().unwrap();
        requests.push((path.clone(), asked.clone()));
        requests
            .iter()
            .filter(|(path, _)| path == "/unipay/refund")
            .count()
    };
    if let Fault::Stuck(answer) = seen.fault {
        return answer.into_response();
    }
    let losing = seen.fault == Fault::Losing && path == "/unipay/refund";
    if losing && refunds == 1 {
        return broken();
    }
    let answer = seen.post(&path, body).await;
    if losing && refunds == 2 {
        return broken();
    }
    if path != "/unipay/query/refundOrder" {
        return answer.into_response();
    }
    if seen.fault == Fault::Losing
        && answer.contains(r#""status":"progress""#)
        && seen.in_progress.fetch_add(1, Ordering::Relaxed) == 1
    {
        let fields = json!({"bizRefundNo": asked["bizRefundNo"]});
        let synced = seen.ask("/unipay/sync/refund", fields).await;
        assert_eq!(synced["code"], 0, "{synced}");
    }
    match seen.fault {
        Fault::Forging => answer
            .replace(r#""amount":2"#, r#""amount":9"#)
            .into_response(),
        _ => answer.into_response(),
    }
}

impl Seen {
    async fn post(&self, path: &str, body: String) -> String {
        let url = format!("{}{path}", self.gateway);
        let sent = self.http.post(url).body(body).send().await.unwrap();
        sent.text().await.unwrap()
    }

    /// Posts fields in the single edition, signed.
    async fn ask(&self, path: &str, fields: Value) -> Value {
        let now = json!(Clock::System.now().seconds());
        let body = signed(fields, now, "hmac_sha256", false);
        serde_json::from_str(&self.post(path, body).await).unwrap()
    }
}

/// Makes an answer whose connection breaks before its body.
fn broken() -> Response {
    let error = futures::stream::iter([Err::<&[u8], _>(std::io::Error::other("cut"))]);
    ([(header::CONTENT_LENGTH, "100")], Body::from_stream(error)).into_response()
}

/// The contract's worked example of a signed answer with a no-break space in `data`.
const OPEN_VECTOR: &str = concat!(
    r#"{"code":0,"msg":"success","data":{"orderNo":"P1","bizOrderNo":"B1","title":"t","refundNo":"R1","#,
    r#""bizRefundNo":"b1","channel":"sandbox","orderAmount":10,"amount":1,"reason":"a"#,
    "\u{a0}",
    r#"b","status":"success"},"sign":"382ba23fa3aec8a3658adb717937cc815f61fd142511c90380541d614fd359c1","#,
    r#""resTime":"2026-01-02 03:04:05","traceId":"T1"}"#
);

/// The published answer of the single edition that refuses.
const SINGLE_VECTOR: &str = concat!(
    r#"{"code":0,"msg":"success","data":{"code":1,"msg":"退款订单不存在","resTime":1715849164,"#,
    r#""sign":"228aeccda2c31ebdb6853d3ba6b5b6e8a7cf92e8227db55eba3748c8d3909e92"},"traceId":"T1"}"#
);

async fn refunds_once_over_a_bad_line(example: &Example, edition: Edition, demo: &str) {
    let line = Line::start(demo, Fault::Losing).await;
    let run = example.run(&line.url, "TIMEOUT").await;
    assert!(run.succeeded, "{run}");
    let numbers = line.refund_numbers();
    assert!(
        numbers.iter().all(|number| *number == numbers[0]),
        "{numbers:?}"
    );
    let told = format!("refund {} success {}", numbers[0], edition.refunded);
    assert_eq!(run.last_line(), told, "{run}");
    for said in ["结果不明", ": 20041 ", r#""status": "progress""#] {
        let said_it = run.said.replace("\":\"", "\": \"").contains(said);
        assert!(said_it, "{said}: {run}");
    }

    // The server's own state, asked for in the single edition, whose amounts are fen.
    let requests = line.seen.requests.lock().unwrap().clone();
    let recorded = requests[0].1["bizOrderNo"].clone();
    let refund = json!({"bizRefundNo": numbers[0]});
    let refund = line.seen.ask("/unipay/query/refundOrder", refund).await;
    assert_eq!(
        (&refund["data"]["amount"], &refund["data"]["status"]),
        (&json!(250), &json!("success")),
        "{refund}"
    );
    let order = json!({"bizOrderNo": recorded});
    let order = line.seen.ask("/unipay/query/payOrder", order).await;
    assert_eq!(order["data"]["refundableBalance"], 750, "{order}");
}

async fn believes_no_forged_answer(example: &Example, demo: &str) {
    let line = Line::start(demo, Fault::Forging).await;
    let run = example.run(&line.url, "OK").await;
    assert!(
        !run.succeeded && run.complained.contains("验签失败"),
        "{run}"
    );
    assert!(run.last_line().starts_with("refund: 0"), "{run}");
}

async fn verifies_the_contracts_vector(example: &Example, edition: Edition, demo: &str) {
    let vector = match edition.is_open {
        true => OPEN_VECTOR,
        false => SINGLE_VECTOR,
    };
    let run = example
        .run(&Line::start(demo, Fault::Stuck(vector)).await.url, "OK")
        .await;
    if edition.is_open {
        assert!(run.succeeded, "{run}");
        assert_eq!(run.last_line(), "refund b1 success 1", "{run}");
    } else {
        assert!(!run.succeeded && run.complained.contains("未受理"), "{run}");
        assert!(run.last_line().starts_with("order/record: 1 "), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_refund_once_and_believe_signatures_only() {
    let demo = Demo::start(&["--sbx-timeout", "50ms"]);
    join_all(languages().map(async |language| {
        for edition in EDITIONS {
            let example = Example::new(language, edition.task).await;
            refunds_once_over_a_bad_line(&example, edition, &demo.base).await;
            believes_no_forged_answer(&example, &demo.base).await;
            verifies_the_contracts_vector(&example, edition, &demo.base).await;
        }
    }))
    .await;
}

/// A receiver of notices that runs an example.
struct Receiver {
    who: &'static str,
    url: String,
    lines: UnboundedReceiver<String>,
    _server: Option<Child>,
}

impl Receiver {
    async fn start(example: Arc<Example>) -> Receiver {
        let (sender, lines) = unbounded_channel();
        let mut receiver = Receiver {
            who: example.language.name,
            url: String::new(),
            lines,
            _server: None,
        };
        if example.language.ending == SHELL.ending {
            let cgi = Router::new().fallback(cgi).with_state((example, sender));
            receiver.url = serve(cgi).await;
            return receiver;
        }
        let mut command = example.command();
        if example.language.ending == PHP.ending {
            command = {
                let mut php = Command::new("php");
                php.args(["-S", "127.0.0.1:0"]).arg(&example.command[1]);
                php.env("UNIPAY_HANDLED", example.folder.path().join("handled"));
                php.kill_on_drop(true);
                php
            };
        } else {
            command.arg("0");
        }
        let spawned = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut server = spawned.unwrap();
        follow(server.stdout.take().unwrap(), sender.clone());
        follow(server.stderr.take().unwrap(), sender);
        receiver._server = Some(server);
        let line = receiver.line("127.0.0.1:").await;
        let (_, port) = line.split_once("127.0.0.1:").unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        receiver.url = format!("http://127.0.0.1:{port}");
        receiver
    }

    /// Waits for a line that contains `part`.
    async fn line(&mut self, part: &str) -> String {
        let mut before = Vec::new();
        while let Some(line) = self.lines.recv().await {
            if line.contains(part) {
                return line;
            }
            before.push(line);
        }
        panic!("{} ended without {part:?}: {before:#?}", self.who);
    }
}

/// Sends each line of a stream.
fn follow(stream: impl AsyncRead + Unpin + Send + 'static, lines: UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut stream = BufReader::new(stream).lines();
        while let Ok(Some(line)) = stream.next_line().await {
            let _ = lines.send(line);
        }
    });
}

/// Serves a request with a CGI program.
async fn cgi(
    State((example, lines)): State<(Arc<Example>, UnboundedSender<String>)>,
    body: String,
) -> Response {
    let mut command = example.command();
    let command = command
        .env("REQUEST_METHOD", "POST")
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    let mut stdin = program.stdin.take().unwrap();
    // The program may end before it has read the body, where it refuses the length.
    let _ = stdin.write_all(body.as_bytes()).await;
    drop(stdin);
    let output = program.wait_with_output().await.unwrap();
    for line in text(&output.stderr).lines() {
        let _ = lines.send(line.to_owned());
    }
    let said = text(&output.stdout);
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap();
    let status = StatusCode::from_bytes(&status.as_bytes()[..3]).unwrap();
    (status, HeaderMap::new(), body.to_owned()).into_response()
}

/// Returns bodies that nobody with the secret has signed, made of one that somebody has.
fn forgeries(body: &str, edition: Edition) -> Vec<String> {
    let amount = format!("\"amount\":{}", edition.refunded);
    let other = |amount: &str| body.replace(&format!("\"amount\":{}", edition.refunded), amount);
    let sign = serde_json::from_str::<Value>(body).unwrap()["sign"].clone();
    let forged = vec![
        other("\"amount\":9"),
        other(&format!("\"amount\":9,\"AMOUNT\":{}", edition.refunded)),
        other(&format!("{amount},\"more\":1")),
        body.replace("\"success\"", "\"fail\""),
        body.replace("\"sign\":", "\"signature\":"),
        body.replace(&sign.to_string(), "\"\""),
        body.replace(&sign.to_string(), "null"),
    ];
    assert!(forged.iter().all(|forged| forged != body));
    let nonsense = [
        "",
        "{}",
        "[]",
        "null",
        "\"SUCCESS\"",
        "{\"resTime\":",
        "a=b",
    ];
    forged
        .into_iter()
        .chain(nonsense.map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receivers_take_each_notice_once_and_refuse_forged_ones() {
    join_all(languages().map(async |language| {
        let example = Arc::new(Example::new(language, "notice").await);
        let mut receiver = Receiver::start(example).await;
        for edition in EDITIONS {
            is_told_of_a_refund(&mut receiver, edition).await;
        }
    }))
    .await;
}

async fn is_told_of_a_refund(receiver: &mut Receiver, edition: Edition) {
    let test = TestApp::start_with(config(&["--private-notify=true"]), Clock::System).await;
    let who = receiver.who;
    let order = test.order(&unique("SBX-OK-")).await;
    let number = unique("R");
    // PHP has no upper case beyond ASCII unless a package adds it.
    let accented = if who == PHP.name { "" } else { "é ß" };
    // Texts with all that the signed text treats in its own way.
    let mut fields = json!({
        "bizOrderNo": order, "bizRefundNo": number, "reason": format!("凉了\u{a0}\u{2009}\u{200b}\"{accented}\" \\"),
        "attach": "{\"n\": 1.50}\n\t", "notifyUrl": receiver.url,
    });
    let answer = if edition.is_open {
        fields["amount"] = json!(2.5);
        test.open("/unipay/refund", fields).await
    } else {
        fields["amount"] = json!(250);
        test.single("/unipay/refund", fields).await
    };
    assert_eq!(answer.data()["status"], "success", "{}", answer.text);
    let refund_no = answer.data()["refundNo"].as_str().unwrap().to_owned();

    assert_eq!(notices::send_due(&test.ctx, "DEMO").await.unwrap(), 1);
    let all = notices::of_refund(&test.ctx, "DEMO", &refund_no).await;
    let (notice, attempts) = notices::find(&test.ctx, &all.unwrap()[0].key)
        .await
        .unwrap();
    assert_eq!(notice.state, NoticeState::Delivered, "{who}: {attempts:#?}");
    let told = format!("{refund_no} {number} success {}", edition.refunded);
    receiver.line(&format!("notice {told}")).await;

    let body = &attempts[0].request;
    for forged in forgeries(body, edition) {
        let (status, said) = post(&test, &receiver.url, &forged).await;
        assert_eq!(
            status,
            StatusCode::BAD_REQUEST,
            "{who}: {said:?} to {forged}"
        );
        assert!(!said.contains("SUCCESS"), "{who}: {forged}");
        receiver.line("refused").await;
    }
    let repeated = post(&test, &receiver.url, body).await;
    assert_eq!(repeated, (StatusCode::OK, "SUCCESS".to_owned()), "{who}");
    receiver.line(&format!("repeat {told}")).await;
}

async fn post(test: &TestApp, url: &str, body: &str) -> (StatusCode, String) {
    let sent = test.http.post(url).body(body.to_owned()).send().await;
    let answer = sent.unwrap();
    (answer.status(), answer.text().await.unwrap())
}
