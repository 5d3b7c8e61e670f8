//! Refunding an order: first the form, then a confirmation, which is a dialog with scripts and a page of its own
//! without.

use leptos::ev::{Event, SubmitEvent};
use leptos::prelude::*;
use leptos_router::hooks::use_url;
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, HtmlInputElement};

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::hooks::use_number;
use crate::console::pages::order::balance::Balance;
use crate::console::paths::app_path;
use crate::console::paths::escape;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::orders::{RefundOrder, load_order};
use crate::console::texts;
use crate::console::view::refund_form::{Intent, Typed};
use crate::console::view::{ApiError, OrderView, refund_form as form};
use crate::domain::error::Refusal;
use crate::domain::lang::{Lang, Text};
use crate::domain::limits;
use crate::domain::money::Fen;
use crate::domain::order::Order;

/// Dialog that asks for confirmation.
const CONFIRM: &str = "confirm";

/// The state that a form keeps while its page reloads: the typed values, and the server's objections.
#[derive(Clone, Copy)]
pub struct Draft {
    /// The order's number, and the values typed for it.
    typed: RwSignal<Option<(String, Typed)>>,
    refused: RwSignal<Vec<Wrong>>,
    /// Reloads the page after the balance has changed.
    reload: Callback<()>,
}

impl Draft {
    /// Makes an empty draft. `reload` reloads the page.
    pub fn new(reload: impl Fn() + Send + Sync + 'static) -> Draft {
        Draft {
            typed: RwSignal::new(None),
            refused: RwSignal::new(Vec::new()),
            reload: Callback::new(move |()| reload()),
        }
    }

    /// Returns the values typed for this order, and the server's objections.
    fn of(self, order_no: &str) -> (Option<Typed>, Vec<Wrong>) {
        match self.typed.get_untracked() {
            Some((of, typed)) if of == order_no => (Some(typed), self.refused.get_untracked()),
            _ => (None, Vec::new()),
        }
    }

    /// Keeps typed values and objections.
    fn keep(self, order_no: &str, typed: Typed, refused: Vec<Wrong>) {
        self.typed.set(Some((order_no.to_owned(), typed)));
        self.refused.set(refused);
    }
}

/// Refunds an order where scripts are off: `/apps/:app_id/orders/:number/refund`.
#[component]
pub fn RefundOrderPage() -> impl IntoView {
    let t = use_texts();
    let app_id = use_app_id();
    let number = use_number();
    let url = use_url();
    let order = Loader::new(move || (app_id.get(), number.get(), 0), load_order);
    let action = FormAction::of::<RefundOrder>();
    let draft = Draft::new(move || order.again());
    if let Some(typed) = url.with_untracked(|url| Typed::parse(url.search())) {
        let refused = refused_fields(untrack(|| action.outcome()));
        draft.keep(&number.get_untracked(), typed, refused);
    }
    view! {
        <PageTitle text=t(texts::CONFIRM_REFUND)/>
        <Loaded resource=order let:view>
            <Step app_id=app_id.get_untracked() view action draft/>
        </Loaded>
    }
}

/// Shows the confirmation where nothing is wrong with the typed values, the form otherwise.
#[component]
fn Step(app_id: String, view: OrderView, action: FormAction, draft: Draft) -> impl IntoView {
    let t = use_texts();
    let OrderView {
        order,
        test_mode,
        biz_refund_no,
        may_move_money,
        obstacle,
        ..
    } = view;
    let back = app_path(&app_id, &format!("orders/{}", escape(&order.order_no)));
    let (typed, refused) = draft.of(&order.order_no);
    let open = may_move_money && obstacle.is_none() && refused.is_empty();
    let intent = typed
        .filter(|_| open)
        .and_then(|typed| Some((typed.check(&order).ok()?, typed)));
    match intent {
        Some((intent, typed)) => view! {
            <StepHeading text=texts::CONFIRM_REFUND/>
            <div class="narrow">
                <LastStep app_id action order test_mode intent typed/>
                <a href=back>{t(texts::CANCEL)}</a>
            </div>
        }
        .into_any(),
        None => view! {
            <h1>{t(texts::REFUND)}</h1>
            <div class="narrow">
                <Balance order=order.clone()/>
                <RefundForm app_id order test_mode biz_refund_no may_move_money obstacle draft/>
                <a href=back>{t(texts::BACK)}</a>
            </div>
        }
        .into_any(),
    }
}

