//! The endpoints: each checks its fields, calls one use-case, and answers.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::audit::Origin;
use crate::domain::error::{Reason, Refusal};
use crate::domain::lang::Lang;
use crate::domain::merchant::Edition;
use crate::domain::order::{Channel, OrderKey};
use crate::domain::refund::{NewRefund, OutcomeKind, RefundKey};
use crate::server::channels::adapter::CallbackReply;
use crate::server::channels::sandbox::LedgerEntry;
use crate::server::channels::sandbox::faults::{FaultsChange, FaultsReport};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::gateway::answer::Answer;
use crate::server::gateway::authenticate;
use crate::server::gateway::authenticate::{SignedRequest, out_of_time};
use crate::server::gateway::schema::{OrderQueryIn, RecordIn, RefundIn, RefundKeyIn, SyncPayIn};
use crate::server::orders::OrderSync;
use crate::server::refunds::OnRepeat;
use crate::server::refunds::RefundSync;
use crate::server::{merchants, orders, refunds};
use crate::wire::data::{
    OpenSyncData, PayOrderData, RecordedData, RefundData, RefundOrderData, SingleOrderSyncData,
    SingleRefundSyncData, SingleSyncData, SyncData,
};
use crate::wire::field;
use crate::wire::request::one_needed;

/// 统一退款 · Unified refund
///
/// 受理退款。code 为 0 仅表示受理成功，结果见 status。同一 bizRefundNo 重复请求只退一笔，已失败的退款会以原退款号重新提交。
/// · Accepts a refund. Code 0 means accepted only; the outcome is status. The same bizRefundNo again is
/// the same refund; one that failed is submitted again under its own number.
#[utoipa::path(post, path = "/unipay/refund", tag = "unipay", request_body = RefundIn,
    responses((status = 200, body = Answer<RefundData, RefundData>)))]
pub async fn refund(asked: SignedRequest) -> Response {
    let answer = async {
        let given = asked.check(field::REFUND)?;
        let notify_url = given.text(&field::NOTIFY_URL);
        if notify_url
            .as_deref()
            .is_some_and(|url| !asked.ctx.outbound.may_reach(url))
        {
            let reason = Reason::PrivateAddress;
            return Err(Refusal::field(field::NOTIFY_URL.name, reason).into());
        }
        merchants::check_notify_url(&asked.merchant, notify_url.as_deref())?;
        let new = NewRefund {
            order: given
                .order_key()
                .ok_or_else(|| one_needed(field::ORDER_KEY))?,
            biz_refund_no: given.needed(&field::BIZ_REFUND_NO)?,
            amount: given.amount(&field::AMOUNT)?,
            reason: given.text(&field::REASON),
            attach: given.text(&field::ATTACH),
            notify_url,
            not_notify: given.flag(&field::NOT_NOTIFY),
            client_ip: given.text(&field::CLIENT_IP),
            edition: asked.edition,
            request: Some(asked.as_signed()?),
            expected_refundable: None,
        };
        let key = RefundKey::of_merchant(&new.biz_refund_no, new.edition);
        let issued = refunds::issue(
            &asked.ctx,
            &asked.merchant,
            new,
            OnRepeat::Retry,
            asked.origin.clone(),
        );
        let refund = match asked.with_time_limit(issued).await? {
            Some(refund) => refund,
            // The refund goes on without this request. Where it is stored already, its present state is the answer.
            None => match refunds::find(&asked.ctx, &asked.merchant, &key).await {
                Ok((refund, _)) => refund,
                Err(_) => return Err(out_of_time()),
            },
        };
        Ok(RefundData::of(&refund))
    };
    let outcome = answer.await;
    asked.answer(outcome)
}

/// 退款同步、支付订单同步 · Refund sync; payment-order sync
///
/// 传退款号时同步退款，否则同步支付订单；未登记的订单在通道查到后登记。 · Syncs the refund that is named, or else the
/// order; an order that is not known yet is recorded when a channel knows it.
#[utoipa::path(post, path = "/unipay/syncPay", tag = "unipay", request_body = SyncPayIn,
    responses((status = 200, body = Answer<OpenSyncData, SingleSyncData>)))]
pub async fn sync_pay(asked: SignedRequest) -> Response {
    let answer = async {
        let given = asked.check(field::SYNC_PAY)?;
        match (given.refund_key(), given.order_key()) {
            (Some(refund), _) => sync_of_refund(&asked, &refund).await,
            (None, Some(order)) => sync_of_order(&asked, &order).await,
            (None, None) => Err(one_needed(field::SYNC_PAY).into()),
        }
    };
    let outcome = answer.await;
    asked.answer(outcome)
}

