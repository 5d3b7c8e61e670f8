//! The data of the audit's list, and the check of its chain.

use std::time::Duration;

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{ApiError, Cell, DetailView, Link, ListView, Section, Tone, Verbatim};
use crate::domain::audit::{Action, AuditEntry, ChainCheck, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::Actor;
use crate::domain::filter::AuditFilter;
use crate::domain::lang::Text;
use crate::domain::people::{Permission, Scope};
use crate::server::audit;
use crate::server::audit::Extent;
use crate::server::desk::caller::Caller;
use crate::server::desk::lists;
use crate::server::desk::orders::range;
use crate::server::error::Result;

/// Maximum time of one page's check of the chain. The page then offers to continue it.
const CHECK_AT_MOST: Duration = Duration::from_secs(5);

/// The value of the list's parameter `app` for entries that belong to no app.
const OF_NO_APP: &str = "none";

/// Makes one page of the audit's entries. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = filter(caller, query)?;
    let app_id = scope(caller, query)?;
    let page = audit::list(&caller.ctx.db, &app_id, &filter, &query.place()?).await?;
    let row = |entry: AuditEntry| {
        vec![
            about(&entry),
            Cell::Short(act(caller, &entry.action)),
            who(caller, query, &entry.actor),
            entry.address.clone().map_or(Cell::Nothing, Cell::Code),
            change(&entry),
            entry
                .sealed_no
                .map_or(Cell::Nothing, |no| Cell::Short(no.to_string())),
            Cell::Time(caller.stamp(entry.at)),
        ]
    };
    Ok(lists::view(caller, page, row, Vec::new()))
}

/// Reads the list's filter.
fn filter(caller: &Caller, query: &Query) -> Result<AuditFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(AuditFilter {
        actor: query.text("who")?.map(|typed| actor(caller, typed)),
        action: query.word("action", Action::ALL)?,
        from,
        to,
    })
}

/// Returns the app whose entries are listed, or `*` for those of no app, which require the permission at all apps.
fn scope(caller: &Caller, query: &Query) -> Result<String, Refusal> {
    match query.get("app") {
        "" => Ok(caller.merchant.app_id.clone()),
        OF_NO_APP => match caller.operator.may(Scope::ALL_APPS, Permission::ReadAudit) {
            true => Ok(Scope::ALL_APPS.to_owned()),
            false => Err(Refusal::Forbidden),
        },
        _ => {
            let allowed = OF_NO_APP.into();
            Err(Refusal::field("app", Reason::NotOneOf { allowed }))
        }
    }
}

/// Reads a typed actor: one of our words, as stored or as shown, or else an operator's name.
fn actor(caller: &Caller, typed: String) -> Actor {
    let shown = [Actor::Merchant, Actor::System, Actor::Unknown];
    let shown = shown
        .into_iter()
        .find(|actor| texts::actor(actor, caller.lang).eq_ignore_ascii_case(&typed));
    shown
        .or_else(|| typed.parse().ok())
        .unwrap_or(Actor::Operator(typed))
}

/// Makes the cell of an entry's subject, linked to the subject's page if it has one.
fn about(entry: &AuditEntry) -> Cell {
    let number = entry.number.clone();
    let page = match entry.subject.parse() {
        Ok(SubjectKind::Order) => format!("orders/{}", escape(&number)),
        Ok(SubjectKind::Refund) => format!("refunds/{}", escape(&number)),
        Ok(SubjectKind::Notice) => match number.rsplit_once('/') {
            Some((refund_no, seq)) => format!("notices/{}/{}", escape(refund_no), escape(seq)),
            None => return Cell::Code(number),
        },
        _ => return Cell::Code(number),
    };
    Cell::Number {
        href: app_path(&entry.app_id, &page),
        number,
    }
}

/// Returns the name of an act. An unknown word, for example of a forged entry, is shown as it is.
fn act(caller: &Caller, word: &str) -> String {
    match word.parse() {
        Ok(action) => texts::action(action).get(caller.lang).to_owned(),
        Err(_) => word.to_owned(),
    }
}