/// Shows the form, or the reason why this order cannot be refunded.
#[component]
pub fn RefundForm(
    app_id: String,
    order: Order,
    test_mode: bool,
    biz_refund_no: String,
    may_move_money: bool,
    obstacle: Option<String>,
    draft: Draft,
) -> impl IntoView {
    let t = use_texts();
    if let Some(obstacle) = obstacle {
        return view! { <p class="faint">{obstacle}</p> }.into_any();
    }
    if order.refundable() == Fen::ZERO {
        return view! { <p class="faint">{t(texts::NOTHING_LEFT)}</p> }.into_any();
    }
    if !may_move_money {
        return view! { <p class="faint">{t(texts::ONLY_LOOKING)}</p> }.into_any();
    }
    view! { <Form app_id order test_mode biz_refund_no draft/> }.into_any()
}

/// Shows the form and its confirmation dialog.
#[component]
fn Form(
    app_id: String,
    order: Order,
    test_mode: bool,
    biz_refund_no: String,
    draft: Draft,
) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let action = FormAction::of::<RefundOrder>();
    let target = app_path(
        &app_id,
        &format!("orders/{}/refund", escape(&order.order_no)),
    );
    let fresh = Typed::fresh(&order, &biz_refund_no);

    // Values typed for a balance that has changed are shown again, for the operator to check.
    let order_no = order.order_no.clone();
    let (typed, refused) = draft.of(&order_no);
    let wrong = match &typed {
        Some(typed) if refused.is_empty() => wrong_with(typed, &order, lang),
        _ => refused,
    };
    let start = typed.map_or(fresh.clone(), |typed| Typed {
        expected: fresh.expected.clone(),
        ..typed
    });
    let wrong = RwSignal::new(wrong);
    let intent = RwSignal::new(None::<(Intent, Typed)>);
    let number = order_no.clone();
    let input = move |ev: Event| draft.keep(&number, read(&ev), Vec::new());

    // The first wrong field gets the focus.
    Effect::new(move |_| {
        if wrong.with(|wrong| !wrong.is_empty()) {
            request_animation_frame(|| go_to("form.fields [aria-invalid]"));
        }
    });

    // With scripts the next step is a dialog over this page.
    let checked = order.clone();
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        let typed = read(&ev);
        match typed.check(&checked) {
            Ok(checked) => {
                wrong.set(Vec::new());
                action.clear();
                intent.set(Some((checked, typed)));
                // The dialog opens in the next frame, when its content has been rendered.
                request_animation_frame(|| open_dialog(CONFIRM));
            }
            Err(refusals) => wrong.set(marks(refusals, lang)),
        }
    };

    // An objection of the server closes the dialog and is shown at its field, beside the present balance.
    Effect::new(move |_| {
        let refusals = refused_fields(action.outcome());
        if let Some((_, typed)) = intent.get_untracked().filter(|_| !refusals.is_empty()) {
            close_dialog(CONFIRM);
            draft.keep(&order_no, typed, refusals);
            draft.reload.run(());
        }
    });

    let field = move |name: &'static str| Signal::derive(move || problem_of(&wrong.get(), name));
    let dialog = {
        let (app_id, order) = (app_id.clone(), order.clone());
        move || {
            intent.get().map(|(intent, typed)| {
                view! { <LastStep app_id=app_id.clone() action order=order.clone() test_mode intent typed/> }
                    .into_any()
            })
        }
    };
    view! {
        <form class="fields" method="get" action=target on:submit=submit on:input=input>
            <Field label=texts::REFUND_AMOUNT problem=field(form::AMOUNT) name=form::AMOUNT>
                <input
                    id=form::AMOUNT
                    name=form::AMOUNT
                    class="amount"
                    value=start.amount
                    inputmode="decimal"
                    autocomplete="off"
                    maxlength="16"
                    aria-keyshortcuts="r"
                    aria-invalid=move || field(form::AMOUNT).get().map(|_| "true")
                    aria-describedby="amount-problem"
                />
            </Field>
            <Field label=texts::REASON optional=true problem=field(form::REASON) name=form::REASON>
                <input
                    id=form::REASON
                    name=form::REASON
                    value=start.reason
                    autocomplete="off"
                    maxlength=limits::REASON_CHARS.to_string()
                    aria-invalid=move || field(form::REASON).get().map(|_| "true")
                    aria-describedby="reason-problem"
                />
            </Field>
            <Field
                label=texts::BIZ_REFUND_NO
                hint=texts::BIZ_REFUND_NO_HINT
                problem=field(form::BIZ_REFUND_NO)
                name=form::BIZ_REFUND_NO
            >
                <input
                    id=form::BIZ_REFUND_NO
                    name=form::BIZ_REFUND_NO
                    class="mono"
                    value=start.biz_refund_no
                    autocomplete="off"
                    spellcheck="false"
                    maxlength=limits::BIZ_REFUND_NO_CHARS.to_string()
                    aria-invalid=move || field(form::BIZ_REFUND_NO).get().map(|_| "true")
                    aria-describedby="biz_refund_no-problem"
                />
            </Field>
            <input type="hidden" name=form::EXPECTED value=start.expected/>
            <button class="primary">{t(texts::REVIEW)}</button>
        </form>
        <Dialog id=CONFIRM title=texts::CONFIRM_REFUND close=texts::CHANGE>
            {dialog}
        </Dialog>
    }
}

