//! The data of the pages of notices, and the action of sending one again.

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{
    ApiError, Cell, DetailAction, DetailLine, DetailView, Link, ListView, Section, Tone, Verbatim,
};
use crate::domain::error::Refusal;
use crate::domain::filter::NoticeFilter;
use crate::domain::lang::Text;
use crate::domain::notice::{DeliveryAttempt, NoticeKey, NoticeRow, NoticeState};
use crate::domain::people::Permission;
use crate::domain::refund::{Refund, RefundKey};
use crate::server::desk::caller::{Caller, redirect};
use crate::server::desk::lists;
use crate::server::desk::lists::state_chips;
use crate::server::desk::orders::range;
use crate::server::{notices, outbound, refunds};
use crate::wire::json;
use crate::wire::sign::{SIGN, Signer};

/// Makes one page of an app's notices. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = filter(caller, query)?;
    let (ctx, app_id) = (&caller.ctx, &caller.merchant.app_id);
    let page = notices::list(ctx, app_id, &filter, &query.place()?).await?;
    let counts = notices::counts(ctx, app_id, &filter).await?;
    let row = |NoticeRow { notice, failure }| {
        let next = notice.next_send_at.map(|at| caller.stamp(at));
        vec![
            Cell::Number {
                href: address(&notice.key),
                number: notice.key.refund_no.clone(),
            },
            caller.states([&notice.status]),
            caller.states([&notice.state]),
            Cell::Short(notice.attempts.to_string()),
            match next {
                None => Cell::Nothing,
                Some(next) if next.ago_s >= 0 => {
                    Cell::Short(texts::DUE_NOW.get(caller.lang).to_owned())
                }
                Some(next) => Cell::Ago(next),
            },
            failure.map_or(Cell::Nothing, Cell::Long),
            Cell::Time(caller.stamp(notice.created_at)),
        ]
    };
    let chips = state_chips(caller, "state", counts, NoticeState::as_str);
    Ok(lists::view(caller, page, row, chips))
}

/// Reads the list's filter.
fn filter(caller: &Caller, query: &Query) -> Result<NoticeFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(NoticeFilter {
        number: query.text("q")?,
        state: query.word("state", NoticeState::ALL)?,
        from,
        to,
    })
}

/// Makes the data of a notice's page, with all attempts. `notice` is `<refund_no>/<seq>`, as in the page's address.
pub async fn load(app_id: &str, notice: &str) -> Result<DetailView, ApiError> {
    let caller = Caller::of(app_id, Permission::View).await?;
    let key = key(app_id, notice)?;
    let (notice, attempts) = notices::find(&caller.ctx, &key).await?;
    let of = RefundKey::RefundNo(key.refund_no.clone());
    let (refund, _) = refunds::find(&caller.ctx, &caller.merchant, &of).await?;
    let url = notices::address(&caller.merchant, &refund).unwrap_or_default();
    let url = outbound::shown(url);
    let text = |text: Text| text.get(caller.lang).to_owned();
    let time = |at: Option<_>| at.map_or(Cell::Nothing, |at| Cell::Time(caller.stamp(at)));
    let may_send = caller.may(Permission::SendNotices);
    let refund_page = Link {
        href: app_path(app_id, &format!("refunds/{}", escape(&key.refund_no))),
        text: key.refund_no.clone(),
        tone: None,
    };
    let written = format!("{} ({})", text(texts::WRITTEN), caller.zone_name());
    let mut sections = Vec::new();
    sections.extend(
        attempts
            .first()
            .and_then(|send| explained(&caller, &refund, send)),
    );
    sections.insert(0, attempts_section(&caller, attempts));
    Ok(DetailView {
        number: format!("{}-{}", key.refund_no, key.seq),
        states: vec![caller.state(&notice.state)],
        meaning: text(texts::notice_meaning(notice.state)),
        facts: vec![
            (text(texts::REFUND), Cell::Links(vec![refund_page])),
            (text(texts::NOTICE_STATUS), caller.states([&notice.status])),
            (text(texts::NOTIFY_URL), Cell::Code(url.clone())),
            (
                text(texts::NOTICE_ATTEMPTS),
                Cell::Short(notice.attempts.to_string()),
            ),
            (written, Cell::Time(caller.stamp(notice.created_at))),
            (text(texts::NEXT_ATTEMPT), time(notice.next_send_at)),
            (text(texts::ENDED), time(notice.ended_at)),
            (
                text(texts::EDITION),
                Cell::Short(text(texts::edition(refund.edition))),
            ),
        ],
        action: (may_send && !url.is_empty()).then(|| DetailAction {
            happens: texts::what_sending_does(&url, caller.lang),
            button: text(texts::SEND_AGAIN),
        }),
        sections,
    })
}

