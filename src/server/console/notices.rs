//! What the pages of notices are given, and what their button does.

use super::caller::{Caller, redirect};
use super::lists::{self, state_chips};
use super::orders::range;
use crate::app::components::{Tone, app_path};
use crate::app::query::{Query, escape};
use crate::app::rpc::Trouble;
use crate::app::view::{Cell, Link, ListView, Section, SheetAct, SheetLine, SheetView, Verbatim};
use crate::app::words;
use crate::domain::error::Refusal;
use crate::domain::filter::NoticeFilter;
use crate::domain::lang::Text;
use crate::domain::notice::{NoticeKey, NoticeRow, NoticeSend, NoticeState};
use crate::domain::refund::{Refund, RefundKey};
use crate::server::sign::{SIGN, Signer};
use crate::server::{json, notices, refunds};

/// One page of an app's notices. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, Trouble> {
    let filter = filter(caller, query)?;
    let (app, app_id) = (&caller.app, &caller.merchant.app_id);
    let page = notices::list(app, app_id, &filter, &query.place()?).await?;
    let counts = notices::counts(app, app_id, &filter).await?;
    let row = |NoticeRow { notice, trouble }| {
        let next = notice.next_send_at.map(|at| caller.stamp(at));
        vec![
            Cell::Number {
                href: address(&notice.key),
                number: notice.key.refund_no.clone(),
            },
            caller.states([&notice.status]),
            caller.states([&notice.state]),
            Cell::Short(notice.sends.to_string()),
            match next {
                None => Cell::Nothing,
                Some(next) if next.ago_s >= 0 => {
                    Cell::Short(words::DUE_NOW.get(caller.lang).to_owned())
                }
                Some(next) => Cell::Ago(next),
            },
            trouble.map_or(Cell::Nothing, Cell::Long),
            Cell::Time(caller.stamp(notice.created_at)),
        ]
    };
    let chips = state_chips(caller, "state", counts, NoticeState::word);
    Ok(lists::view(caller, page, row, chips))
}

fn filter(caller: &Caller, query: &Query) -> Result<NoticeFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(NoticeFilter {
        number: query.text("q")?,
        state: query.word("state", NoticeState::ALL)?,
        from,
        to,
    })
}

/// A notice with every send of it. `notice` is its refund's number and which of its notices, as in the
/// page's address.
pub async fn load(app_id: &str, notice: &str) -> Result<SheetView, Trouble> {
    let caller = Caller::viewer(app_id).await?;
    let key = key(app_id, notice)?;
    let (notice, sends) = notices::find(&caller.app, &key).await?;
    let of = RefundKey::RefundNo(key.refund_no.clone());
    let (refund, _) = refunds::find(&caller.app, &caller.merchant, &of).await?;
    let url = notices::address(&caller.merchant, &refund).unwrap_or_default();
    let text = |text: Text| text.get(caller.lang).to_owned();
    let time = |at: Option<_>| at.map_or(Cell::Nothing, |at| Cell::Time(caller.stamp(at)));
    let may_send = caller.operator.role.moves_money();
    let refund_page = Link {
        href: app_path(app_id, &format!("refunds/{}", escape(&key.refund_no))),
        text: key.refund_no.clone(),
        tone: None,
    };
    let written = format!("{} ({})", text(words::WRITTEN), caller.zone_name());
    let mut sections = Vec::new();
    sections.extend(
        sends
            .first()
            .and_then(|send| explained(&caller, &refund, send)),
    );
    sections.insert(0, sends_section(&caller, sends));
    Ok(SheetView {
        number: format!("{}-{}", key.refund_no, key.seq),
        states: vec![caller.state(&notice.state)],
        means: text(words::notice_means(notice.state)),
        facts: vec![
            (text(words::REFUND), Cell::Links(vec![refund_page])),
            (text(words::TOLD), caller.states([&notice.status])),
            (text(words::NOTIFY_URL), Cell::Code(url.to_owned())),
            (text(words::SENDS), Cell::Short(notice.sends.to_string())),
            (written, Cell::Time(caller.stamp(notice.created_at))),
            (text(words::NEXT_SEND), time(notice.next_send_at)),
            (text(words::ENDED), time(notice.ended_at)),
            (
                text(words::EDITION),
                Cell::Short(text(words::edition(refund.edition))),
            ),
        ],
        act: may_send.then(|| SheetAct {
            happens: words::what_sending_does(url, caller.lang),
            button: text(words::SEND_AGAIN),
        }),
        sections,
    })
}

