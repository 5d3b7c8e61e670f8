//! The data of the demonstration: a month of a small tea merchant's business. The same moment always gives the same
//! data.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::demo::ADMIN;
use crate::demo::plan::{BEHAVIOURS, Course, Plan, plans};
use crate::demo::story::{Story, origin};
use crate::domain::account::ChannelAccount;
use crate::domain::audit::Act;
use crate::domain::event::{Actor, Event};
use crate::domain::merchant::{AppChannel, Edition, MerchantApp, SignType};
use crate::domain::money::Fen;
use crate::domain::movement::Movement;
use crate::domain::order::{Channel, Method, Order, OrderKey, OrderStatus};
use crate::domain::refund::{NewRefund, Refund};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::server::channels::adapter::RefundTerms;
use crate::server::channels::sandbox::ledger::Params;
use crate::server::config::Config;
use crate::server::merchants::PUBLISHED_SECRET;
use crate::server::numbers::{Kind, Sequence};
use crate::server::orders;
use crate::server::store::sandbox::LedgerRow;

/// The demonstration's app.
pub const APP_ID: &str = "DEMO";
/// The secret of the demonstration's app.
pub const SECRET: &str = PUBLISHED_SECRET;

const SEED: u64 = 20_240_510;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
/// Time that the sandbox takes from accepting a refund to settling it.
const DELAY_MS: i64 = 2_000;

/// The data of a demonstration.
#[derive(Clone, Debug, Default)]
pub struct Month {
    pub orders: Vec<Order>,
    pub refunds: Vec<Refund>,
    pub movements: Vec<Movement>,
    pub events: Vec<Event>,
    pub acts: Vec<Act>,
    pub book: Vec<LedgerRow>,
}

/// Returns the demonstration's app.
pub fn merchant() -> MerchantApp {
    MerchantApp {
        app_id: APP_ID.to_owned(),
        name: "演示商户".to_owned(),
        mch_no: Some("M0000000001".to_owned()),
        secret: SECRET.into(),
        old_secret: None,
        sign_type: SignType::HmacSha256,
        enabled: true,
        is_default: true,
        sign_required: true,
        single_edition: true,
        edition: Edition::Open,
        req_time_leeway_ms: 5 * MINUTE_MS,
        notify_url: None,
        notify_hosts: Vec::new(),
        channels: accounts()
            .iter()
            .map(|account| AppChannel::by(account, 365))
            .collect(),
    }
}

/// Returns the demonstration's channel accounts: one of each channel, all in test mode.
pub fn accounts() -> Vec<ChannelAccount> {
    let account = |&channel: &Channel| {
        ChannelAccount::in_test_mode(&account_id(channel), channel, SECRET.into())
    };
    Channel::ALL.iter().map(account).collect()
}

fn account_id(channel: Channel) -> String {
    format!("{APP_ID}-{channel}")
}

const PRODUCTS: &[(&str, &[(&str, i64)])] = &[
    (
        "西湖龙井 明前特级",
        &[("50g", 12_800), ("100g", 23_900), ("250g 礼盒", 56_800)],
    ),
    (
        "安溪铁观音 清香型",
        &[("125g", 6_900), ("250g", 12_900), ("500g", 23_800)],
    ),
    ("武夷山大红袍", &[("100g", 15_800), ("200g 礼盒", 29_900)]),
    ("福鼎白毫银针", &[("50g", 16_800), ("300g 茶饼", 48_800)]),
    (
        "云南普洱熟茶",
        &[("357g 茶饼", 19_800), ("小青柑 15 粒", 8_850)],
    ),
    ("祁门红茶 特级", &[("125g", 8_800), ("250g", 15_990)]),
    ("茉莉花茶", &[("100g", 4_590), ("250g", 9_900)]),
    ("碧螺春 明前新茶", &[("100g", 18_600), ("200g", 35_500)]),
    ("冻顶乌龙", &[("150g", 11_000), ("300g", 20_800)]),
    ("冷泡茶包", &[("30 包", 3_990), ("60 包", 6_980)]),
    ("紫砂壶 西施 200ml", &[("", 39_900)]),
    ("盖碗 白瓷 150ml", &[("", 5_900), ("配公道杯", 12_800)]),
    ("旅行茶具 一壶四杯", &[("", 16_900)]),
    ("茶叶罐 锡制", &[("小号", 13_800), ("大号", 26_800)]),
    ("企业定制礼盒 ×10", &[("", 298_000)]),
    ("门店茶席体验 双人", &[("", 19_900)]),
];

const REASONS: &[&str] = &[
    "七天无理由退货",
    "商品破损，补退差额",
    "发错规格",
    "协商一致退款",
    "重复下单",
    "缺货，无法发出",
    "物流丢件",
    "价保补差",
    "客户取消预约",
    "包装受潮",
];

