//! Requests of merchants and operators at any time: new refunds, several of an order, repeats, and all actions of the
//! console.

use refundry::domain::event::Actor;
use refundry::domain::money::Fen;
use refundry::domain::notice::NoticeKey;
use refundry::domain::order::{NewOrder, Order, OrderStatus};
use refundry::domain::refund::{NewRefund, RefundKey};
use refundry::server::refunds::OnRepeat;
use refundry::server::{notices, orders, refunds};

use crate::bank::State;
use crate::history::History;
use crate::nodes::{Action, CHANNELS, Outcome, merchant};
use crate::support;
use crate::world::{MINUTE, SECOND};

impl History {
    /// Makes a random request.
    pub fn wish(&mut self) {
        if self.believe_denial() || self.retry_before_old_refusal() {
            return;
        }
        let kind = {
            let mut world = self.world.lock();
            // While the merchant's system is down, notices wait, so this is the time for refunds to reach a second
            // state.
            let down = world.now < world.receiver_down;
            match down && world.chance(70.0) {
                true => world.between(65, 89),
                false => world.between(0, 99),
            }
        };
        match kind {
            0..55 => self.ask_for_new(),
            55..65 => self.ask_again(),
            65..75 => self.sync(),
            75..84 => self.retry(),
            84..89 => self.close(),
            89..94 => self.review(),
            _ => self.send_again(),
        }
    }

