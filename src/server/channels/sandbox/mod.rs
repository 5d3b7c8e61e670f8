//! The sandbox: replaces the channel of every account in test mode. It moves no money and keeps its own ledger. The
//! beginning of an order's channel number decides how it behaves, from success to no answer at all.

pub mod faults;
pub mod ledger;

pub use ledger::LedgerEntry;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::domain::UnknownName;
use crate::domain::account::ChannelAccount;
use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::Refusal;
use crate::domain::money::Fen;
use crate::domain::order::{Method, NewOrder, Order, OrderKey, OrderStatus};
use crate::domain::refund::{Outcome, Statement, Submission};
use crate::server::channels::adapter::{
    Callback, CallbackContent, CallbackReply, ChannelAdapter, OrderOutcome, RefundTerms, Reply,
    SubmissionPolicy,
};
use crate::server::channels::sandbox::faults::{FaultMode, Faults, FaultsReport, SLOW};
use crate::server::channels::sandbox::ledger::{CallbackBody, Delivery, Params};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Conflict, Error, Result};
use crate::server::recent::Recent;
use crate::server::store::sandbox::LedgerRow;
use crate::server::{audit, store};

/// The header that carries a callback's signature: hex HMAC-SHA-256 of the body, keyed with the
/// account's secrets.
pub const SIGNATURE_HEADER: &str = "sandbox-signature";

/// The settings of the sandbox.
#[derive(Clone, Copy, Debug)]
pub struct SandboxSettings {
    /// Time from accepting a refund to settling it, in milliseconds.
    pub delay_ms: i64,
    /// Duration of a time-out, in milliseconds.
    pub timeout_ms: i64,
}

/// The sandbox.
pub struct Sandbox {
    db: Db,
    clock: Clock,
    delay_ms: i64,
    timeout: Duration,
    /// Base of the callbacks' addresses. Set once the server listens.
    callback_base: OnceLock<String>,
    http: reqwest::Client,
    /// The accounts whose line has faults, as of a moment ago.
    faulty: Recent<Arc<[String]>>,
}

impl Sandbox {
    /// Makes a sandbox that keeps its ledger in `db`.
    pub fn new(settings: SandboxSettings, db: Db, clock: Clock) -> Sandbox {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build();
        let faulty = {
            let db = db.clone();
            Recent::new(clock.clone(), move || read_faulty(db.clone()).boxed())
        };
        Sandbox {
            db,
            clock,
            delay_ms: settings.delay_ms,
            timeout: millis(settings.timeout_ms),
            callback_base: OnceLock::new(),
            http: http.expect("a client without special settings can be built"),
            faulty,
        }
    }

    /// Sets the base of the callbacks' addresses (`http://127.0.0.1:3000`). Only the first call has an effect.
    pub fn call_back_to(&self, base_url: &str) {
        let _ = self
            .callback_base
            .set(base_url.trim_end_matches('/').to_owned());
    }

    /// Returns the ledger's entry of a refund number. `None`: the channel does not know the number.
    pub async fn book(&self, refund_no: &str) -> Result<Option<LedgerEntry>> {
        let mut conn = self.db.read().await?;
        let row = store::sandbox::get(&mut conn, refund_no).await?;
        Ok(row.and_then(|row| ledger::visible(&row, self.clock.now())))
    }

    /// Returns the faults of an account's line.
    pub async fn faults(&self, account_id: &str) -> Result<FaultsReport> {
        let mut conn = self.db.read().await?;
        report(store::sandbox::faults(&mut conn, account_id).await?)
    }

    /// Changes the faults of an account's line. Another node may notice up to [`recent::KEPT_MS`] later.
    ///
    /// [`recent::KEPT_MS`]: crate::server::recent::KEPT_MS
    pub async fn change_faults(
        &self,
        account_id: &str,
        faults: Faults,
        origin: impl Into<Origin>,
    ) -> Result<()> {
        let (account_id, origin, now) = (account_id.to_owned(), origin.into(), self.clock.now());
        let changed = self
            .db
            .write((account_id, origin), move |conn, (account_id, origin)| {
                Box::pin(async move {
                    let before = report(store::sandbox::faults(conn, &account_id).await?)?;
                    store::sandbox::put_faults(conn, &account_id, faults.as_str()).await?;
                    let subject = (SubjectKind::Account, account_id.as_str());
                    let act = Act::new(now, &origin, Action::SandboxFaultsSet, subject)
                        .from(json!({"faults": before.faults}))
                        .to(json!({"faults": faults}));
                    audit::record(conn, &act).await
                })
            })
            .await;
        self.faulty.forget();
        changed
    }

    /// Counts a call of an account, and returns the faults that it meets. Without faults nothing is counted.
    async fn meet_faults(&self, account_id: &str) -> Result<FaultsReport> {
        if !self.faulty.get().await?.iter().any(|id| id == account_id) {
            return report(None);
        }
        let account_id = account_id.to_owned();
        self.db
            .write(account_id, move |conn, account_id| {
                Box::pin(async move {
                    store::sandbox::count_call(conn, &account_id).await?;
                    report(store::sandbox::faults(conn, &account_id).await?)
                })
            })
            .await
    }

    /// Makes a call under an account's faults, and returns the answer that gets through.
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

    /// Enters a submission in the ledger.
    async fn enter(&self, account_id: &str, params: Params) -> Result<LedgerRow> {
        let (now, delay_ms) = (self.clock.now(), self.delay_ms);
        let account_id = account_id.to_owned();
        self.db
            .write((account_id, params), move |conn, (account_id, params)| {
                Box::pin(async move {
                    let first = ledger::enter(None, &account_id, &params, now, delay_ms);
                    if store::sandbox::insert(conn, &first).await? {
                        return Ok(first);
                    }
                    let known = store::sandbox::get(conn, &params.refund_no).await?;
                    let again = ledger::enter(known, &account_id, &params, now, delay_ms);
                    if !store::sandbox::update(conn, &again).await? {
                        return Err(Conflict.into());
                    }
                    Ok(again)
                })
            })
            .await
    }

