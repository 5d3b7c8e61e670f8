//! The sandbox channel: moves no money, keeps its own book, and does what the beginning of an
//! order's channel number tells it to, from success to silence.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;

use super::{Answer, Callback, CallbackReply, Gate, OrderFinding};
use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, Method, NewOrder, Order, OrderKey, OrderStatus};
use crate::domain::refund::{Finding, Refund};
use crate::domain::time::Millis;
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::store;
use crate::server::store::sandbox::BookRow;

/// The header that carries a callback's signature: hex HMAC-SHA-256 of the body, keyed with the
/// app's secret.
pub const SIGNATURE_HEADER: &str = "sandbox-signature";

/// How a refund of an order behaves: the beginning of the order's channel number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Ok,
    Async { callback: bool },
    Fail,
    LateFail,
    Closed,
    Timeout,
    Lost,
    Flaky,
    Absent,
}

impl Behaviour {
    /// Numbers with no beginning of the table behave like `SBX-OK-`.
    fn of(out_order_no: &str) -> Behaviour {
        let word = out_order_no
            .strip_prefix("SBX-")
            .and_then(|rest| rest.split_once('-'))
            .map(|(word, _)| word);
        match word {
            Some("ASYNC") => Behaviour::Async {
                callback: !out_order_no.contains("NOCB"),
            },
            Some("FAIL") => Behaviour::Fail,
            Some("LATEFAIL") => Behaviour::LateFail,
            Some("CLOSED") => Behaviour::Closed,
            Some("TIMEOUT") => Behaviour::Timeout,
            Some("LOST") => Behaviour::Lost,
            Some("FLAKY") => Behaviour::Flaky,
            Some("ABSENT") => Behaviour::Absent,
            _ => Behaviour::Ok,
        }
    }

    /// Whether submission number `n` of a refund reaches the channel.
    fn arrives(self, n: i64) -> bool {
        match self {
            Behaviour::Lost => n > 1,
            Behaviour::Flaky => n % 2 == 0,
            _ => true,
        }
    }

    /// What becomes of a refund that arrived.
    fn outcome(self) -> &'static str {
        match self {
            Behaviour::Ok
            | Behaviour::Async { .. }
            | Behaviour::Timeout
            | Behaviour::Lost
            | Behaviour::Flaky => SUCCESS,
            Behaviour::Fail | Behaviour::LateFail => FAIL,
            Behaviour::Closed => CLOSE,
            Behaviour::Absent => UNSEEN,
        }
    }

    fn is_late(self) -> bool {
        matches!(
            self,
            Behaviour::Async { .. } | Behaviour::LateFail | Behaviour::Closed
        )
    }
}

const SUCCESS: &str = "success";
const FAIL: &str = "fail";
const CLOSE: &str = "close";
const UNSEEN: &str = "unseen";

/// The body of a callback.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallbackBody {
    refund_no: String,
    amount: i64,
    status: String,
    out_refund_no: String,
}

/// What the book shows of a refund to whoever counts the money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookEntry {
    pub refund_no: String,
    /// In fen.
    pub amount: i64,
    pub status: &'static str,
    /// How often money moved.
    pub moved: i64,
}

/// The sandbox.
pub struct Sandbox {
    db: Db,
    clock: Clock,
    delay: Duration,
    timeout: Duration,
    /// Where callbacks go: known once the server listens.
    callback_base: OnceLock<String>,
    http: reqwest::Client,
}

impl Sandbox {
    /// A sandbox that keeps its book in `db`.
    pub fn new(config: &Config, db: Db, clock: Clock) -> Sandbox {
        let millis = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build();
        Sandbox {
            db,
            clock,
            delay: millis(config.sbx_delay_ms),
            timeout: millis(config.sbx_timeout_ms),
            callback_base: OnceLock::new(),
            http: http.expect("a client without special settings can be built"),
        }
    }

    /// Tells the sandbox where its callbacks go (`http://127.0.0.1:3000`). The first word counts.
    pub fn call_back_to(&self, base_url: &str) {
        let _ = self
            .callback_base
            .set(base_url.trim_end_matches('/').to_owned());
    }

    /// What the book says of a refund number. `None`: nothing, as far as the channel knows.
    pub async fn book(&self, refund_no: &str) -> Result<Option<BookEntry>> {
        let mut conn = self.db.read().await?;
        let row = store::sandbox::get(&mut conn, refund_no).await?;
        Ok(row.and_then(|row| self.visible(&row)))
    }

    fn visible(&self, row: &BookRow) -> Option<BookEntry> {
        let due = self.clock.now() >= row.settles_at;
        let (status, moved) = match row.outcome.as_str() {
            UNSEEN => return None,
            _ if !due => ("progress", 0),
            SUCCESS => ("success", row.moved),
            FAIL => ("fail", 0),
            _ => ("close", 0),
        };
        Some(BookEntry {
            refund_no: row.refund_no.clone(),
            amount: row.amount.0,
            status,
            moved,
        })
    }