/// 退款同步 · Refund sync
///
/// 向通道查询退款的真实状态并据此调整。 · Asks the channel for the refund's true state and settles ours
/// to it.
#[utoipa::path(post, path = "/unipay/sync/refund", tag = "unipay", request_body = RefundKeyIn,
    responses((status = 200, body = Answer<OpenSyncData, SingleRefundSyncData>)))]
pub async fn sync_refund(asked: SignedRequest) -> Response {
    let answer = async {
        let given = asked.check(field::REFUND_KEY)?;
        let key = given
            .refund_key()
            .ok_or_else(|| one_needed(field::REFUND_KEY))?;
        sync_of_refund(&asked, &key).await
    };
    let outcome = answer.await;
    asked.answer(outcome)
}

async fn sync_of_refund(asked: &SignedRequest, key: &RefundKey) -> Result<SyncData> {
    let sync = refunds::sync(&asked.ctx, &asked.merchant, key, asked.origin.clone());
    let sync = asked
        .with_time_limit(sync)
        .await?
        .ok_or(Refusal::SyncUnderWay)?;
    Ok(refund_synced(&sync, asked.wire().edition))
}

async fn sync_of_order(asked: &SignedRequest, key: &OrderKey) -> Result<SyncData> {
    let sync = orders::sync(&asked.ctx, &asked.merchant, key, asked.origin.clone());
    let sync = asked.with_time_limit(sync).await?.ok_or_else(out_of_time)?;
    Ok(order_synced(&sync, asked.wire().edition))
}

/// Returns an edition's answer about a refund's sync.
fn refund_synced(sync: &RefundSync, edition: Edition) -> SyncData {
    let refund = &sync.refund;
    match edition {
        Edition::Open => SyncData::Open(OpenSyncData {
            order_status: refund.status.as_str(),
            adjust: sync.changed,
        }),
        Edition::Single => SyncData::Single(SingleSyncData::Refund(SingleRefundSyncData {
            biz_refund_no: refund.biz_refund_no.clone(),
            refund_no: refund.refund_no.clone(),
            status: match sync.outcome {
                OutcomeKind::NotFound if !sync.submitted => "pay_not_found",
                _ => refund.status.as_str(),
            },
        })),
    }
}

/// Returns an edition's answer about an order's sync.
fn order_synced(sync: &OrderSync, edition: Edition) -> SyncData {
    let order = &sync.order;
    match edition {
        Edition::Open => SyncData::Open(OpenSyncData {
            order_status: order.status.as_str(),
            adjust: sync.changed,
        }),
        Edition::Single => SyncData::Single(SingleSyncData::Order(SingleOrderSyncData {
            biz_order_no: order.biz_order_no.clone(),
            order_no: order.order_no.clone(),
            status: order.status.as_str(),
        })),
    }
}

/// 退款单查询 · Query of a refund
#[utoipa::path(post, path = "/unipay/query/refundOrder", tag = "unipay", request_body = RefundKeyIn,
    responses((status = 200, body = Answer<RefundOrderData, RefundOrderData>)))]
pub async fn query_refund(asked: SignedRequest) -> Response {
    let answer = async {
        let given = asked.check(field::REFUND_KEY)?;
        let key = given
            .refund_key()
            .ok_or_else(|| one_needed(field::REFUND_KEY))?;
        let found = refunds::find(&asked.ctx, &asked.merchant, &key);
        let (refund, order) = asked
            .with_time_limit(found)
            .await?
            .ok_or_else(out_of_time)?;
        Ok(RefundOrderData::of(&refund, &order, asked.wire()))
    };
    let outcome = answer.await;
    asked.answer(outcome)
}

/// 支付订单查询 · Query of a payment order
#[utoipa::path(post, path = "/unipay/query/payOrder", tag = "unipay", request_body = OrderQueryIn,
    responses((status = 200, body = Answer<PayOrderData, PayOrderData>)))]
pub async fn query_order(asked: SignedRequest) -> Response {
    let answer = async {
        let given = asked.check(field::ORDER_QUERY)?;
        let key = given
            .queried_order_key()?
            .ok_or_else(|| one_needed(field::ORDER_KEY))?;
        let found = orders::find(&asked.ctx, &asked.merchant, &key);
        let order = asked
            .with_time_limit(found)
            .await?
            .ok_or_else(out_of_time)?;
        Ok(PayOrderData::of(&order, asked.wire()))
    };
    let outcome = answer.await;
    asked.answer(outcome)
}

