//! The data of the page of restored mode, and its end.

use crate::console::paths::RESTORED_PAGE;
use crate::console::texts;
use crate::console::view::{ApiError, Cell, DetailAction, DetailView, Section, Tone};
use crate::domain::audit::Origin;
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::Actor;
use crate::domain::lang::Text;
use crate::domain::limits;
use crate::domain::people::{Operator, Permission, Scope};
use crate::domain::text::sanitized;
use crate::server::desk;
use crate::server::desk::caller::{LoggedIn, logged_in, redirect};
use crate::server::desk::times;
use crate::server::restoration;

/// Makes the page's data, for every operator. Only an administrator of all apps gets the action.
pub async fn load() -> Result<DetailView, ApiError> {
    let LoggedIn {
        ctx,
        operator,
        lang,
        ..
    } = logged_in().await?;
    let text = |text: Text| text.get(lang).to_owned();
    let Some(restored) = restoration::look(&ctx.db).await? else {
        return Ok(DetailView {
            number: String::new(),
            states: Vec::new(),
            meaning: text(texts::NOT_RESTORED),
            facts: Vec::new(),
            action: None,
            sections: Vec::new(),
        });
    };
    let zone = &ctx.config.time_zone;
    let taken_at = times::stamp(restored.mark.taken_at, ctx.clock.now(), zone);
    let compare = Section {
        title: text(texts::WHAT_TO_COMPARE),
        sentences: texts::steps_to_compare(&taken_at.local, lang),
        texts: Vec::new(),
        lines: Vec::new(),
    };
    let end = DetailAction {
        happens: texts::what_ending_does(restored.kept_back, lang),
        button: text(texts::END_RESTORED_MODE),
    };
    let taken = format!("{} ({})", text(texts::BACKUP_TAKEN_AT), times::name(zone));
    let tally = |of| Cell::Short(texts::tally(of, lang));
    Ok(DetailView {
        number: taken_at.local.clone(),
        states: vec![(Tone::Alert, text(texts::SUBMITS_NOTHING))],
        meaning: text(texts::RESTORED_MEANING),
        facts: vec![
            (taken, Cell::Time(taken_at)),
            (text(texts::WAIT_FOR_END), tally(restored.kept_back)),
            (text(texts::ALL_IN_PROGRESS), tally(restored.in_progress)),
        ],
        action: may_end(&operator).then_some(end),
        sections: vec![compare],
    })
}

fn may_end(operator: &Operator) -> bool {
    operator.may(Scope::ALL_APPS, Permission::EndRestoredMode)
}

/// Ends restored mode, and redirects to its page. Does nothing where the mode is over already.
///
/// # Errors
/// Refuses an operator who is no administrator of all apps, a missing or too long note, and another phrase than the
/// page's.
pub async fn end(note: &str, confirmation: &str) -> Result<(), ApiError> {
    let LoggedIn {
        ctx,
        operator,
        address,
        ..
    } = logged_in().await?;
    if !may_end(&operator) {
        return Err(Refusal::Forbidden.into());
    }
    let note = sanitized(desk::needed_remark("note", note)?, limits::SAID_BYTES);
    let phrase = texts::END_PHRASE;
    let typed = confirmation.trim();
    if typed != phrase.zh && !typed.eq_ignore_ascii_case(phrase.en) {
        let allowed = format!("{}, {}", phrase.zh, phrase.en).into();
        return Err(Refusal::field("confirmation", Reason::NotOneOf { allowed }).into());
    }
    let by = Origin {
        actor: Actor::Operator(operator.name),
        address: Some(address.0),
    };
    restoration::end(&ctx.db, ctx.clock.now(), &note, &by).await?;
    ctx.restored.forget();
    redirect(RESTORED_PAGE);
    Ok(())
}