/// Every send with the bytes that went out and came back.
fn sends_section(caller: &Caller, sends: Vec<NoticeSend>) -> Section {
    let text = |text: Text| text.get(caller.lang).to_owned();
    let none_yet = sends.is_empty().then(|| text(words::NOT_SENT_YET));
    let line = |send: NoticeSend| {
        let who = words::actor(&send.actor, caller.lang);
        let mut summary =
            words::send_summary(send.send, send.http_status, send.took_ms, &who, caller.lang);
        let state = match &send.trouble {
            None => (Tone::Good, text(words::ARRIVED)),
            Some(trouble) => {
                summary.push_str(" · ");
                summary.push_str(trouble);
                (Tone::Bad, text(words::IN_VAIN))
            }
        };
        let mut texts = vec![
            (text(words::ADDRESS), send.url),
            (text(words::SENT_BODY), send.request),
        ];
        texts.extend(send.answer.map(|answer| (text(words::ANSWER_BODY), answer)));
        let texts = texts
            .into_iter()
            .map(|(name, text)| Verbatim { name, text });
        SheetLine {
            when: caller.stamp(send.at),
            state,
            summary,
            texts: texts.collect(),
        }
    };
    Section {
        title: text(words::SENDS_TITLE),
        sentences: none_yet.into_iter().collect(),
        texts: Vec::new(),
        lines: sends.into_iter().map(line).collect(),
    }
}

/// How what was sent is signed: the very text, but for the secret, and how to check it.
fn explained(caller: &Caller, refund: &Refund, send: &NoticeSend) -> Option<Section> {
    let merchant = &caller.merchant;
    let signer = Signer {
        secret: &merchant.secret,
        sign_type: merchant.sign_type,
        edition: refund.edition,
    };
    let fields = json::object(send.request.as_bytes()).ok()?;
    let json::Json::Text(sign) = fields.get(SIGN)? else {
        return None;
    };
    let text = |text: Text| text.get(caller.lang).to_owned();
    let mut sentences = words::how_to_check(merchant.sign_type, refund.edition, caller.lang);
    if !signer.verifies(&fields, sign) {
        sentences.push(text(words::SIGN_DIFFERS));
    }
    Some(Section {
        title: text(words::HOW_SIGNED),
        sentences,
        texts: vec![
            Verbatim {
                name: text(words::SIGNED_TEXT),
                text: signer.shown_text(&fields),
            },
            Verbatim {
                name: format!("{} ({})", text(words::SIGN), merchant.sign_type),
                text: sign.clone(),
            },
        ],
        lines: Vec::new(),
    })
}

/// Sends a notice now, and leads back to it.
pub async fn send_again(app_id: &str, notice: &str) -> Result<(), Trouble> {
    let caller = Caller::mover(app_id).await?;
    let key = key(app_id, notice)?;
    notices::send_again(&caller.app, &key, caller.actor()).await?;
    redirect(&format!("{}?sent=1", address(&key)));
    Ok(())
}

/// Where a notice is shown.
pub fn address(key: &NoticeKey) -> String {
    let page = format!("notices/{}/{}", escape(&key.refund_no), key.seq);
    app_path(&key.app_id, &page)
}

fn key(app_id: &str, notice: &str) -> Result<NoticeKey, Refusal> {
    let (refund_no, seq) = notice.rsplit_once('/').ok_or(Refusal::NoSuchNotice)?;
    Ok(NoticeKey {
        app_id: app_id.to_owned(),
        refund_no: refund_no.to_owned(),
        seq: seq.parse().map_err(|_| Refusal::NoSuchNotice)?,
    })
}