    /// Enters a submission in the book. The same number again is the same refund: money that has
    /// moved does not move again, and only a refund that failed starts over.
    async fn submit(
        &self,
        app_id: &str,
        out_order_no: &str,
        channel_no: &str,
        amount: Fen,
    ) -> Result<BookRow> {
        let behaviour = Behaviour::of(out_order_no);
        let now = self.clock.now();
        let settles_at = if behaviour.is_late() {
            now.plus_ms(self.delay.as_millis() as i64)
        } else {
            now
        };
        let first = BookRow {
            refund_no: channel_no.to_owned(),
            app_id: app_id.to_owned(),
            out_order_no: out_order_no.to_owned(),
            amount,
            outcome: if behaviour.arrives(1) {
                behaviour.outcome()
            } else {
                UNSEEN
            }
            .to_owned(),
            settles_at,
            submissions: 1,
            moved: i64::from(behaviour.arrives(1) && behaviour.outcome() == SUCCESS),
        };
        self.db
            .write(move |conn| {
                let first = first.clone();
                Box::pin(async move {
                    if store::sandbox::insert(conn, &first).await? {
                        return Ok(first);
                    }
                    let known = store::sandbox::get(conn, &first.refund_no).await?;
                    let mut row = known.ok_or(sqlx::Error::RowNotFound)?;
                    row.submissions += 1;
                    let starts_over = row.outcome == UNSEEN || row.outcome == FAIL;
                    if starts_over && behaviour.arrives(row.submissions) {
                        row.outcome = behaviour.outcome().to_owned();
                        row.settles_at = settles_at;
                        row.moved += i64::from(behaviour.outcome() == SUCCESS);
                    }
                    store::sandbox::update(conn, &row).await?;
                    Ok(row)
                })
            })
            .await
    }

    /// Sends the signed callback once the delay is over.
    fn call_back_later(&self, app: &MerchantApp, row: &BookRow) {
        let Some(base) = self.callback_base.get() else {
            return;
        };
        let url = format!("{base}/unipay/callback/{}/sandbox", app.app_id);
        let body = CallbackBody {
            refund_no: row.refund_no.clone(),
            amount: row.amount.0,
            status: row.outcome.clone(),
            out_refund_no: out_refund_no(&row.refund_no),
        };
        let body = serde_json::to_vec(&body).expect("plain strings and numbers are JSON");
        let signature = signature(app, &body);
        let (http, delay) = (self.http.clone(), self.delay);
        // Not tracked: a stop does not wait for what the channel would still say. Sync asks for it.
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let sent = http
                .post(&url)
                .header(SIGNATURE_HEADER, signature)
                .body(body)
                .send()
                .await;
            if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
                tracing::warn!(%error, "a sandbox callback did not arrive");
            }
        });
    }
}