/// Makes the cell of an actor, linked to all acts of this actor.
fn who(caller: &Caller, query: &Query, word: &str) -> Cell {
    let (value, text) = match word.parse::<Actor>() {
        Ok(actor) => {
            let text = texts::actor(&actor, caller.lang);
            match actor {
                Actor::Operator(name) => (name, text),
                _ => (word.to_owned(), text),
            }
        }
        Err(_) => (word.to_owned(), word.to_owned()),
    };
    let list = app_path(&caller.merchant.app_id, "audit");
    Cell::Links(vec![Link {
        href: query.first_page().with("who", &value).href(&list),
        text,
        tone: None,
    }])
}

/// Makes the cell of an act's change.
fn change(entry: &AuditEntry) -> Cell {
    match (&entry.before, &entry.after) {
        (None, None) => Cell::Nothing,
        (None, Some(after)) => Cell::Said(format!("→ {after}")),
        (Some(before), None) => Cell::Said(format!("{before} →")),
        (Some(before), Some(after)) => Cell::Said(format!("{before} → {after}")),
    }
}

/// Checks the chain for a limited time, from the entry after place `after`, and makes the data of the page with the
/// result.
pub async fn check(app_id: &str, after: &str) -> Result<DetailView, ApiError> {
    let caller = Caller::of(app_id, Permission::ReadAudit).await?;
    let after = match after {
        "" => 0,
        place => place.parse().map_err(|_| Refusal::NoSuchPage)?,
    };
    let db = &caller.ctx.db;
    let mut extent = Extent {
        within: Some(CHECK_AT_MOST),
        ..Extent::whole()
    };
    if after != 0 {
        let place = audit::place(db, after).await?;
        extent.after = place.ok_or(Refusal::NoSuchPage)?;
    }
    let check = audit::verify(db, &caller.ctx.clock, extent, &mut |_, _| {}).await?;
    Ok(view(&caller, after, check))
}

fn view(caller: &Caller, after: i64, check: ChainCheck) -> DetailView {
    let text = |text: Text| text.get(caller.lang).to_owned();
    let head = check.head;
    let (tone, state, meaning) = match (&check.found, check.finished) {
        (Some(found), _) => (
            Tone::Bad,
            texts::BROKEN,
            texts::chain_broken(found, caller.lang),
        ),
        (None, finished) => {
            let told = texts::chain_unbroken(after, head.sealed_no, finished, caller.lang);
            match finished {
                true => (Tone::Good, texts::UNBROKEN, told),
                false => (Tone::Busy, texts::NOT_FINISHED, told),
            }
        }
    };
    let checked = format!("{} ({})", text(texts::CHECKED_AT), caller.zone_name());
    let mut facts = vec![(checked, Cell::Time(caller.stamp(caller.now())))];
    if let Some(audit_id) = check
        .found
        .as_ref()
        .and_then(|found| found.audit_id.clone())
    {
        facts.push((text(texts::BROKEN_ENTRY), Cell::Code(audit_id)));
    }
    if let Some(unsealed) = check.unsealed {
        let since = Cell::StateAt(Tone::Alert, unsealed.audit_id, caller.stamp(unsealed.at));
        facts.push((text(texts::WAITING_SINCE), since));
    }
    let list = app_path(&caller.merchant.app_id, "audit");
    let link = |href: String, name: Text| Link {
        href,
        text: text(name),
        tone: None,
    };
    let mut next = vec![link(list.clone(), texts::TO_AUDIT)];
    if !check.finished {
        let href = format!("{list}/check?after={}", head.sealed_no);
        next.insert(0, link(href, texts::GO_ON_CHECKING));
    }
    facts.push((text(texts::NEXT_STEP), Cell::Links(next)));
    let hash = Section {
        title: text(texts::LAST_HASH),
        sentences: vec![text(texts::LAST_HASH_WHY)],
        texts: vec![Verbatim {
            name: text(texts::LAST_HASH),
            text: head.hash,
        }],
        lines: Vec::new(),
    };
    let whole = check.found.is_none() && check.finished;
    DetailView {
        number: head.sealed_no.to_string(),
        states: vec![(tone, text(state))],
        meaning,
        facts,
        action: None,
        sections: whole.then_some(hash).into_iter().collect(),
    }
}