/// Shows the sentence with the consequences, and the button.
#[component]
fn LastStep(
    app_id: String,
    action: FormAction,
    order: Order,
    test_mode: bool,
    intent: Intent,
    typed: Typed,
) -> impl IntoView {
    let lang = use_lang();
    let mut fields = vec![("app_id", app_id), ("order_no", order.order_no.clone())];
    fields.extend(typed.fields());
    let amount = intent.amount;
    let sentences = texts::what_will_happen(&order, amount, lang).join(match lang {
        Lang::Zh => "",
        Lang::En => " ",
    });
    view! {
        <Confirm action fields happens=sentences button=texts::refund_button(amount, lang) test_mode>
            <dl class="facts narrow">
                <Fact name=texts::REASON><MaybeText text=intent.reason/></Fact>
                <Fact name=texts::BIZ_REFUND_NO>
                    <span class="mono">{intent.biz_refund_no}</span>
                </Fact>
            </dl>
        </Confirm>
    }
}

/// Reads the form that an event comes from.
fn read(ev: &Event) -> Typed {
    let form = ev
        .current_target()
        .map(|form| form.unchecked_into::<HtmlFormElement>());
    let value = |name: &str| {
        let field = form.as_ref()?.elements().named_item(name)?;
        Some(field.dyn_into::<HtmlInputElement>().ok()?.value())
    };
    let value = |name| value(name).unwrap_or_default();
    Typed {
        amount: value(form::AMOUNT),
        reason: value(form::REASON),
        biz_refund_no: value(form::BIZ_REFUND_NO),
        expected: value(form::EXPECTED),
    }
}

/// Name of a field, and what is wrong with it.
type Wrong = (String, String);

/// Returns what is wrong with the typed values.
fn wrong_with(typed: &Typed, order: &Order, lang: Lang) -> Vec<Wrong> {
    marks(typed.check(order).err().unwrap_or_default(), lang)
}

/// Returns the refusals that belong to a field, as texts.
fn marks(refusals: Vec<Refusal>, lang: Lang) -> Vec<Wrong> {
    let mark = |refusal| match refusal {
        Refusal::Field { field, reason } => {
            Some((field.into_owned(), texts::problem(&reason, lang)))
        }
        _ => None,
    };
    refusals.into_iter().filter_map(mark).collect()
}

/// Returns the server's objection to a field.
fn refused_fields(outcome: Option<Result<(), ApiError>>) -> Vec<Wrong> {
    let error = outcome.and_then(Result::err);
    error
        .and_then(|error| Some((error.field?, error.text)))
        .into_iter()
        .collect()
}

/// Returns what is wrong with one field.
fn problem_of(wrong: &[Wrong], name: &str) -> Option<String> {
    wrong
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, problem)| problem.clone())
}

/// Renders a field with its label, hint and error.
#[component]
fn Field(
    label: Text,
    name: &'static str,
    problem: Signal<Option<String>>,
    #[prop(optional)] hint: Option<Text>,
    #[prop(optional)] optional: bool,
    children: Children,
) -> impl IntoView {
    let t = use_texts();
    view! {
        <div class="field">
            <label for=name>
                {t(label)} {optional.then(|| view! { " "<small>{t(texts::OPTIONAL)}</small> }.into_any())}
            </label>
            {children()}
            {hint.map(|hint| view! { <small>{t(hint)}</small> }.into_any())}
            <p class="problem" id=format!("{name}-problem") role="alert">
                {move || problem.get()}
            </p>
        </div>
    }
}
