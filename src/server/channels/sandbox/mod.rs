//! The sandbox channel: moves no money, keeps its own book, and does what the beginning of an
//! order's channel number tells it to, from success to silence.

pub mod faults;
pub mod ledger;

pub use ledger::LedgerEntry;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::domain::UnknownName;
use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, Method, NewOrder, Order, OrderKey, OrderStatus};
use crate::domain::refund::{Outcome, Refund};
use crate::server::channels::sandbox::faults::{FaultMode, Faults, FaultsReport, SLOW};
use crate::server::channels::sandbox::ledger::{CallbackBody, Delivery, Submission};
use crate::server::channels::{Callback, CallbackReply, ChannelAdapter, OrderOutcome, Reply};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Conflict, Error, Result};
use crate::server::store;
use crate::server::store::sandbox::LedgerRow;

/// The header that carries a callback's signature: hex HMAC-SHA-256 of the body, keyed with the
/// app's secret.
pub const SIGNATURE_HEADER: &str = "sandbox-signature";

/// The settings of the sandbox.
#[derive(Clone, Copy, Debug)]
pub struct SandboxSettings {
    /// Time until it settles what it accepted.
    pub delay_ms: i64,
    /// Length of a time-out.
    pub timeout_ms: i64,
}

/// The sandbox.
pub struct Sandbox {
    db: Db,
    clock: Clock,
    delay_ms: i64,
    timeout: Duration,
    /// Where callbacks go: known once the server listens.
    callback_base: OnceLock<String>,
    http: reqwest::Client,
}