    /// Acts, most of the time, on a channel's denial: an operator closes the refund, and the merchant refunds the rest
    /// of the order in another way. Returns false where nobody acts.
    fn believe_denial(&mut self) -> bool {
        let denied: Vec<_> = {
            let world = self.world.lock();
            let denied = world
                .book
                .iter()
                .filter(|(_, entry)| entry.state == State::Denied);
            denied.map(|(no, _)| no.clone()).collect()
        };
        let denied = self.world.lock().pick(&denied);
        let Some(denied) = denied.filter(|_| self.world.lock().chance(60.0)) else {
            return false;
        };
        let mut rows = self.inspector.refunds().into_iter();
        let Some(refund) = rows.find(|row| row.channel_no == denied) else {
            return false;
        };
        match (refund.status.as_str(), refund.review_reason.as_deref()) {
            ("progress", Some("absent")) => self.close_refund(refund.refund_no),
            ("close", _) => {
                let mut orders = self.orders.iter();
                let order = orders.find(|order| order.order_no == refund.order_no);
                let left = self.inspector.left(&refund.order_no);
                match order.cloned() {
                    Some(order) if left > 0 => self.ask_for(&order, left),
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }

    /// Retries, most of the time, a refund while a node is still held up with a refusal of it. The node uses the
    /// refusal soon after. Returns false where there is no retry.
    fn retry_before_old_refusal(&mut self) -> bool {
        let held: Vec<_> = {
            let world = self.world.lock();
            let held = world.refusals_held_up.iter();
            let held = held.filter(|(_, until)| **until > world.now);
            held.map(|(no, until)| (no.clone(), *until)).collect()
        };
        let failed: Vec<_> = (self.inspector.refunds().into_iter())
            .filter(|row| row.status == "fail")
            .filter_map(|row| {
                let (_, until) = held.iter().find(|(no, _)| *no == row.channel_no)?;
                Some((row, *until))
            })
            .collect();
        let failed = self.world.lock().pick(&failed);
        let Some((refund, until)) = failed.filter(|_| self.world.lock().chance(80.0)) else {
            return false;
        };
        {
            let mut world = self.world.lock();
            let soon = world.now + world.between(SECOND, 2 * MINUTE);
            let mut parked = world.parked.iter_mut();
            if let Some(holder) = parked.find(|parked| parked.until == until) {
                holder.until = soon;
            }
            world.refusals_held_up.remove(&refund.channel_no);
        }
        self.retry_refund(refund.refund_no, Some(refund.submissions));
        true
    }

    fn ask_for_new(&mut self) {
        if self.orders.is_empty() || self.world.lock().chance(40.0) {
            self.record_order();
        }
        let order = self.world.lock().pick(&self.orders);
        let Some(order) = order else { return };
        let part = self.world.lock().between(1, order.amount.0);
        let size = self.world.lock().between(0, 9);
        let amount = match size {
            0 => order.amount.0,
            1 => order.amount.0 + 1,
            _ => part,
        };
        self.ask_for(&order, amount);
    }

    fn ask_for(&mut self, order: &Order, amount: i64) {
        let number = self.asked.len();
        let new = NewRefund {
            not_notify: false,
            request: None,
            client_ip: Some("203.0.113.7".to_owned()),
            ..support::new_refund(order, &format!("R{number}"), Fen(amount))
        };
        self.asked.push(new.clone());
        self.world.lock().counts.refunds += 1;
        self.issue(new);
    }

    fn record_order(&mut self) {
        let (number, channel, amount) = {
            let mut world = self.world.lock();
            (
                world.serial(),
                world.pick(&CHANNELS),
                world.between(1, 1_000),
            )
        };
        let new = NewOrder {
            channel: channel.expect("there are channels"),
            status: OrderStatus::Success,
            ..support::paid_order("OK", &number.to_string(), Fen(amount))
        };
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let order = orders::record(&ctx, &merchant(), new, Actor::Merchant).await?;
                Ok(Outcome::Order(Box::new(order)))
            })
        });
        self.begin_anywhere("an order".to_owned(), None, action);
    }

    /// Repeats a request, most often of a failed refund, which is then submitted again.
    fn ask_again(&mut self) {
        let failed = self.failed_refund().map(|refund| refund.biz_refund_no);
        let mut world = self.world.lock();
        let of_failed: Vec<_> = self
            .asked
            .iter()
            .filter(|new| Some(&new.biz_refund_no) == failed.as_ref())
            .cloned()
            .collect();
        let known = match world.chance(70.0) {
            true => world.pick(&of_failed),
            false => world.pick(&self.asked),
        };
        drop(world);
        if let Some(new) = known {
            self.issue(new);
        }
    }

    fn issue(&mut self, new: NewRefund) {
        let name = format!(
            "issue {} of {:?}: {}",
            new.biz_refund_no, new.order, new.amount.0
        );
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let refund =
                    refunds::issue(&ctx, &merchant(), new, OnRepeat::Retry, Actor::Merchant)
                        .await?;
                Ok(Outcome::Refund(Box::new(refund)))
            })
        });
        self.begin_anywhere(name, None, action);
    }

    /// Returns one of our refunds, most often one that an operator would look at.
    fn some_refund(&mut self) -> Option<crate::inspector::Row> {
        let rows = self.inspector.refunds();
        let mut world = self.world.lock();
        let first = match world.chance(70.0) {
            true => rows.len().saturating_sub(8),
            false => 0,
        };
        world.pick(&rows[first..])
    }

    /// Returns a refund that has failed lately, whose notice may still be on its way.
    fn failed_refund(&mut self) -> Option<crate::inspector::Row> {
        let rows = self.inspector.refunds();
        let failed: Vec<_> = rows
            .into_iter()
            .filter(|row| row.status == "fail")
            .collect();
        let last = failed.len().saturating_sub(3);
        self.world.lock().pick(&failed[last..])
    }

    fn sync(&mut self) {
        let Some(refund) = self.some_refund() else {
            return;
        };
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let key = RefundKey::RefundNo(refund.refund_no);
                let sync = refunds::sync(&ctx, &merchant(), &key, operator()).await?;
                Ok(Outcome::Refund(Box::new(sync.refund)))
            })
        });
        self.begin_anywhere("sync by hand".to_owned(), None, action);
    }

    fn retry(&mut self) {
        let sensible = self.world.lock().chance(80.0);
        let refund = match sensible {
            true => self.failed_refund(),
            false => self.some_refund(),
        };
        let Some(refund) = refund else { return };
        let seen = self.world.lock().chance(50.0).then_some(refund.submissions);
        self.retry_refund(refund.refund_no, seen);
    }

    fn retry_refund(&mut self, refund_no: String, seen: Option<i64>) {
        let name = format!("retry {refund_no}");
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let retried =
                    refunds::retry(&ctx, &merchant(), &refund_no, seen, operator()).await?;
                Ok(Outcome::Refund(Box::new(retried)))
            })
        });
        self.begin_anywhere(name, None, action);
    }

    fn close(&mut self) {
        let failed = self.world.lock().chance(50.0);
        let refund = match failed {
            true => self.failed_refund(),
            false => self.some_refund(),
        };
        let Some(refund) = refund else { return };
        self.close_refund(refund.refund_no);
    }

    fn close_refund(&mut self, refund_no: String) {
        let name = format!("close {refund_no}");
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let closed = refunds::close(&ctx, &merchant(), &refund_no, operator()).await?;
                Ok(Outcome::Refund(Box::new(closed)))
            })
        });
        self.begin_anywhere(name, None, action);
    }

    fn review(&mut self) {
        let rows = self.inspector.refunds();
        let raised: Vec<_> = rows
            .into_iter()
            .filter(|row| row.review_reason.is_some())
            .collect();
        let refund = self.world.lock().pick(&raised);
        let Some(refund) = refund else { return };
        let name = format!("review {}", refund.refund_no);
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let (no, seen) = (refund.refund_no, refund.version);
                let seen = refunds::review(&ctx, &merchant(), &no, seen, "", operator()).await?;
                Ok(Outcome::Refund(Box::new(seen)))
            })
        });
        self.begin_anywhere(name, None, action);
    }

    fn send_again(&mut self) {
        let all = self.inspector.notices();
        let notice = self.world.lock().pick(&all);
        let Some(notice) = notice else { return };
        let name = format!("send {} {} again", notice.refund_no, notice.seq);
        let key = NoticeKey {
            app_id: merchant().app_id,
            refund_no: notice.refund_no,
            seq: notice.seq,
        };
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                notices::send_again(&ctx, &key, operator()).await?;
                Ok(Outcome::Nothing)
            })
        });
        self.begin_anywhere(name, None, action);
    }
}

fn operator() -> Actor {
    Actor::Operator("desk".to_owned())
}
