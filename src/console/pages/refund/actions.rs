//! The actions on a refund: sync, retry, close, review, book. Each is confirmed in a dialog, and on a page of its own
//! where scripts are off.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::hooks::{use_app_id, use_number};
use crate::console::paths::{app_path, escape};
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::refunds::{
    BookRefund, CloseRefund, RetryRefund, ReviewRefund, SyncRefund, load_refund,
};
use crate::console::texts;
use crate::console::view::{AllowedActions, RefundView};
use crate::domain::lang::Text;
use crate::domain::limits;
use crate::domain::movement::Amounts;
use crate::domain::order::Order;
use crate::domain::refund::{Booking, Refund, RefundStatus};

/// Dialog that confirms a retry.
pub const RETRY: &str = "retry";
/// Dialog that confirms a closing.
pub const CLOSE: &str = "close";
/// Dialog that confirms a booking.
pub const BOOK: &str = "book";
/// Dialog that marks the refund as reviewed.
pub const REVIEW: &str = "review";

/// The actions of a refund's page.
#[derive(Clone, Copy)]
pub struct RefundActions {
    pub sync: FormAction,
    pub retry: FormAction,
    pub close: FormAction,
    pub review: FormAction,
    pub book: FormAction,
}

impl RefundActions {
    /// Makes the actions.
    pub fn new() -> RefundActions {
        RefundActions {
            sync: FormAction::of::<SyncRefund>(),
            retry: FormAction::of::<RetryRefund>(),
            close: FormAction::of::<CloseRefund>(),
            review: FormAction::of::<ReviewRefund>(),
            book: FormAction::of::<BookRefund>(),
        }
    }

    /// Counts the finished actions: the page loads its refund again when the count changes.
    pub fn done(&self) -> usize {
        let RefundActions {
            sync,
            retry,
            close,
            review,
            book,
        } = self;
        let settling = sync.version() + retry.version() + close.version();
        settling + review.version() + book.version()
    }

    /// Discards the outcomes, since the page now shows another refund.
    pub fn leave(&self) {
        self.sync.leave();
        self.retry.leave();
        self.close.leave();
        self.review.leave();
        self.book.leave();
    }
}

/// Shows the buttons of the allowed actions, each with its dialog.
#[component]
pub fn RefundButtons(
    app_id: String,
    refund: Refund,
    order: Order,
    test_mode: bool,
    allowed: AllowedActions,
    actions: RefundActions,
) -> impl IntoView {
    let lang = use_lang();
    let page = app_path(&app_id, &format!("refunds/{}", escape(&refund.refund_no)));
    let sync = fields(&app_id, &refund);
    let failed = refund.status == RefundStatus::Fail;
    let too_little = (failed && allowed.close && !allowed.retry)
        .then(|| view! { <small>{texts::too_little_left(&order, lang)}</small> }.into_any());
    let retry = allowed.retry.then(|| {
        let (app_id, refund, order) = (app_id.clone(), refund.clone(), order.clone());
        view! {
            <ActionDialog what=RETRY page=page.clone() text=texts::RETRY title=texts::RETRY_TITLE>
                <Retry app_id refund order test_mode actions/>
            </ActionDialog>
        }
        .into_any()
    });
    let close = allowed.close.then(|| {
        let (app_id, refund, order) = (app_id.clone(), refund.clone(), order.clone());
        view! {
            <ActionDialog what=CLOSE page=page.clone() text=texts::CLOSE title=texts::CLOSE_TITLE>
                <Close app_id refund order actions/>
            </ActionDialog>
        }
        .into_any()
    });
    let book = allowed.book.map(|(booking, change)| {
        let (app_id, refund, order) = (app_id.clone(), refund.clone(), order.clone());
        view! {
            <ActionDialog what=BOOK page=page.clone() text=texts::book(booking) title=texts::BOOK_TITLE>
                <Book app_id refund order booking change actions/>
            </ActionDialog>
        }
        .into_any()
    });
    let review = allowed.review.then(|| {
        view! {
            <ActionDialog what=REVIEW page=page.clone() text=texts::REVIEW_ACT title=texts::REVIEW_TITLE>
                <Review app_id refund actions/>
            </ActionDialog>
        }
        .into_any()
    });
    view! {
        <ActionButton action=actions.sync fields=sync text=texts::SYNC key="s"/>
        {too_little}
        {retry}
        {close}
        {book}
        {review}
    }
}

/// Renders the link to an action and the dialog that confirms it. Without scripts the link leads to the action's own
/// page.
#[component]
fn ActionDialog(
    what: &'static str,
    /// Path of the refund's page.
    page: String,
    text: Text,
    title: Text,
    children: Children,
) -> impl IntoView {
    view! {
        <DialogLink dialog=what href=format!("{page}/{what}") text/>
        <Dialog id=what title close=texts::CANCEL>
            {children()}
        </Dialog>
    }
}

/// Returns the arguments that all functions take.
fn fields(app_id: &str, refund: &Refund) -> Vec<(&'static str, String)> {
    vec![
        ("app_id", app_id.to_owned()),
        ("refund_no", refund.refund_no.clone()),
        ("since", refund.version.to_string()),
    ]
}

/// Confirms a retry. The server refuses it where `attempt` is no longer the last submission.
#[component]
fn Retry(
    app_id: String,
    refund: Refund,
    order: Order,
    test_mode: bool,
    actions: RefundActions,
) -> impl IntoView {
    let lang = use_lang();
    let mut fields = fields(&app_id, &refund);
    fields.push(("attempt", refund.submissions.count().to_string()));
    view! {
        <Confirm
            action=actions.retry
            fields
            happens=texts::what_retry_does(&refund, &order, lang)
            button=texts::retry_button(refund.amount, lang)
            test_mode
        />
    }
}