impl Sandbox {
    /// A sandbox that keeps its book in `db`.
    pub fn new(settings: SandboxSettings, db: Db, clock: Clock) -> Sandbox {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build();
        Sandbox {
            db,
            clock,
            delay_ms: settings.delay_ms,
            timeout: millis(settings.timeout_ms),
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
    pub async fn book(&self, refund_no: &str) -> Result<Option<LedgerEntry>> {
        let mut conn = self.db.read().await?;
        let row = store::sandbox::get(&mut conn, refund_no).await?;
        Ok(row.and_then(|row| ledger::visible(&row, self.clock.now())))
    }

    /// How an app's line is.
    pub async fn faults(&self, app_id: &str) -> Result<FaultsReport> {
        let mut conn = self.db.read().await?;
        report(store::sandbox::faults(&mut conn, app_id).await?)
    }

    /// Changes how an app's line is.
    pub async fn change_faults(&self, app_id: &str, faults: Faults) -> Result<()> {
        let app_id = app_id.to_owned();
        self.db
            .write(move |conn| {
                let app_id = app_id.clone();
                Box::pin(async move {
                    Ok(store::sandbox::put_faults(conn, &app_id, faults.as_str()).await?)
                })
            })
            .await
    }

    /// The faults that a call of an app meets. Counts the call, unless it is fine.
    async fn meet_faults(&self, app_id: &str) -> Result<FaultsReport> {
        let now = self.faults(app_id).await?;
        if now.faults == Faults::Fine {
            return Ok(now);
        }
        let app_id = app_id.to_owned();
        self.db
            .write(move |conn| {
                let app_id = app_id.clone();
                Box::pin(async move {
                    store::sandbox::count_call(conn, &app_id).await?;
                    report(store::sandbox::faults(conn, &app_id).await?)
                })
            })
            .await
    }

    /// What is heard of a call in this faults.
    async fn through<T>(
        &self,
        faults: Result<FaultsReport>,
        call: impl Future<Output = Reply<T>>,
        unknown: fn(String) -> Reply<T>,
    ) -> Reply<T> {
        let fate = match faults {
            Ok(faults) => faults.fate(),
            Err(error) => return unknown(format!("the sandbox's faults cannot be told: {error}")),
        };
        match fate {
            FaultMode::NoAnswer => {
                tokio::time::sleep(self.timeout).await;
                return unknown("the sandbox is silent".to_owned());
            }
            FaultMode::NeverArrives => {
                return unknown("connection refused by the sandbox".to_owned());
            }
            FaultMode::Through | FaultMode::Late | FaultMode::AnswerLost => {}
        }
        let answer = call.await;
        match fate {
            FaultMode::AnswerLost => return unknown("connection reset by the sandbox".to_owned()),
            FaultMode::Late => tokio::time::sleep(SLOW).await,
            FaultMode::Through | FaultMode::NeverArrives | FaultMode::NoAnswer => {}
        }
        answer
    }

    /// Enters a submission in the book.
    async fn submit(&self, submission: Submission) -> Result<LedgerRow> {
        let (now, delay_ms) = (self.clock.now(), self.delay_ms);
        self.db
            .write(move |conn| {
                let submission = submission.clone();
                Box::pin(async move {
                    let first = ledger::enter(None, &submission, now, delay_ms);
                    if store::sandbox::insert(conn, &first).await? {
                        return Ok(first);
                    }
                    let known = store::sandbox::get(conn, &submission.channel_no).await?;
                    let again = ledger::enter(known, &submission, now, delay_ms);
                    if !store::sandbox::update(conn, &again).await? {
                        return Err(Conflict.into());
                    }
                    Ok(again)
                })
            })
            .await
    }

    /// Sends the signed callback after a delay, unless the line is silent then.
    fn call_back_later(&self, app: &MerchantApp, row: &LedgerRow, delay: Duration) {
        let Some(base) = self.callback_base.get() else {
            return;
        };
        let url = format!("{base}/unipay/callback/{}/sandbox", app.app_id);
        let body = CallbackBody::of(row).to_json().into_bytes();
        let signature = signature(app, &body);
        let (http, db, app_id) = (self.http.clone(), self.db.clone(), app.app_id.clone());
        // Not tracked: a stop does not wait for what the channel would still say. Sync asks for it.
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if is_silent(&db, &app_id).await {
                return;
            }
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

impl ChannelAdapter for Sandbox {
    fn refund<'a>(
        &'a self,
        app: &'a MerchantApp,
        order: &'a Order,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Reply<Outcome>> {
        Box::pin(async move {
            let submission = Submission {
                app_id: app.app_id.clone(),
                out_order_no: order.out_order_no.clone().unwrap_or_default(),
                channel_no: refund.channel_no.clone(),
                amount: refund.amount,
            };
            let faults = self.meet_faults(&app.app_id).await;
            let callbacks = faults.clone();
            let call = async {
                let row = match self.submit(submission).await {
                    Ok(row) => row,
                    Err(error) => {
                        return unknown(format!("the sandbox's book cannot be written: {error}"));
                    }
                };
                let delays = callbacks.map(|met| met.callbacks(&row, millis(self.delay_ms)));
                for delay in delays.unwrap_or_default() {
                    self.call_back_later(app, &row, delay);
                }
                match ledger::heard(&row, self.clock.now()) {
                    Delivery::Answer(answer) => answer,
                    Delivery::Broken(why) => unknown(why.to_owned()),
                    Delivery::Nothing(why) => {
                        tokio::time::sleep(self.timeout).await;
                        unknown(why.to_owned())
                    }
                }
            };
            self.through(faults, call, unknown).await
        })
    }

    fn query_refund<'a>(
        &'a self,
        app: &'a MerchantApp,
        _: &'a Order,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Reply<Outcome>> {
        Box::pin(async move {
            let found = async {
                let mut conn = self.db.read().await?;
                Ok::<_, crate::server::error::Error>(
                    store::sandbox::get(&mut conn, &refund.channel_no).await?,
                )
            };
            let call = async {
                match found.await {
                    Ok(row) => ledger::answer_when_asked(
                        row.as_ref(),
                        &refund.channel_no,
                        self.clock.now(),
                    ),
                    Err(error) => unknown(format!("the sandbox's book cannot be read: {error}")),
                }
            };
            let faults = self.meet_faults(&app.app_id).await;
            self.through(faults, call, unknown).await
        })
    }

    /// The sandbox takes no payments. It confirms the orders we know, says that a waiting one has
    /// been paid meanwhile, and vouches for any other number of its own form (`SBX-…`) with 100 yuan.
    fn query_order<'a>(
        &'a self,
        _: &'a MerchantApp,
        key: &'a OrderKey,
        known: Option<&'a Order>,
    ) -> BoxFuture<'a, Reply<OrderOutcome>> {
        Box::pin(async move {
            let number = known
                .and_then(|order| order.out_order_no.as_deref())
                .unwrap_or(key.number());
            if !number.starts_with("SBX-") {
                let said = json!({"number": number, "status": "not_found"}).to_string();
                return Reply {
                    outcome: OrderOutcome::NotFound,
                    raw: said,
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
            Reply {
                outcome: OrderOutcome::Known {
                    status,
                    details: Box::new(details),
                },
                raw: said,
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
        let outcome = body.outcome()?;
        Ok(Callback {
            channel_no: body.refund_no,
            amount: Fen(body.amount),
            outcome,
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

fn report(row: Option<(String, i64)>) -> Result<FaultsReport> {
    let (word, calls) = row.unwrap_or_else(|| (Faults::Fine.as_str().to_owned(), 0));
    let faults = word.parse();
    let faults = faults.map_err(|error: UnknownName| Error::internal(error.to_string()))?;
    Ok(FaultsReport { faults, calls })
}

async fn is_silent(db: &Db, app_id: &str) -> bool {
    let faults = async {
        let mut conn = db.read().await?;
        report(store::sandbox::faults(&mut conn, app_id).await?)
    };
    matches!(faults.await, Ok(now) if now.faults == Faults::Silent)
}

fn unknown(why: String) -> Reply<Outcome> {
    Reply {
        raw: why.clone(),
        outcome: Outcome::Unknown { why },
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn mac(app: &MerchantApp) -> Hmac<Sha256> {
    Hmac::new_from_slice(app.secret.reveal().as_bytes()).expect("HMAC takes keys of any length")
}

fn signature(app: &MerchantApp, body: &[u8]) -> String {
    let mut mac = mac(app);
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