    /// Sends the signed callback after a delay, unless the line is silent by then.
    fn call_back_later(
        &self,
        account: &ChannelAccount,
        order: &Order,
        row: &LedgerRow,
        delay: Duration,
    ) {
        let Some(base) = self.callback_base.get() else {
            return;
        };
        let url = format!(
            "{base}/unipay/callback/{}/{}/{}",
            order.app_id, account.channel, account.account_id
        );
        let body = CallbackBody::of(row).to_json().into_bytes();
        let signature = signature(account, &body);
        let (http, db) = (self.http.clone(), self.db.clone());
        let account_id = account.account_id.clone();
        // Not tracked: a stop does not wait for the channel's callbacks. Sync asks for what they would have said.
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if is_silent(&db, &account_id).await {
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

#[async_trait]
impl ChannelAdapter for Sandbox {
    fn params(&self, _: &ChannelAccount, terms: RefundTerms<'_>) -> String {
        Params::of(terms).to_json()
    }

    async fn submit(
        &self,
        account: &ChannelAccount,
        order: &Order,
        submission: &Submission,
    ) -> Reply<Statement> {
        let faults = self.meet_faults(&account.account_id).await;
        let callbacks = faults.clone();
        let call = async {
            let params = match serde_json::from_str(&submission.params) {
                Ok(params) => params,
                Err(error) => return unknown(format!("parameters of another channel: {error}")),
            };
            let row = match self.enter(&account.account_id, params).await {
                Ok(row) => row,
                Err(error) => {
                    return unknown(format!("the sandbox's book cannot be written: {error}"));
                }
            };
            let delays = callbacks.map(|met| met.callbacks(&row, millis(self.delay_ms)));
            for delay in delays.unwrap_or_default() {
                self.call_back_later(account, order, &row, delay);
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
    }

    async fn query(
        &self,
        account: &ChannelAccount,
        _: &Order,
        submission: &Submission,
    ) -> Reply<Statement> {
        let found = async {
            let mut conn = self.db.read().await?;
            Ok::<_, crate::server::error::Error>(
                store::sandbox::get(&mut conn, &submission.channel_no).await?,
            )
        };
        let call = async {
            match found.await {
                Ok(row) => ledger::answer_when_asked(
                    row.as_ref(),
                    &submission.channel_no,
                    self.clock.now(),
                ),
                Err(error) => unknown(format!("the sandbox's book cannot be read: {error}")),
            }
        };
        let faults = self.meet_faults(&account.account_id).await;
        self.through(faults, call, unknown).await
    }

    /// Answers for orders, although the sandbox takes no payments: it confirms the orders that we know, reports a
    /// waiting one as paid, and knows any other number of its own form (`SBX-…`) as an order of 100 yuan.
    async fn query_order(
        &self,
        account: &ChannelAccount,
        key: &OrderKey,
        known: Option<&Order>,
    ) -> Reply<OrderOutcome> {
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
            channel: account.channel,
            method: Some(Method::QrCode),
            title: known.map_or("沙箱订单", |order| &order.title).to_owned(),
            amount: known.map_or(Fen(10_000), |order| order.amount),
            status,
            pay_time: known
                .and_then(|order| order.pay_time)
                .or(Some(self.clock.now())),
            attach: None,
        };
        let said =
            json!({"outOrderNo": number, "amount": details.amount, "status": status}).to_string();
        Reply {
            outcome: OrderOutcome::Known {
                status,
                details: Box::new(details),
            },
            raw: said,
        }
    }

    async fn read_callback(
        &self,
        account: &ChannelAccount,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal> {
        let given = headers
            .get(SIGNATURE_HEADER)
            .and_then(|text| hex::decode(text).ok());
        let mut mac = mac(account);
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
            content: CallbackContent::Statement(Statement {
                outcome,
                amount: Some(Fen(body.amount)),
            }),
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

    fn policy(&self) -> SubmissionPolicy {
        SubmissionPolicy {
            visibility_delay: Duration::ZERO,
            repeats_unknown: true,
            new_number_after_failure: false,
            spacing: Duration::ZERO,
        }
    }
}

async fn read_faulty(db: Db) -> Result<Arc<[String]>> {
    let mut conn = db.read().await?;
    let fine = Faults::Fine.as_str();
    Ok(store::sandbox::faulty(&mut conn, fine).await?.into())
}

fn report(row: Option<(String, i64)>) -> Result<FaultsReport> {
    let (word, calls) = row.unwrap_or_else(|| (Faults::Fine.as_str().to_owned(), 0));
    let faults = word.parse();
    let faults = faults.map_err(|error: UnknownName| Error::internal(error.to_string()))?;
    Ok(FaultsReport { faults, calls })
}

async fn is_silent(db: &Db, account_id: &str) -> bool {
    let faults = async {
        let mut conn = db.read().await?;
        report(store::sandbox::faults(&mut conn, account_id).await?)
    };
    matches!(faults.await, Ok(now) if now.faults == Faults::Silent)
}

fn unknown(why: String) -> Reply<Statement> {
    Reply {
        raw: why.clone(),
        outcome: Outcome::Unknown { why }.into(),
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn mac(account: &ChannelAccount) -> Hmac<Sha256> {
    Hmac::new_from_slice(account.secrets.reveal().as_bytes())
        .expect("HMAC takes keys of any length")
}

fn signature(account: &ChannelAccount, body: &[u8]) -> String {
    let mut mac = mac(account);
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