/// 支付订单登记 · Records a payment that was taken elsewhere
///
/// 重复登记同一订单得到同样的结果；金额或通道不同则返回 20091。 · The same again: the same answer. The same
/// number with another amount or channel: 20091.
#[utoipa::path(post, path = "/unipay/order/record", tag = "unipay", request_body = RecordIn,
    responses((status = 200, body = Answer<RecordedData, RecordedData>)))]
pub async fn record_order(asked: SignedRequest) -> Response {
    let answer = async {
        let given = asked.check(field::ORDER_RECORD)?;
        let new = given.new_order(asked.ctx.clock.now(), asked.merchant.req_time_leeway_ms)?;
        let recorded = orders::record(&asked.ctx, &asked.merchant, new, asked.origin.clone());
        let order = asked
            .with_time_limit(recorded)
            .await?
            .ok_or_else(out_of_time)?;
        Ok(RecordedData::of(&order, asked.wire()))
    };
    let outcome = answer.await;
    asked.answer(outcome)
}

/// 通道回调 · Callback of a channel
///
/// 通道的签名以原始请求体验证；按该通道约定的格式应答。 · The channel's own signature is checked over the
/// raw body; the answer is the one that channel expects.
#[utoipa::path(post, path = "/unipay/callback/{appId}/{channel}", tag = "channel",
    params(("appId" = String, Path, description = "应用号 · the app"),
        ("channel" = String, Path, description = "支付通道 · the channel", example = "sandbox")),
    request_body(content = String, description = "通道的原始报文 · as the channel sends it",
        content_type = "application/octet-stream"),
    responses((status = 200, description = "已接收 · taken"), (status = 400, description = "未接收 · not taken"),
        (status = 500, description = "系统内部错误，请重新回调 · a failure of ours: call again")))]
pub async fn callback(
    State(ctx): State<Ctx>,
    Path((app_id, channel)): Path<(String, String)>,
    request: Request,
) -> Response {
    take_callback(&ctx, &app_id, &channel, None, request).await
}

/// 通道回调（指明通道账户） · Callback of a channel, by account
///
/// 同上，并指明通道账户：应用更换账户后，原账户的回调仍可验证。 · As above, of a named channel account: callbacks of an
/// account that the app no longer uses are verified too.
#[utoipa::path(post, path = "/unipay/callback/{appId}/{channel}/{accountId}", tag = "channel",
    params(("appId" = String, Path, description = "应用号 · the app"),
        ("channel" = String, Path, description = "支付通道 · the channel", example = "sandbox"),
        ("accountId" = String, Path, description = "通道账户 · the channel account", example = "DEMO-sandbox")),
    request_body(content = String, description = "通道的原始报文 · as the channel sends it",
        content_type = "application/octet-stream"),
    responses((status = 200, description = "已接收 · taken"), (status = 400, description = "未接收 · not taken"),
        (status = 500, description = "系统内部错误，请重新回调 · a failure of ours: call again")))]
pub async fn account_callback(
    State(ctx): State<Ctx>,
    Path((app_id, channel, account_id)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    take_callback(&ctx, &app_id, &channel, Some(&account_id), request).await
}

async fn take_callback(
    ctx: &Ctx,
    app_id: &str,
    channel: &str,
    account_id: Option<&str>,
    request: Request,
) -> Response {
    let reply = crate::server::gateway::reply(ctx, &request);
    let not_found = |refusal: &Refusal| {
        let text = refusal.text(Lang::Zh);
        reply.refuse(StatusCode::NOT_FOUND, refusal.code(), text)
    };
    let Ok(channel) = channel.parse::<Channel>() else {
        return not_found(&Refusal::NoSuchChannel);
    };
    let headers = plain_headers(request.headers());
    let taken = async {
        let body = authenticate::body(request).await?;
        refunds::callback(ctx, app_id, channel, account_id, &headers, &body).await
    };
    // No line of the log for a refusal: anybody can make any number of them.
    match taken.await {
        Ok(taken) => channel_reply(taken),
        Err(Error::Refused(refusal)) => match ctx.channels.reply_not_taken(channel) {
            Some(not_taken) => channel_reply(not_taken),
            None => not_found(&refusal),
        },
        Err(failure) => reply.failed(&failure),
    }
}

fn channel_reply(reply: CallbackReply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(header::CONTENT_TYPE, reply.content_type)];
    (status, headers, reply.body).into_response()
}