const SHOPS: &[&str] = &["MALL", "APP", "WX", "STORE01", "STORE02"];

/// Makes the month before a moment.
pub fn make(config: &Config, now: Timestamp) -> Month {
    let mut rng = StdRng::seed_from_u64(SEED);
    let numbers = Sequence::beginning_at(&config.number_prefix, &config.time_zone, 1);
    let mut planned: Vec<_> = plans(&mut rng)
        .into_iter()
        .map(|plan| (paid_at(&plan, config, now, &mut rng), plan))
        .collect();
    planned.sort_by_key(|(at, _)| *at);
    let mut month = Month::default();
    for (i, (paid_at, plan)) in planned.iter().enumerate() {
        let mut order = order(plan, *paid_at, i, &numbers, config, &mut rng);
        let mut book = Vec::new();
        for mut story in stories(&mut order, plan, now, &numbers, &mut rng) {
            story.arrive(now, config.overdue_after_ms, config.recheck_after_ms);
            month.refunds.push(story.refund);
            month.events.extend(story.events);
            month.acts.extend(story.acts);
            month.movements.extend(story.movements);
            book.extend(story.book);
        }
        month.book.append(&mut book);
        let at = order.created_at;
        let event = orders::recorded_event(&order, Actor::Merchant, at);
        month.events.push(event);
        let act = orders::recorded_act(&order, &origin(Actor::Merchant), at);
        month.acts.push(act);
        month.orders.push(order);
    }
    month
}

/// Returns the time of an order's payment, most often by day.
fn paid_at(plan: &Plan, config: &Config, now: Timestamp, rng: &mut StdRng) -> Timestamp {
    let (least, most) = plan.hours_ago;
    let mut at = now;
    for _ in 0..6 {
        at = now.plus_ms(-rng.random_range(least * HOUR_MS + 3 * MINUTE_MS..most * HOUR_MS));
        let local = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        if (8..23).contains(&local.to_zoned(config.time_zone.clone()).hour()) {
            break;
        }
    }
    at
}

fn order(
    plan: &Plan,
    at: Timestamp,
    i: usize,
    numbers: &Sequence,
    config: &Config,
    rng: &mut StdRng,
) -> Order {
    let (product, sizes) = PRODUCTS.choose(rng).expect("not empty");
    let (size, price) = sizes.choose(rng).expect("not empty");
    let hint = BEHAVIOURS
        .iter()
        .find(|(behaviour, _)| *behaviour == plan.behaviour);
    // The title has no hint where the refund simply works, unless the order is there to be tried.
    let usual = matches!(plan.behaviour, "SBX-OK-" | "SBX-ASYNC-") && plan.hours_ago.1 > 60;
    let hint = hint.filter(|_| !usual && plan.status == OrderStatus::Success);
    let mut title = format!("{product} {size}").trim_end().to_owned();
    if let Some((_, hint)) = hint {
        title = format!("{title}（沙箱：{hint}）");
    }
    let local = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let day = local
        .to_zoned(config.time_zone.clone())
        .strftime("%Y%m%d")
        .to_string();
    let shop = SHOPS.choose(rng).expect("not empty");
    let channel = match (*shop, i % 5) {
        ("WX", _) | (_, 0 | 1) => Channel::WechatPay,
        (_, 2 | 3) => Channel::AliPay,
        _ => Channel::UnionPay,
    };
    let paid = plan.status == OrderStatus::Success;
    let quantity = *[1, 1, 1, 1, 2, 3].choose(rng).expect("not empty");
    Order {
        app_id: APP_ID.to_owned(),
        order_no: numbers.number(Kind::Payment, at, 0),
        biz_order_no: format!("{shop}{day}{:06}", 100_000 + 37 * i),
        out_order_no: Some(format!("{}{day}{:06}", plan.behaviour, 200_000 + 53 * i)),
        channel,
        account_id: account_id(channel),
        method: Method::ALL.choose(rng).copied(),
        title,
        amount: Fen(price * quantity),
        refunded: Fen::ZERO,
        held: Fen::ZERO,
        overpaid: Fen::ZERO,
        status: plan.status,
        pay_time: paid.then_some(at),
        attach: rng
            .random_bool(0.2)
            .then(|| format!("member={}", rng.random_range(10_000..99_999))),
        created_at: at,
        recorded_at: at,
        version: 1,
    }
}

