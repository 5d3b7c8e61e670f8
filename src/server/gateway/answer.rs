//! Answers: the signed envelopes of both editions, with their fields in the documented order.

use std::sync::Arc;

use axum::Extension;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::domain::error::Refusal;
use crate::domain::lang::Lang;
use crate::domain::merchant::{Edition, MerchantApp};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::trace::TraceId;
use crate::wire::code::Code;
use crate::wire::field::local_text;
use crate::wire::json;
use crate::wire::sign::{self, Empty, Signer};

/// 两种协议版本的应答 · The answer of either edition.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Answer<O, S> {
    Open(OpenAnswer<O>),
    Single(SingleAnswer<S>),
}

/// 服务商版（3.x）应答 · Answer of the open edition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenAnswer<T> {
    /// 状态码，0 表示受理成功 · code; 0: accepted
    #[schema(example = 0)]
    code: i32,
    /// 提示信息 · message
    #[schema(example = "success")]
    msg: String,
    /// 业务数据，code 为 0 时返回 · requested data; null unless code is 0
    data: Option<T>,
    /// 应答签名；请求未通过验签时没有 · signature of the answer; absent where the request's own did not verify
    #[schema(max_length = 64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<String>,
    /// 响应时间 yyyy-MM-dd HH:mm:ss · time of the answer
    #[schema(example = "2024-10-24 12:00:00")]
    res_time: String,
    /// 追踪号，用于查询日志 · id of this request in the log
    #[schema(example = "sIV4zJVhZ4Uz", max_length = 12)]
    trace_id: String,
}

/// 单商户版（2.x）应答 · Answer of the single edition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SingleAnswer<T> {
    /// 提示信息 · message
    #[schema(example = "success")]
    msg: String,
    /// 状态码，0 表示受理成功 · code; 0: accepted
    #[schema(example = 0)]
    code: i32,
    /// 业务数据，code 为 0 时返回 · requested data; null unless code is 0
    data: Option<SingleData<T>>,
    /// 追踪号，用于查询日志 · id of this request in the log
    #[schema(example = "sIV4zJVhZ4Uz", max_length = 12)]
    trace_id: String,
}

/// 单商户版业务数据 · Data of the single edition, which carries its own signature.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SingleData<T> {
    #[serde(flatten)]
    data: T,
    /// 状态码；业务拒绝时非 0，此时外层 code 为 0 · code; not 0 where the business refuses, the outer code being 0 then
    #[schema(example = 0)]
    code: i32,
    /// 业务拒绝的原因 · why the business refuses
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    /// 响应时间，Unix 秒 · time of the answer in Unix seconds
    #[schema(example = 1715576198)]
    res_time: i64,
    /// 业务数据签名 · signature over the other fields of data
    #[schema(max_length = 64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<String>,
}

/// The data of a refusal: none but the code and its message.
#[derive(Serialize)]
struct NoData {}

/// The parameters of an answer. They are completed as the request is authenticated.
#[derive(Clone)]
pub struct Reply {
    pub ctx: Ctx,
    pub trace: TraceId,
    pub edition: Edition,
    /// The app whose secret signs. `None` while the request's own signature has not been verified: the answer is then not
    /// signed.
    pub merchant: Option<Arc<MerchantApp>>,
    /// True where the app's old secret signed the request: it also signs the answer, as the sender may have no other.
    pub by_old_secret: bool,
}

impl Reply {
    /// Makes the parameters for a request of which nothing is known yet.
    pub fn new(ctx: &Ctx, trace: TraceId) -> Reply {
        Reply {
            ctx: ctx.clone(),
            trace,
            edition: Edition::Open,
            merchant: None,
            by_old_secret: false,
        }
    }

    /// Answers with the outcome of a use-case.
    pub fn with<T: Serialize>(&self, outcome: Result<T>) -> Response {
        match outcome.and_then(|data| self.accepted(&data)) {
            Ok(response) => response,
            Err(error) => self.refused(&error),
        }
    }

    fn accepted<T: Serialize>(&self, data: &T) -> Result<Response> {
        let answer = match self.edition {
            Edition::Open => {
                let data = to_raw_value(data).map_err(unwritable)?;
                Answer::Open(self.open(0, "success", Some(data)))
            }
            Edition::Single => Answer::Single(SingleAnswer {
                msg: "success".to_owned(),
                code: 0,
                data: Some(self.single_data(data, Code::ACCEPTED, None)?),
                trace_id: self.trace.0.clone(),
            }),
        };
        Ok(respond(StatusCode::OK, 0, &answer))
    }

