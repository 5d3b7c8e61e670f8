//! The pages about one thing (an order, a refund, a notice, a callback). They are a separate WebAssembly module, which
//! is loaded when the first of them is opened, so that lists appear without waiting for it: see ARCHITECTURE.md, "What
//! the browser loads".

use leptos::prelude::*;
use leptos::wasm_split::{self, SplitLoaderError, wasm_split};
use leptos_router::ChooseView;
use leptos_router::hooks::use_url;

use crate::console::pages::{
    AuditCheckPage, BookRefundPage, CallbackPage, CloseRefundPage, NoticePage, OrderPage,
    RefundOrderPage, RefundPage, RestoredPage, RetryRefundPage, ReviewRefundPage, SendNoticePage,
};
use crate::console::paths::RESTORED_PAGE;

/// A page of the lazy module. As a route's view it loads the module first.
#[derive(Clone, Copy)]
pub enum LazyPage {
    Order,
    RefundOrder,
    Refund,
    RetryRefund,
    CloseRefund,
    ReviewRefund,
    BookRefund,
    Notice,
    SendNotice,
    Callback,
    AuditCheck,
    Restored,
}

impl ChooseView for LazyPage {
    async fn choose(self) -> AnyView {
        let address = use_url()
            .with_untracked(|url| url.path().to_owned() + &url.search_params().to_query_string());
        page(self).await.unwrap_or_else(|_| {
            // The server may run another release by now, which serves the page with its own module.
            let _ = window().location().set_href(&address);
            ().into_any()
        })
    }

    async fn preload(&self) {
        // A failure shows again in `choose`, which handles it.
        let _ = load().await;
    }
}

/// Renders a page. The attribute moves the function, and all code that only it calls, into the module.
#[wasm_split(details, wasm_split_path = wasm_split, preload(load), fallible)]
fn page(page: LazyPage) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        LazyPage::Order => view! { <OrderPage/> }.into_any(),
        LazyPage::RefundOrder => view! { <RefundOrderPage/> }.into_any(),
        LazyPage::Refund => view! { <RefundPage/> }.into_any(),
        LazyPage::RetryRefund => view! { <RetryRefundPage/> }.into_any(),
        LazyPage::CloseRefund => view! { <CloseRefundPage/> }.into_any(),
        LazyPage::ReviewRefund => view! { <ReviewRefundPage/> }.into_any(),
        LazyPage::BookRefund => view! { <BookRefundPage/> }.into_any(),
        LazyPage::Notice => view! { <NoticePage/> }.into_any(),
        LazyPage::SendNotice => view! { <SendNoticePage/> }.into_any(),
        LazyPage::Callback => view! { <CallbackPage/> }.into_any(),
        LazyPage::AuditCheck => view! { <AuditCheckPage/> }.into_any(),
        LazyPage::Restored => view! { <RestoredPage/> }.into_any(),
    })
}

/// Loads the module if the page at this path needs it, so that the server's rendering can be hydrated at once.
/// Returns false where the loading fails.
pub async fn load_for(path: &str) -> bool {
    !is_lazy(path) || load().await.is_ok()
}

/// Returns true for `/apps/:app_id/orders/:number`, its siblings and the pages below them, and the page of restored mode.
pub fn is_lazy(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == RESTORED_PAGE || path.starts_with("/apps/") && path.split('/').count() > 4
}

#[cfg(test)]
mod tests {
    use crate::console::pages::lazy::is_lazy;

    #[test]
    fn lists_are_not_in_the_part() {
        for path in ["/", "/login", "/help", "/apps/A/orders", "/apps/A/orders/"] {
            assert!(!is_lazy(path), "{path}");
        }
        for path in ["/apps/A/orders/P1", "/apps/A/refunds/R1/retry", "/restored"] {
            assert!(is_lazy(path), "{path}");
        }
    }
}