/// Makes the section of attempts, each with the bytes sent and received.
fn attempts_section(caller: &Caller, attempts: Vec<DeliveryAttempt>) -> Section {
    let text = |text: Text| text.get(caller.lang).to_owned();
    let none_yet = attempts.is_empty().then(|| text(texts::NO_ATTEMPTS_YET));
    let line = |send: DeliveryAttempt| {
        let who = texts::actor(&send.actor, caller.lang);
        let mut summary = texts::attempt_summary(
            send.attempt,
            send.http_status,
            send.took_ms,
            &who,
            caller.lang,
        );
        let state = match &send.failure {
            None => (Tone::Good, text(texts::DELIVERED)),
            Some(failure) => {
                summary.push_str(" · ");
                summary.push_str(failure);
                (Tone::Bad, text(texts::NOT_DELIVERED))
            }
        };
        let mut texts = vec![
            (text(texts::ADDRESS), send.url),
            (text(texts::REQUEST_BODY), send.request),
        ];
        texts.extend(send.answer.map(|answer| (text(texts::ANSWER_BODY), answer)));
        let texts = texts
            .into_iter()
            .map(|(name, text)| Verbatim { name, text });
        DetailLine {
            when: caller.stamp(send.at),
            state,
            summary,
            texts: texts.collect(),
        }
    };
    Section {
        title: text(texts::NOTICE_ATTEMPTS_TITLE),
        sentences: none_yet.into_iter().collect(),
        texts: Vec::new(),
        lines: attempts.into_iter().map(line).collect(),
    }
}

/// Makes the section that explains an attempt's signature: how to check it, and the signed text with the secret
/// hidden. Returns `None` where the body has no signature.
fn explained(caller: &Caller, refund: &Refund, send: &DeliveryAttempt) -> Option<Section> {
    let merchant = &caller.merchant;
    let signer = Signer::of(merchant, &merchant.secret, refund.edition);
    let fields = json::object(send.request.as_bytes()).ok()?;
    let json::Json::Text(sign) = fields.get(SIGN)? else {
        return None;
    };
    let text = |text: Text| text.get(caller.lang).to_owned();
    let mut sentences = texts::how_to_check(merchant.sign_type, refund.edition, caller.lang);
    if !signer.verifies(&fields, sign) {
        sentences.push(text(texts::SIGN_DIFFERS));
    }
    Some(Section {
        title: text(texts::HOW_SIGNED),
        sentences,
        texts: vec![
            Verbatim {
                name: text(texts::SIGNED_TEXT),
                text: signer.shown_text(&fields),
            },
            Verbatim {
                name: format!("{} ({})", text(texts::SIGN), merchant.sign_type),
                text: sign.clone(),
            },
        ],
        lines: Vec::new(),
    })
}

/// Sends a notice now, and redirects to its page.
pub async fn send_again(app_id: &str, notice: &str) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::SendNotices).await?;
    let key = key(app_id, notice)?;
    notices::send_again(&caller.ctx, &key, caller.actor()).await?;
    redirect(&format!("{}?sent=1", address(&key)));
    Ok(())
}

/// Returns the address of a notice's page.
pub fn address(key: &NoticeKey) -> String {
    let page = format!("notices/{}/{}", escape(&key.refund_no), key.seq);
    app_path(&key.app_id, &page)
}

/// Reads a key from `<refund_no>/<seq>`.
fn key(app_id: &str, notice: &str) -> Result<NoticeKey, Refusal> {
    let (refund_no, seq) = notice.rsplit_once('/').ok_or(Refusal::NoSuchNotice)?;
    Ok(NoticeKey {
        app_id: app_id.to_owned(),
        refund_no: refund_no.to_owned(),
        seq: seq.parse().map_err(|_| Refusal::NoSuchNotice)?,
    })
}
