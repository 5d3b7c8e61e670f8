//! The console: rendered by the server, taken over by the browser, complete without scripts.
//!
//! What the browser has to load is kept small: every kind of answer that it reads, every resource and every
//! component with a type parameter is compiled once for each type. So answers are made of few types
//! ([`view`]), and what differs from page to page is data where it can be.
//!
//! # How to write a page
//!
//! 1. **Ask the server.** Add a function to `rpc/` (`#[server(endpoint = "...", input = GetUrl)]` for
//!    reading, without `input` for what changes something). Its body is one call into
//!    `crate::server::desk::...`, which begins with who asks: `Caller::viewer(&app).await?`, or
//!    `Caller::mover(&app).await?` where money moves or a state changes. It returns view types that
//!    are ready to be shown: moments as [`view::Stamp`] (`caller.stamp(at)`). Errors are
//!    [`rpc::Trouble`]; `?` turns the server's into it.
//! 2. **Write the page** as one file in `pages/`, add it to the routes below with
//!    `ssr=SsrMode::Async`. A page about one thing (`/apps/:app_id/THINGS/:number`, and what lies below)
//!    belongs to the part of the module that is loaded later: it is a [`pages::Part`]. A page holds an `Ask` and reads it inside `<Loaded>`, which waits on the
//!    server, dims in the browser and shows troubles:
//!    ```ignore
//!    let order = Ask::new(move || (app.get(), number.get(), 0), load_order);
//!    view! { <Loaded resource=order let:order> ... </Loaded> }
//!    ```
//!    The title is `<PageTitle text=.../>`. Everything that looks alike is in `components/`.
//! 3. **Texts** are constants and functions in [`words`], in both languages; `let t = use_texts();`
//!    looks them up. The language never changes within a page, so texts are plain, not reactive.
//! 4. **A list** is a `static` of type `List` that says its filters and columns, shown by
//!    `<ListPage list=&.../>`: see `pages/orders.rs`. Its rows come as cells, made by the server: add it to
//!    [`rpc::lists::ListName`] and `server/console/lists.rs`. Filters, chips, the sorting heads and the
//!    pager read and change the URL, and the server reads the same [`query::Query`]; parameters of a new
//!    name are added to [`query::NAMES`].
//! 5. **An action** is a form that works without scripts: `let sync = FormAction::of::<SyncOrder>();`,
//!    `<Act deed=sync fields text key/>` is one button, `<ActionErrorNote deed=sync/>` what went wrong. On
//!    success the function leads to a page by `caller::redirect`; an `Ask` that shows what changed has
//!    `sync.version()` in what it is about. What moves money or is final is a `<Confirm>`, in a `<Dialog>`
//!    and on a page of its own below `<StepHeading>`: it takes no press before it can have been read (`Arm`).
//! 6. **Keys**: give what a key should press `aria-keyshortcuts="r"`, row links `of_row=true`; see
//!    `components/hands.rs`. **Style**: `style/main.css`; no inline style, the security policy
//!    forbids it.

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
    CallbacksPage, HelpPage, HomePage, LazyPage, LoginPage, NotFoundPage, NoticesPage, OrdersPage,
    RefundsPage, ReviewQueuePage, SyncsPage,
};
use preferences::provide_preferences;

/// The console.
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
                </ParentRoute>
            </Routes>
        </Router>
    }
}