impl Gate for Sandbox {
    fn refund<'a>(
        &'a self,
        app: &'a MerchantApp,
        order: &'a Order,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Answer<Finding>> {
        Box::pin(async move {
            let out_order_no = order.out_order_no.as_deref().unwrap_or_default();
            let behaviour = Behaviour::of(out_order_no);
            let row = match self
                .submit(&app.app_id, out_order_no, &refund.channel_no, refund.amount)
                .await
            {
                Ok(row) => row,
                Err(error) => {
                    return unknown(format!("the sandbox's book cannot be written: {error}"));
                }
            };
            if !behaviour.arrives(row.submissions) || behaviour == Behaviour::Timeout {
                if behaviour == Behaviour::Flaky {
                    return unknown("connection reset by the sandbox".to_owned());
                }
                tokio::time::sleep(self.timeout).await;
                return unknown("the sandbox did not answer in time".to_owned());
            }
            if behaviour == (Behaviour::Async { callback: true }) {
                self.call_back_later(app, &row);
            }
            match self.visible(&row) {
                Some(entry) => finding(&row, &entry),
                None => Answer {
                    finding: Finding::Accepted {
                        out_refund_no: None,
                    },
                    said: json!({"refundNo": row.refund_no, "status": "progress"}).to_string(),
                },
            }
        })
    }

    fn query_refund<'a>(
        &'a self,
        _: &'a MerchantApp,
        _: &'a Order,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Answer<Finding>> {
        Box::pin(async move {
            let found = async {
                let mut conn = self.db.read().await?;
                Ok::<_, crate::server::error::Error>(
                    store::sandbox::get(&mut conn, &refund.channel_no).await?,
                )
            };
            match found.await {
                Ok(row) => match row.as_ref().and_then(|row| Some((row, self.visible(row)?))) {
                    Some((row, entry)) => finding(row, &entry),
                    None => Answer {
                        finding: Finding::NotFound,
                        said: json!({"refundNo": refund.channel_no, "status": "not_found"})
                            .to_string(),
                    },
                },
                Err(error) => unknown(format!("the sandbox's book cannot be read: {error}")),
            }
        })
    }

    /// The sandbox takes no payments. It confirms the orders we know, says that a waiting one has
    /// been paid meanwhile, and vouches for any other number of its own form (`SBX-…`) with 100 yuan.
    fn query_order<'a>(
        &'a self,
        _: &'a MerchantApp,
        key: &'a OrderKey,
        known: Option<&'a Order>,
    ) -> BoxFuture<'a, Answer<OrderFinding>> {
        Box::pin(async move {
            let number = known
                .and_then(|order| order.out_order_no.as_deref())
                .unwrap_or(key.number());
            if !number.starts_with("SBX-") {
                let said = json!({"number": number, "status": "not_found"}).to_string();
                return Answer {
                    finding: OrderFinding::NotFound,
                    said,
                };
            }
            let status = match known.map(|order| order.status) {
                None | Some(OrderStatus::Wait | OrderStatus::Progress) => OrderStatus::Success,
                Some(status) => status,
            };
            let details = NewOrder {
                order_no: None,
                biz_order_no: known.map_or(number, |order| &order.biz_order_no).to_owned(),
                out_order_no: Some(number.to_owned()),
                channel: Channel::Sandbox,
                method: Some(Method::QrCode),
                title: known.map_or("沙箱订单", |order| &order.title).to_owned(),
                amount: known.map_or(Fen(10_000), |order| order.amount),
                status,
                pay_time: known
                    .and_then(|order| order.pay_time)
                    .or(Some(self.clock.now())),
                attach: None,
            };
            let said = json!({"outOrderNo": number, "amount": details.amount, "status": status})
                .to_string();
            Answer {
                finding: OrderFinding::Known {
                    status,
                    details: Box::new(details),
                },
                said,
            }
        })
    }

    fn read_callback(
        &self,
        app: &MerchantApp,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal> {
        let given = headers
            .get(SIGNATURE_HEADER)
            .and_then(|text| hex::decode(text).ok());
        let mut mac = mac(app);
        mac.update(body);
        mac.verify_slice(&given.unwrap_or_default())
            .map_err(|_| Refusal::BadSignature)?;
        let body: CallbackBody =
            serde_json::from_slice(body).map_err(|error| Refusal::Unreadable {
                why: error.to_string(),
            })?;
        let finding = match body.status.as_str() {
            SUCCESS => Finding::Success {
                out_refund_no: Some(body.out_refund_no),
                at: None,
            },
            FAIL => Finding::Fail {
                code: "SBX_FAIL".to_owned(),
                msg: "沙箱拒绝了这笔退款".to_owned(),
            },
            CLOSE => Finding::Close {
                msg: "沙箱关闭了这笔退款".to_owned(),
            },
            other => {
                return Err(Refusal::Unreadable {
                    why: format!("status {other:?}"),
                });
            }
        };
        Ok(Callback {
            channel_no: body.refund_no,
            amount: Fen(body.amount),
            finding,
        })
    }

    fn reply(&self, taken: bool) -> CallbackReply {
        let (status, body) = if taken {
            (200, "success")
        } else {
            (400, "fail")
        };
        CallbackReply {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.to_owned(),
        }
    }

    fn visibility_delay(&self) -> Duration {
        Duration::ZERO
    }
}

/// The number that the sandbox gives a refund of ours.
fn out_refund_no(channel_no: &str) -> String {
    format!("SBXR-{channel_no}")
}

fn unknown(why: String) -> Answer<Finding> {
    Answer {
        said: why.clone(),
        finding: Finding::Unknown { why },
    }
}

fn finding(row: &BookRow, entry: &BookEntry) -> Answer<Finding> {
    let out_refund_no = Some(out_refund_no(&row.refund_no));
    let finding = match entry.status {
        "success" => Finding::Success {
            out_refund_no,
            at: Some(Millis(row.settles_at.0)),
        },
        "fail" => Finding::Fail {
            code: "SBX_FAIL".to_owned(),
            msg: "沙箱拒绝了这笔退款".to_owned(),
        },
        "close" => Finding::Close {
            msg: "沙箱关闭了这笔退款".to_owned(),
        },
        _ => Finding::Accepted { out_refund_no },
    };
    let said = serde_json::to_string(entry).expect("plain strings and numbers are JSON");
    Answer { finding, said }
}

fn mac(app: &MerchantApp) -> Hmac<Sha256> {
    Hmac::new_from_slice(app.secret.as_bytes()).expect("HMAC takes keys of any length")
}

fn signature(app: &MerchantApp, body: &[u8]) -> String {
    let mut mac = mac(app);
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