    /// Answers, in the single edition, with a refusal of the business: within `data`, as its clients expect.
    fn refused_in_data(&self, code: Code, msg: String) -> Result<Response> {
        let answer: Answer<(), _> = Answer::Single(SingleAnswer {
            msg: "success".to_owned(),
            code: 0,
            data: Some(self.single_data(&NoData {}, code, Some(msg))?),
            trace_id: self.trace.0.clone(),
        });
        Ok(respond(StatusCode::OK, code.0, &answer))
    }

    /// Answers with a refusal. The cause of an internal error goes to the log only.
    pub fn refused(&self, error: &Error) -> Response {
        let (code, msg, status) = match error {
            Error::Refused(refusal) => {
                let code = Code::of(refusal, self.edition).0;
                tracing::info!(code, %refusal, "refused");
                if Code::is_in_data(refusal, self.edition)
                    && let Ok(answer) = self.refused_in_data(Code(code), refusal.text(Lang::Zh))
                {
                    return answer;
                }
                (code, refusal.text(Lang::Zh), status(refusal))
            }
            // The write may have taken place, so the merchant has to ask and must not take it for refused.
            Error::Internal(_) if error.is_commit_unknown() => {
                tracing::error!(%error, "a request may have taken place");
                return self.refused(&Refusal::Undecided.into());
            }
            Error::Internal(_) => {
                tracing::error!(%error, "a request failed");
                (Code::INTERNAL.0, "系统内部错误".to_owned(), StatusCode::OK)
            }
        };
        self.refuse(status, code, msg)
    }

    /// Answers a caller who reads any 2xx as success, whatever the envelope says. A failure of ours gets 500.
    pub fn failed(&self, error: &Error) -> Response {
        let mut response = self.refused(error);
        if response.status().is_success() {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        response
    }

    /// Answers without data, under the given HTTP status.
    pub fn refuse(&self, status: StatusCode, code: i32, msg: String) -> Response {
        let answer = match self.edition {
            Edition::Open => Answer::Open(self.open(code, &msg, None)),
            Edition::Single => Answer::<Box<RawValue>, ()>::Single(SingleAnswer {
                msg,
                code,
                data: None,
                trace_id: self.trace.0.clone(),
            }),
        };
        let mut response = respond(status, code, &answer);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn open(&self, code: i32, msg: &str, data: Option<Box<RawValue>>) -> OpenAnswer<Box<RawValue>> {
        let res_time = local_text(self.ctx.clock.now(), &self.ctx.config.time_zone);
        let code_text = code.to_string();
        let mut signed = vec![
            ("code", code_text.as_str()),
            ("msg", msg),
            ("resTime", res_time.as_str()),
            ("traceId", self.trace.0.as_str()),
        ];
        let data_text = data.as_deref().map(|data| sign::escaped(data.get()));
        signed.extend(data_text.as_deref().map(|text| ("data", text)));
        let sign = self.signer().map(|signer| signer.sign(&signed));
        OpenAnswer {
            code,
            msg: msg.to_owned(),
            data,
            sign,
            res_time,
            trace_id: self.trace.0.clone(),
        }
    }

    fn single_data<'d, T: Serialize>(
        &self,
        data: &'d T,
        code: Code,
        msg: Option<String>,
    ) -> Result<SingleData<&'d T>> {
        let res_time = self.ctx.clock.now().seconds();
        let mut data = SingleData {
            data,
            code: code.0,
            msg,
            res_time,
            sign: None,
        };
        // The signature covers what is sent: the fields are read back as a client reads them.
        let text = serde_json::to_vec(&data).map_err(unwritable)?;
        let fields = json::object(&text).map_err(unwritable)?;
        data.sign = self
            .signer()
            .map(|signer| signer.sign_fields(&fields, Empty::Dropped));
        Ok(data)
    }

    fn signer(&self) -> Option<Signer<'_>> {
        let merchant = self.merchant.as_deref()?;
        let old = merchant.old_secret.as_ref().filter(|_| self.by_old_secret);
        let secret = old.map_or(&merchant.secret, |old| &old.secret);
        Some(Signer::of(merchant, secret, self.edition))
    }
}

fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("an answer cannot be written: {error}"))
}

/// Returns the HTTP status of a refusal. Clients take anything but 200 for an outage, which is right only in these two
/// cases.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Overloaded | Refusal::AppOverloaded => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    }
}

fn respond<O: Serialize, S: Serialize>(
    status: StatusCode,
    code: i32,
    answer: &Answer<O, S>,
) -> Response {
    let body = serde_json::to_vec(answer).expect("an envelope of texts and numbers is JSON");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, Extension(Code(code)), headers, body).into_response()
}
