//! The pages of single things are a WebAssembly part of their own, loaded when the first of them is opened.

use leptos::prelude::*;
use leptos::wasm_split::{self, SplitLoaderError, wasm_split};
use leptos_router::ChooseView;

use super::{CloseRefundPage, OrderPage, RefundOrderPage, RefundPage, RetryRefundPage};

/// A page of the part; as a route's view it loads the part first.
#[derive(Clone, Copy)]
pub enum Part {
    Order,
    RefundOrder,
    Refund,
    RetryRefund,
    CloseRefund,
}

impl ChooseView for Part {
    async fn choose(self) -> AnyView {
        match part(self).await {
            Ok(page) => page,
            Err(_) => {
                reload();
                ().into_any()
            }
        }
    }

    async fn preload(&self) {
        // What goes wrong here goes wrong again in `choose`.
        let _ = load_part().await;
    }
}

#[wasm_split(details, wasm_split_path = wasm_split, preload(load_part), fallible)]
fn part(page: Part) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        Part::Order => view! { <OrderPage/> }.into_any(),
        Part::RefundOrder => view! { <RefundOrderPage/> }.into_any(),
        Part::Refund => view! { <RefundPage/> }.into_any(),
        Part::RetryRefund => view! { <RetryRefundPage/> }.into_any(),
        Part::CloseRefund => view! { <CloseRefundPage/> }.into_any(),
    })
}

/// The part is not there any more: the server is of another release by now, and this page with it.
fn reload() {
    let _ = window().location().reload();
}

/// Loads the part where the page of this path is in it: what the server has rendered can then be taken
/// over at once.
pub async fn load_for(path: &str) {
    if is_in_part(path) {
        let _ = load_part().await;
    }
}

/// Whether the page is in the part: `/apps/:app/orders/:number` and below.
pub fn is_in_part(path: &str) -> bool {
    path.starts_with("/apps/") && path.trim_end_matches('/').split('/').count() > 4
}