/// Confirms the closing of a failed refund, or of one in progress that its channel does not know.
#[component]
fn Close(app_id: String, refund: Refund, order: Order, actions: RefundActions) -> impl IntoView {
    let lang = use_lang();
    view! {
        <Confirm
            action=actions.close
            fields=fields(&app_id, &refund)
            happens=match refund.holds() {
                true => texts::what_closing_open_does(&refund, &order, lang),
                false => texts::what_closing_does(&refund, &order, lang),
            }
            button=texts::CLOSE_REFUND.get(lang)
        />
    }
}

/// Shows what a booking does, and asks for its evidence. The server refuses it where the refund or the order's balance
/// has changed since it was shown.
#[component]
fn Book(
    app_id: String,
    refund: Refund,
    order: Order,
    booking: Booking,
    change: Amounts,
    actions: RefundActions,
) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let action = actions.book;
    let mut fields = fields(&app_id, &refund);
    fields.push(("booking", booking.as_str().to_owned()));
    fields.push(("refundable", order.refundable().0.to_string()));
    view! {
        <p class="happens">{texts::what_booking_does(&refund, &order, booking, change, lang)}</p>
        <Primary
            action
            fields
            text=texts::book_button(booking, refund.amount, lang)
            class="fields"
            typed=&["remark"]
        >
            <label>
                <span>{t(texts::BASIS)}</span>
                <textarea name="remark" rows="3" required maxlength=limits::REMARK_CHARS.to_string()></textarea>
                <small>{t(texts::BASIS_HINT)}</small>
            </label>
            <ActionErrorNote action/>
        </Primary>
    }
}

/// Asks for a remark and marks the refund as reviewed.
#[component]
fn Review(app_id: String, refund: Refund, actions: RefundActions) -> impl IntoView {
    let t = use_texts();
    let action = actions.review;
    view! {
        <p class="happens">{t(texts::WHAT_REVIEW_DOES)}</p>
        <Primary
            action
            fields=fields(&app_id, &refund)
            text=t(texts::REVIEW_ACT)
            class="fields"
            typed=&["remark"]
        >
            <label>
                <span>{t(texts::REMARK)} " " <small>{t(texts::OPTIONAL)}</small></span>
                <textarea name="remark" rows="3" maxlength=limits::REMARK_CHARS.to_string()></textarea>
            </label>
            <ActionErrorNote action/>
        </Primary>
    }
}

/// Retries a refund where scripts are off: `/apps/:app_id/refunds/:number/retry`.
#[component]
pub fn RetryRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::RETRY_TITLE what=RETRY/> }
}

/// Closes a refund where scripts are off: `/apps/:app_id/refunds/:number/close`.
#[component]
pub fn CloseRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::CLOSE_TITLE what=CLOSE/> }
}

/// Books overpaid or returned money where scripts are off: `/apps/:app_id/refunds/:number/book`.
#[component]
pub fn BookRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::BOOK_TITLE what=BOOK/> }
}

/// Marks a refund as reviewed where scripts are off: `/apps/:app_id/refunds/:number/review`.
#[component]
pub fn ReviewRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::REVIEW_TITLE what=REVIEW/> }
}

/// Shows the action `what` of a refund, or why it is not possible now.
#[component]
fn ConfirmPage(title: Text, what: &'static str) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let app_id = use_app_id();
    let number = use_number();
    let actions = RefundActions::new();
    let refund = Loader::new(move || (app_id.get(), number.get(), 0), load_refund);
    let body = move |view: RefundView| {
        let RefundView {
            refund,
            order,
            test_mode,
            ..
        } = view;
        let app_id = app_id.get_untracked();
        let Some(allowed) = view.allowed else {
            return view! { <p>{t(texts::ONLY_LOOKING)}</p> }.into_any();
        };
        match (what, allowed.book) {
            (BOOK, Some((booking, change))) => {
                view! { <Book app_id refund order booking change actions/> }.into_any()
            }
            (RETRY, _) if allowed.retry => {
                view! { <Retry app_id refund order test_mode actions/> }.into_any()
            }
            (CLOSE, _) if allowed.close => {
                view! { <Close app_id refund order actions/> }.into_any()
            }
            (REVIEW, _) if allowed.review => view! { <Review app_id refund actions/> }.into_any(),
            _ => {
                let why = match what {
                    RETRY if allowed.close => texts::too_little_left(&order, lang),
                    BOOK => t(texts::NOTHING_TO_BOOK).to_owned(),
                    _ => texts::refund_meaning(&refund, lang),
                };
                view! {
                    <ActionErrorNote action=actions.retry/>
                    <ActionErrorNote action=actions.close/>
                    <ActionErrorNote action=actions.review/>
                    <ActionErrorNote action=actions.book/>
                    <p>{why}</p>
                }
                .into_any()
            }
        }
    };
    let back = move || {
        let page = format!("refunds/{}", escape(&number.get()));
        app_path(&app_id.get(), &page)
    };
    view! {
        <PageTitle text=t(title)/>
        <StepHeading text=title/>
        <Loaded resource=refund let:view>
            <div class="narrow">
                {body(view)}
                <a class="plain" href=back>{t(texts::BACK_TO_REFUND)}</a>
            </div>
        </Loaded>
    }
}
