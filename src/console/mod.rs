//! The console: rendered by the server, hydrated by the browser, complete without scripts.
//!
//! The browser loads little: a component or resource with a type parameter is compiled once for each type, so
//! forms, lists and detail pages each have one component that is given data. ARCHITECTURE.md, "What the browser
//! loads", has the figures.
//!
//! # How to write a page
//!
//! 1. **Server function.** Add a function to `rpc/`: `#[server(endpoint = "...", input = GetUrl)]` for reading,
//!    without `input` for a change. Its body is one call into `crate::server::desk`, whose function begins with
//!    `Caller::of(app_id, Permission::View).await?`, or another permission where money moves or a state changes. (A
//!    route that is neither a page nor a server function takes the extractor `LoggedIn` and calls
//!    `logged_in.at(app_id, ..)`.) It returns a type of [`mod@view`] that is ready to be shown; `caller.stamp(at)` makes
//!    a moment. Errors are [`view::ApiError`]; `?` converts the server's errors.
//! 2. **Page.** Add a file to `pages/`, and a route below with `ssr=SsrMode::Async`. A page about one thing
//!    (`/apps/:app_id/THINGS/:number`, and the pages below it) is a [`pages::LazyPage`]. A page makes a `Loader` and
//!    reads it inside `<Loaded>`, which waits on the server, dims in the browser, and shows errors:
//!    ```ignore
//!    let order = Loader::new(move || (app_id.get(), number.get(), 0), load_order);
//!    view! { <Loaded resource=order let:order> ... </Loaded> }
//!    ```
//!    `<PageTitle text=.../>` sets the title. Everything that pages share is in `components/`.
//! 3. **Texts** are constants and functions in [`texts`], in both languages; `let t = use_texts();` looks them up. The
//!    language never changes within a page, so texts are plain values, not reactive ones.
//! 4. **List.** Declare a `static` [`components::List`] with filters and columns, shown by `<ListPage list=&.../>`: see
//!    `pages/orders.rs`. The server makes the rows as cells: add the list to [`view::ListName`] and to
//!    `server/desk/lists.rs`. Filters, chips, sorting heads and pager read and change the URL, and the server reads the
//!    same [`view::query::Query`]; add new parameters to [`view::query::NAMES`].
//! 5. **Action.** A form that works without scripts: `let sync = FormAction::of::<SyncOrder>();`. `<ActionButton
//!    action=sync fields text key/>` renders it as one button, `<ActionErrorNote action=sync/>` its error. On success
//!    the server function redirects to a page; a `Loader` with `sync.version()` in its key loads again. An action that
//!    moves money or is final has a `<Confirm>`, in a `<Dialog>` and on a page of its own below `<StepHeading>`: its
//!    button takes no press before the sentence can have been read (`Arm`).
//! 6. **Keys**: `aria-keyshortcuts="r"` gives an element the key `r`; `of_row=true` makes a number the link of its row.
//!    See `components/keyboard.rs`. **Style**: `style/main.css`. The security policy forbids inline style.

pub mod components;
pub mod hooks;
pub mod pages;
pub mod paths;
pub mod preferences;
pub mod rpc;
pub mod shell;
pub mod texts;
pub mod view;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use components::Layout;
use hooks::Waiting;
use pages::{
    AuditPage, CallbacksPage, HelpPage, HomePage, LazyPage, LoginPage, NotFoundPage, NoticesPage,
    OrdersPage, RefundsPage, ReviewQueuePage, SyncsPage,
};
use preferences::provide_preferences;

/// Renders the console.
#[component]
pub fn Console() -> impl IntoView {
    provide_meta_context();
    provide_preferences();
    let waiting = RwSignal::new(false);
    provide_context(Waiting(waiting));
    view! {
        <Router set_is_routing=waiting>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("/help") view=HelpPage ssr=SsrMode::Async/>
                    <Route path=path!("/restored") view=LazyPage::Restored ssr=SsrMode::Async/>
                    <Route path=path!("/apps/:app_id/orders") view=OrdersPage ssr=SsrMode::Async/>
                    <Route path=path!("/apps/:app_id/orders/:number") view=LazyPage::Order ssr=SsrMode::Async/>
                    <Route
                        path=path!("/apps/:app_id/orders/:number/refund")
                        view=LazyPage::RefundOrder
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("/apps/:app_id/refunds") view=RefundsPage ssr=SsrMode::Async/>
                    <Route path=path!("/apps/:app_id/refunds/:number") view=LazyPage::Refund ssr=SsrMode::Async/>
                    <Route
                        path=path!("/apps/:app_id/refunds/:number/retry")
                        view=LazyPage::RetryRefund
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/apps/:app_id/refunds/:number/close")
                        view=LazyPage::CloseRefund
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/apps/:app_id/refunds/:number/review")
                        view=LazyPage::ReviewRefund
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/apps/:app_id/refunds/:number/book")
                        view=LazyPage::BookRefund
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("/apps/:app_id/review") view=ReviewQueuePage ssr=SsrMode::Async/>
                    <Route path=path!("/apps/:app_id/notices") view=NoticesPage ssr=SsrMode::Async/>
                    <Route
                        path=path!("/apps/:app_id/notices/:number/:seq")
                        view=LazyPage::Notice
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/apps/:app_id/notices/:number/:seq/send")
                        view=LazyPage::SendNotice
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("/apps/:app_id/callbacks") view=CallbacksPage ssr=SsrMode::Async/>
                    <Route
                        path=path!("/apps/:app_id/callbacks/:number")
                        view=LazyPage::Callback
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("/apps/:app_id/syncs") view=SyncsPage ssr=SsrMode::Async/>
                    <Route path=path!("/apps/:app_id/audit") view=AuditPage ssr=SsrMode::Async/>
                    <Route path=path!("/apps/:app_id/audit/check") view=LazyPage::AuditCheck ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