/// Returns headers as text, by lower-case name; the last of several.
fn plain_headers(headers: &HeaderMap) -> HashMap<String, String> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

/// 沙箱账簿 · The sandbox's book
///
/// 沙箱通道对一笔退款的记载，moved 为资金实际变动的次数。 · What the sandbox channel has of a refund;
/// moved counts how often money moved.
#[utoipa::path(get, path = "/sandbox/book/{refundNo}", tag = "sandbox",
    params(("refundNo" = String, Path, description = "退款号 · our refund number")),
    responses((status = 200, body = LedgerEntry), (status = 404, description = "没有这笔退款 · no such refund")))]
pub async fn sandbox_ledger(
    State(ctx): State<Ctx>,
    Path(refund_no): Path<String>,
    request: Request,
) -> Response {
    let Some(sandbox) = ctx.channels.sandbox() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match sandbox.book(&refund_no).await {
        Ok(Some(entry)) => axum::Json(entry).into_response(),
        Ok(None) => {
            let refusal = Refusal::NoSuchRefund;
            let text = refusal.text(Lang::Zh);
            crate::server::gateway::reply(&ctx, &request).refuse(
                StatusCode::NOT_FOUND,
                refusal.code(),
                text,
            )
        }
        Err(error) => crate::server::gateway::reply(&ctx, &request).refused(&error),
    }
}

/// 沙箱故障 · The sandbox's faults
///
/// 测试模式的通道账户到沙箱的线路状况，calls 为其间调用通道的次数。须以管理员登录。 · The faults of the line to the
/// sandbox of an account in test mode; calls counts the calls of the channel meanwhile. Needs an administrator's login.
#[utoipa::path(get, path = "/sandbox/faults/{accountId}", tag = "sandbox",
    params(("accountId" = String, Path, description = "通道账户 · the channel account")),
    responses((status = 200, body = FaultsReport)))]
pub async fn sandbox_faults(
    State(ctx): State<Ctx>,
    Path(account_id): Path<String>,
    request: Request,
) -> Response {
    let reply = crate::server::gateway::reply(&ctx, &request);
    match faults(&ctx, &account_id).await {
        Ok(report) => axum::Json(report).into_response(),
        Err(error) => reply.refused(&error),
    }
}

/// 改变沙箱故障 · Change the sandbox's faults
///
/// fine 正常；slow 应答迟到数秒；flaky 每隔一次调用断线；silent 毫无应答；doubled 回调迟到、重复且乱序。
/// 须以管理员登录。
/// · fine; slow: answers come seconds late; flaky: every other call breaks; silent: no answer to anything;
/// doubled: callbacks come twice, late and out of order. Needs an administrator's login.
#[utoipa::path(post, path = "/sandbox/faults/{accountId}", tag = "sandbox",
    params(("accountId" = String, Path, description = "通道账户 · the channel account")),
    request_body = FaultsChange,
    responses((status = 200, body = FaultsReport)))]
pub async fn change_sandbox_faults(
    State(ctx): State<Ctx>,
    Path(account_id): Path<String>,
    Extension(origin): Extension<Origin>,
    request: Request,
) -> Response {
    let reply = crate::server::gateway::reply(&ctx, &request);
    let answer = async {
        let body = authenticate::body(request).await?;
        let wish: FaultsChange =
            serde_json::from_slice(&body).map_err(|error| Refusal::Unreadable {
                why: error.to_string(),
            })?;
        let sandbox = ctx.channels.sandbox().ok_or(Refusal::NoSuchPage)?;
        test_account(&ctx, &account_id).await?;
        sandbox
            .change_faults(&account_id, wish.faults, origin)
            .await?;
        faults(&ctx, &account_id).await
    };
    match answer.await {
        Ok(report) => axum::Json(report).into_response(),
        Err(error) => reply.refused(&error),
    }
}

/// Returns the faults of an account's line.
async fn faults(ctx: &Ctx, account_id: &str) -> Result<FaultsReport> {
    let sandbox = ctx.channels.sandbox().ok_or(Refusal::NoSuchPage)?;
    test_account(ctx, account_id).await?;
    sandbox.faults(account_id).await
}

/// Checks that an account exists and is in test mode.
async fn test_account(ctx: &Ctx, account_id: &str) -> Result<()> {
    let found = ctx.channels.accounts.find(account_id).await?;
    match found.is_some_and(|account| account.test_mode) {
        true => Ok(()),
        false => Err(Refusal::NoSuchPage.into()),
    }
}
