//! The data of the pages of callbacks.

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{ApiError, Cell, DetailView, Link, ListView, Section, Verbatim};
use crate::domain::callback::{CallbackRow, Verdict};
use crate::domain::error::Refusal;
use crate::domain::filter::CallbackFilter;
use crate::domain::lang::Text;
use crate::domain::order::Channel;
use crate::domain::people::Permission;
use crate::server::desk::caller::Caller;
use crate::server::desk::lists;
use crate::server::desk::lists::state_chips;
use crate::server::desk::orders::range;
use crate::server::refunds::records;

/// Makes one page of an app's callbacks. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = filter(caller, query)?;
    let (ctx, app_id) = (&caller.ctx, &caller.merchant.app_id);
    let page = records::callbacks(ctx, app_id, &filter, &query.place()?).await?;
    let counts = records::count_callbacks(ctx, app_id, &filter).await?;
    let row = |row: CallbackRow| {
        vec![
            Cell::Number {
                href: address(app_id, &row.callback_no),
                number: row.callback_no,
            },
            caller.states([&row.verdict]),
            Cell::Short(texts::channel(row.channel).get(caller.lang).to_owned()),
            refund(app_id, row.refund_no),
            Cell::Short(row.times.to_string()),
            Cell::Time(caller.stamp(row.received_at)),
        ]
    };
    let chips = state_chips(caller, "verdict", counts, Verdict::as_str);
    Ok(lists::view(caller, page, row, chips))
}

/// Reads the list's filter.
fn filter(caller: &Caller, query: &Query) -> Result<CallbackFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(CallbackFilter {
        number: query.text("q")?,
        channel: query.word("channel", Channel::ALL)?,
        verdict: query.word("verdict", Verdict::ALL)?,
        from,
        to,
    })
}

/// Makes the data of a callback's page.
pub async fn load(app_id: &str, callback_no: &str) -> Result<DetailView, ApiError> {
    let caller = Caller::of(app_id, Permission::View).await?;
    let callback = records::find_callback(&caller.ctx, app_id, callback_no).await?;
    let text = |text: Text| text.get(caller.lang).to_owned();
    let times = |name: Text| format!("{} ({})", name.get(caller.lang), caller.zone_name());
    let verbatim = |name: Text, said: String| Verbatim {
        name: text(name),
        text: said,
    };
    Ok(DetailView {
        number: callback.callback_no,
        states: vec![caller.state(&callback.verdict)],
        meaning: text(texts::verdict_meaning(callback.verdict)),
        facts: vec![
            (
                text(texts::CHANNEL),
                Cell::Short(text(texts::channel(callback.channel))),
            ),
            (
                text(texts::CHANNEL_ACCOUNT),
                Cell::Short(callback.account_id),
            ),
            (text(texts::REFUND), refund(app_id, callback.refund_no)),
            (
                times(texts::RECEIVED),
                Cell::Time(caller.stamp(callback.received_at)),
            ),
            (text(texts::TIMES), Cell::Short(callback.times.to_string())),
            (
                text(texts::LAST_RECEIVED),
                Cell::Time(caller.stamp(callback.last_at)),
            ),
        ],
        action: None,
        sections: vec![Section {
            title: text(texts::WORD_FOR_WORD),
            sentences: Vec::new(),
            texts: vec![
                verbatim(texts::HEADERS, callback.headers),
                verbatim(texts::BODY, callback.body),
            ],
            lines: Vec::new(),
        }],
    })
}

/// Returns the address of a callback's page.
pub fn address(app_id: &str, callback_no: &str) -> String {
    app_path(app_id, &format!("callbacks/{}", escape(callback_no)))
}

/// Returns a link to a refund.
fn refund(app_id: &str, refund_no: Option<String>) -> Cell {
    refund_no.map_or(Cell::Nothing, |refund_no| {
        Cell::Links(vec![Link {
            href: app_path(app_id, &format!("refunds/{}", escape(&refund_no))),
            text: refund_no,
            tone: None,
        }])
    })
}
