//! Texts about events of orders and refunds.

use crate::console::texts::{NONE, order_status, outcome_kind, refund_status};
use crate::domain::event::{Event, Subject};
use crate::domain::lang::{Lang, Text, text};
use crate::domain::refund::OutcomeKind;

/// Returns the word for a state of an order or a refund; `word` is the state's stored name.
pub(super) fn state(subject: Subject, word: &str) -> Option<Text> {
    match subject {
        Subject::Order => word.parse().ok().map(order_status),
        Subject::Refund => word.parse().ok().map(refund_status),
    }
}

/// Describes the outcome of a sync.
pub fn synced(event: &Event, lang: Lang) -> String {
    let said = event.outcome.map(|said| channel_said(said, lang));
    let mut text = text("已同步。", "Synced.").get(lang).to_owned();
    if let Some(said) = said {
        text.push_str(match lang {
            Lang::Zh => "",
            Lang::En => " ",
        });
        text.push_str(&said);
    }
    let states = [&event.before, &event.after].map(|word| {
        let state = word.as_deref().and_then(|word| state(event.subject, word));
        state.unwrap_or(NONE).get(lang)
    });
    text.push_str(&match (states, lang) {
        (_, Lang::Zh) if !event.changed() => "，状态不变。".to_owned(),
        (_, Lang::En) if !event.changed() => "; the status is unchanged.".to_owned(),
        ([before, after], Lang::Zh) => format!("，状态由“{before}”改为“{after}”。"),
        ([before, after], Lang::En) => {
            format!("; the status was changed from “{before}” to “{after}”.")
        }
    });
    text
}

/// Quotes the channel's outcome: `Channel: succeeded`.
pub fn channel_said(said: OutcomeKind, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("通道：{}", outcome_kind(said).zh),
        Lang::En => format!("Channel: {}", outcome_kind(said).en),
    }
}