/// Makes the stories of an order's refunds, and moves its balance by them.
fn stories(
    order: &mut Order,
    plan: &Plan,
    now: Timestamp,
    numbers: &Sequence,
    rng: &mut StdRng,
) -> Vec<Story> {
    let mut told = Vec::new();
    let mut overpaid = None;
    // Each refund begins after the one before. The last leaves time for its own events.
    let (first, last) = (
        order.created_at.plus_ms(20 * MINUTE_MS),
        now.plus_ms(-HOUR_MS),
    );
    let room_ms =
        (last.0 - first.0).clamp(MINUTE_MS, 5 * DAY_MS) / plan.refunds.len().max(1) as i64;
    for (i, course) in plan.refunds.iter().enumerate() {
        let earliest = first.plus_ms(room_ms * i as i64);
        let long = matches!(
            course,
            Course::Contradicted
                | Course::LateSuccess
                | Course::Overpaid
                | Course::OverpaidAndBooked
                | Course::Reversed
                | Course::Returned
        );
        let spread = if long { room_ms / 8 } else { room_ms / 2 };
        let at = earliest.plus_ms(rng.random_range(0..spread.max(1)));
        let amount = match plan.whole {
            true => order.amount,
            false => part_of(order.refundable(), rng),
        };
        let (refund, actor) = refund(order, i, amount, at, numbers, rng);
        let mut story = Story::begin(order, refund, actor, DELAY_MS);
        let pause_ms = rng.random_range(room_ms / 64..=room_ms / 8).max(MINUTE_MS);
        let admin = || Actor::Operator(ADMIN.to_owned());
        let asker = if rng.random_bool(0.5) {
            admin()
        } else {
            Actor::Merchant
        };
        match course {
            Course::Submitted => story.submit(order),
            Course::CalledBack => story.submit(order).wait(DELAY_MS).call_back(order),
            Course::Synced => story.submit(order).wait(pause_ms).sync(order, asker),
            Course::Retried => story.submit(order).wait(pause_ms).retry(order, admin()),
            Course::GivenUp => story.submit(order).wait(pause_ms).close(admin()),
            Course::LateSuccess => story
                .submit_misheard(order)
                .wait(pause_ms)
                .sync(order, asker),
            Course::Overpaid | Course::OverpaidAndBooked => story.submit_misheard(order),
            Course::Reversed => story.submit(order).wait(pause_ms).sync(order, asker),
            Course::Returned => {
                let story = story.submit(order).wait(pause_ms).sync(order, asker);
                story.wait(pause_ms).book(order, RETURN_REMARK, admin())
            }
            Course::AmountDiffers => story
                .submit(order)
                .wait(DELAY_MS)
                .call_back_with_another_amount(),
            Course::Contradicted => {
                let story = story.submit(order).wait(pause_ms);
                let story = story.sync_misheard(order, asker).wait(pause_ms);
                story.sync(order, admin())
            }
        };
        if matches!(course, Course::Overpaid | Course::OverpaidAndBooked) {
            overpaid = Some((*course, story));
            continue;
        }
        if let Some((course, mut story)) = overpaid.take() {
            story.wait(room_ms).wait(pause_ms).sync(order, admin());
            if course == Course::OverpaidAndBooked {
                story.wait(pause_ms).book(order, OVERPAID_REMARK, admin());
            }
            told.push(story);
        }
        told.push(story);
    }
    told
}

/// Remarks of the bookings.
const RETURN_REMARK: &str = "通道账单显示退款退回，收款账户已注销";
const OVERPAID_REMARK: &str = "已核对通道账单，多退部分向付款人追回";

/// Returns a plausible part of an amount, less than the whole.
fn part_of(left: Fen, rng: &mut StdRng) -> Fen {
    let tenths = rng.random_range(1..=6);
    Fen((left.0 * tenths / 10).max(1))
}

fn refund(
    order: &Order,
    i: usize,
    amount: Fen,
    at: Timestamp,
    numbers: &Sequence,
    rng: &mut StdRng,
) -> (Refund, Actor) {
    let refund_no = numbers.number(Kind::Refund, at, 0);
    let by_hand = rng.random_bool(0.3);
    let single = !by_hand && rng.random_bool(0.2);
    let new = NewRefund {
        order: OrderKey::OrderNo(order.order_no.clone()),
        biz_refund_no: format!("RF{}-{}", order.biz_order_no, i + 1),
        amount,
        reason: REASONS.choose(rng).map(|reason| (*reason).to_owned()),
        attach: order.attach.clone(),
        notify_url: None,
        not_notify: false,
        request: None,
        client_ip: (!by_hand).then(|| format!("203.0.113.{}", rng.random_range(1..255))),
        edition: if single {
            Edition::Single
        } else {
            Edition::Open
        },
        expected_refundable: None,
    };
    let terms = RefundTerms {
        order,
        amount,
        reason: new.reason.as_deref(),
        channel_no: &refund_no,
    };
    let params = Params::of(terms).to_json();
    let refund = Refund::requested(new, order, refund_no, params, at)
        .submitted(at)
        .refund;
    let actor = match by_hand {
        true => Actor::Operator(ADMIN.to_owned()),
        false => Actor::Merchant,
    };
    (refund, actor)
}
