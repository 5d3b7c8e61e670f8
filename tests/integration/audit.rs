//! The audit: acts leave entries, entries are sealed into a chain, and the chain reveals tampering.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::{Core, config, new_refund};
use futures::future::join_all;
use refundry::domain::audit::{
    Act, Action, AuditEntry, BreakKind, ChainBreak, ChainCheck, ChainHead, Origin, SubjectKind,
};
use refundry::domain::error::Refusal;
use refundry::domain::event::Actor;
use refundry::domain::filter::{AuditFilter, Place};
use refundry::domain::money::Fen;
use refundry::domain::people::{Grant, Role, Scope};
use refundry::domain::time::{DAY_MS, Timestamp};
use refundry::server::audit::{self, Extent, SEALED_WITHIN_MS};
use refundry::server::channels::sandbox::faults::Faults;
use refundry::server::client_ip::ClientIp;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::db::Db;
use refundry::server::error::{Error, Result};
use refundry::server::refunds::OnRepeat;
use refundry::server::{merchants, orders, people, refunds, retention};
use sqlx::AssertSqlSafe;

const START: Timestamp = Timestamp(1_760_000_000_000);
const ADDRESS: &str = "198.51.100.7";

fn operator() -> Origin {
    Origin {
        actor: Actor::Operator("li.na".to_owned()),
        address: Some(ADDRESS.parse().unwrap()),
    }
}

fn act(number: &str, at: Timestamp) -> Act {
    let subject = (SubjectKind::Operator, number);
    Act::new(at, &operator(), Action::OperatorUnlocked, subject)
        .from("{\"a\":1}")
        .to("{\"a\":2}")
}

async fn record(db: &Db, act: Act) -> Result<()> {
    db.write(act, move |conn, act| {
        Box::pin(async move { audit::record(conn, &act).await })
    })
    .await
}

/// Runs a statement outside the server, as an intruder in the database could.
async fn tamper(db: &Db, sql: &str) {
    let sql = sql.to_owned();
    db.write(sql, move |conn, sql| {
        Box::pin(async move {
            sqlx::query(AssertSqlSafe(sql)).execute(conn).await?;
            Ok(())
        })
    })
    .await
    .expect("a statement");
}

async fn check(ctx: &Ctx) -> ChainCheck {
    let check = audit::verify(&ctx.db, &ctx.clock, Extent::whole(), &mut |_, _| {}).await;
    let check = check.expect("a check");
    assert!(check.finished);
    check
}

async fn expect(ctx: &Ctx, hash: &str) -> Option<BreakKind> {
    let extent = Extent {
        expected: Some(hash),
        ..Extent::whole()
    };
    let check = audit::verify(&ctx.db, &ctx.clock, extent, &mut |_, _| {}).await;
    check.unwrap().found.map(|found| found.kind)
}

async fn entries(ctx: &Ctx, app_id: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter::default();
    let page = audit::list(&ctx.db, app_id, &filter, &Place::First).await;
    page.expect("a page").rows
}

/// Makes a chain of ten entries.
async fn chain() -> Core {
    let core = Core::without_app(config(&[]), Clock::manual(START)).await;
    for number in 0..10 {
        let at = START.plus_ms(number);
        record(&core.ctx.db, act(&format!("op{number}"), at))
            .await
            .unwrap();
    }
    assert_eq!(audit::seal(&core.ctx.db).await.unwrap(), 10);
    assert_eq!(check(&core.ctx).await.found, None);
    core
}

#[tokio::test]
async fn what_was_done_to_a_sealed_entry_is_found_and_named() {
    let missing = |sealed_no| ChainBreak {
        sealed_no,
        audit_id: None,
        kind: BreakKind::Missing,
    };
    let altered = [
        "actor = 'operator:x'",
        "address = NULL",
        "after = '{}'",
        "at = at + 1",
    ];
    let altered = altered
        .iter()
        .chain(&["before = NULL", "app_id = 'X'", "number = 'op5'"]);
    for change in altered {
        let core = chain().await;
        let sql = format!("UPDATE audit SET {change} WHERE sealed_no = 4");
        tamper(&core.ctx.db, &sql).await;
        let found = check(&core.ctx).await;
        let broken = found.found.expect("a break");
        assert_eq!(
            (broken.sealed_no, broken.kind),
            (4, BreakKind::Altered),
            "{change}"
        );
        assert_eq!(broken.audit_id.as_deref().map(str::len), Some(32));
        assert_eq!(found.head.sealed_no, 3);
    }
    for (sql, expected) in [
        ("DELETE FROM audit WHERE sealed_no = 7", missing(7)),
        ("DELETE FROM audit WHERE sealed_no = 1", missing(1)),
        // Entries cut off the end.
        ("DELETE FROM audit WHERE sealed_no > 8", missing(9)),
        (
            "UPDATE audit SET sealed_no = NULL WHERE sealed_no = 5",
            missing(5),
        ),
        (
            "DELETE FROM audit_head",
            ChainBreak {
                kind: BreakKind::Beyond,
                ..missing(1)
            },
        ),
        (
            "UPDATE audit_head SET hash = 'x'",
            ChainBreak {
                kind: BreakKind::HeadDiffers,
                ..missing(10)
            },
        ),
    ] {
        let core = chain().await;
        tamper(&core.ctx.db, sql).await;
        assert_eq!(check(&core.ctx).await.found, Some(expected), "{sql}");
    }
}

#[tokio::test]
async fn swapped_and_forged_entries_are_found() {
    let core = chain().await;
    for sql in [
        "UPDATE audit SET sealed_no = 100 WHERE sealed_no = 3",
        "UPDATE audit SET sealed_no = 3 WHERE sealed_no = 6",
        "UPDATE audit SET sealed_no = 6 WHERE sealed_no = 100",
    ] {
        tamper(&core.ctx.db, sql).await;
    }
    let broken = check(&core.ctx).await.found.expect("a break");
    assert_eq!((broken.sealed_no, broken.kind), (3, BreakKind::Altered));

    // A copy of the last entry, inserted after it.
    let core = chain().await;
    let copy = "INSERT INTO audit SELECT 'f', at, actor, address, app_id, action, subject, number, before, after, 11, \
                hash FROM audit WHERE sealed_no = 10";
    tamper(&core.ctx.db, copy).await;
    let broken = check(&core.ctx).await.found.expect("a break");
    assert_eq!((broken.sealed_no, broken.kind), (11, BreakKind::Altered));

    // A forged entry with a matching hash, beyond the chain's end.
    let core = chain().await;
    let end = check(&core.ctx).await.head;
    record(&core.ctx.db, act("forged", START)).await.unwrap();
    audit::seal(&core.ctx.db).await.unwrap();
    let back = format!(
        "UPDATE audit_head SET sealed_no = 10, hash = '{}'",
        end.hash
    );
    tamper(&core.ctx.db, &back).await;
    let broken = check(&core.ctx).await.found.expect("a break");
    assert_eq!((broken.sealed_no, broken.kind), (11, BreakKind::Beyond));

    let forged = "UPDATE audit SET audit_id = 'f' WHERE sealed_no = 10";
    let core = chain().await;
    tamper(&core.ctx.db, forged).await;
    let broken = check(&core.ctx).await.found.expect("a break");
    assert_eq!((broken.sealed_no, broken.kind), (10, BreakKind::Altered));
}

#[tokio::test]
async fn a_chain_that_was_rewritten_is_found_by_a_hash_noted_outside() {
    let core = chain().await;
    let ctx = &core.ctx;
    let noted = check(ctx).await.head.hash;
    record(&ctx.db, act("later", START)).await.unwrap();
    audit::seal(&ctx.db).await.unwrap();
    assert_eq!(expect(ctx, &noted).await, None, "the chain has grown since");

    // All entries are sealed again after one was changed: the chain is consistent in itself.
    for sql in [
        "UPDATE audit SET number = 'nobody' WHERE sealed_no = 4",
        "DELETE FROM audit_head",
        "UPDATE audit SET sealed_no = NULL, hash = NULL",
    ] {
        tamper(&ctx.db, sql).await;
    }
    assert_eq!(audit::seal(&ctx.db).await.unwrap(), 11);
    assert_eq!(check(ctx).await.found, None);
    assert_eq!(expect(ctx, &noted).await, Some(BreakKind::NotInChain));
    assert_eq!(expect(ctx, &check(ctx).await.head.hash).await, None);
}

#[tokio::test]
async fn a_check_with_a_time_limit_goes_on_where_it_was() {
    let core = chain().await;
    let ctx = &core.ctx;
    let extent = Extent {
        within: Some(Duration::ZERO),
        ..Extent::whole()
    };
    let check = audit::verify(&ctx.db, &ctx.clock, extent, &mut |_, _| {}).await;
    let unfinished = check.unwrap();
    assert!(!unfinished.finished && unfinished.found.is_none());
    assert_eq!(unfinished.head, ChainHead::default());
    let fourth = audit::place(&ctx.db, 4).await.unwrap().expect("an entry");
    let extent = Extent {
        after: fourth,
        ..Extent::whole()
    };
    let mut told = Vec::new();
    let check = audit::verify(&ctx.db, &ctx.clock, extent, &mut |done, all| {
        told.push((done, all));
    })
    .await;
    let rest = check.unwrap();
    assert!(rest.finished && rest.found.is_none());
    assert_eq!((rest.head.sealed_no, told), (10, vec![(10, 10)]));
    assert_eq!(audit::place(&ctx.db, 99).await.unwrap(), None);
}

#[tokio::test]
async fn nodes_that_seal_at_once_make_one_chain() {
    let core = Core::start(Clock::manual(START)).await;
    let other = core.another_node(config(&[])).await;
    let nodes = [core.ctx.clone(), other];
    let acts = (0..300).map(|number: i64| {
        let node = nodes[number as usize % 2].clone();
        tokio::spawn(async move {
            // The entries' times differ from the order of the commits.
            let at = START.plus_ms(number * 7 % 300);
            record(&node.db, act(&format!("op{number}"), at))
                .await
                .unwrap();
            match number % 10 {
                0 => audit::seal(&node.db).await.unwrap(),
                _ => 0,
            }
        })
    });
    let sealed: u64 = join_all(acts).await.into_iter().map(Result::unwrap).sum();
    let rest = join_all(nodes.iter().map(|node| audit::seal(&node.db))).await;
    let rest: u64 = rest.into_iter().map(|sealed| sealed.unwrap()).sum();
    assert_eq!(sealed + rest, 300);
    let check = check(&nodes[1]).await;
    assert_eq!((check.found, check.head.sealed_no), (None, 300));
}

#[tokio::test]
async fn an_entry_that_is_committed_late_is_sealed_all_the_same() {
    let core = chain().await;
    let ctx = &core.ctx;
    record(&ctx.db, act("late", START.plus_ms(-1_000)))
        .await
        .unwrap();
    assert_eq!(audit::seal(&ctx.db).await.unwrap(), 1);
    let check = check(ctx).await;
    assert_eq!((check.found, check.head.sealed_no), (None, 11));
}

#[tokio::test]
async fn an_entry_that_is_not_sealed_for_minutes_is_reported() {
    let core = chain().await;
    let ctx = &core.ctx;
    let now = ctx.clock.now();
    record(&ctx.db, act("waits", now)).await.unwrap();
    assert_eq!(check(ctx).await.unsealed, None);
    ctx.clock.advance_ms(SEALED_WITHIN_MS + 1);
    let waits = check(ctx).await.unsealed.expect("an entry that waits");
    assert_eq!(waits.at, now);
}

#[tokio::test]
async fn an_act_that_is_rolled_back_leaves_no_entry() {
    let core = Core::without_app(config(&[]), Clock::manual(START)).await;
    let written: Result<()> = core
        .ctx
        .db
        .write((), |conn, ()| {
            Box::pin(async move {
                audit::record(conn, &act("undone", START)).await?;
                Err(Error::internal("the act failed"))
            })
        })
        .await;
    written.unwrap_err();
    assert!(entries(&core.ctx, "*").await.is_empty());

    // The same holds for use-cases: refusals leave no entry.
    let viewer = Grant::everywhere(Role::Viewer);
    people::add(&core.ctx, "a b", viewer, "correct horse", operator())
        .await
        .unwrap_err();
    people::set_enabled(&core.ctx, "nobody", false, operator())
        .await
        .unwrap_err();
    assert!(entries(&core.ctx, "*").await.is_empty());
}

/// Returns the actions in an app's entries, oldest first, each with the subject's number.
async fn done(ctx: &Ctx, app_id: &str) -> Vec<(String, String)> {
    let all = entries(ctx, app_id).await.into_iter().rev();
    all.map(|entry| (entry.action, entry.number)).collect()
}

#[tokio::test]
async fn what_people_do_to_accounts_and_logins_is_told() {
    let core = Core::without_app(config(&[]), Clock::manual(START)).await;
    let ctx = &core.ctx;
    let from = ClientIp(ADDRESS.parse().unwrap());
    let viewer = Grant::everywhere(Role::Viewer);
    let root = Origin::from(Actor::CommandLine("root".to_owned()));
    let step = || ctx.clock.advance_ms(1);
    people::add(ctx, "li.na", viewer, "correct horse", root.clone())
        .await
        .unwrap();
    step();
    people::login(ctx, "li.na", "correct horse", from, None)
        .await
        .unwrap();
    step();
    people::grant(ctx, "li.na", Grant::everywhere(Role::Admin), root.clone())
        .await
        .unwrap();
    step();
    people::revoke(ctx, "li.na", Scope::AllApps, root.clone())
        .await
        .unwrap();
    for _ in 0..7 {
        step();
        people::login(ctx, "li.na", "wrong", from, None)
            .await
            .unwrap_err();
    }
    step();
    people::unlock(ctx, "li.na", root.clone()).await.unwrap();
    step();
    people::set_password(ctx, "li.na", "another horse", root.clone())
        .await
        .unwrap();
    step();
    people::end_sessions(ctx, "li.na", root.clone())
        .await
        .unwrap();
    step();
    people::set_enabled(ctx, "li.na", false, root.clone())
        .await
        .unwrap();
    step();
    let auditor = Grant::everywhere(Role::Auditor);
    people::grant(ctx, "li.na", auditor, root.clone())
        .await
        .unwrap();
    step();
    people::delete(ctx, "li.na", root).await.unwrap();
    assert!(people::list(ctx).await.unwrap().is_empty());

    let actions: Vec<_> = done(ctx, "*")
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    let refused = Action::LoginRefused;
    let expected = [
        Action::OperatorAdded,
        Action::LoggedIn,
        Action::RoleGranted,
        Action::RoleRevoked,
        refused,
        refused,
        refused,
        refused,
        // Further guesses after this entry leave none.
        Action::LockedOut,
        Action::OperatorUnlocked,
        Action::PasswordSet,
        Action::SessionsEnded,
        Action::OperatorDisabled,
        Action::RoleGranted,
        Action::OperatorDeleted,
    ];
    assert_eq!(actions, expected.map(|action| action.as_str().to_owned()));

    let all = entries(ctx, "*").await;
    let of = |action: Action| {
        all.iter()
            .find(|entry| entry.action == action.as_str())
            .unwrap()
    };
    // What a deleted operator did, and was, stays in the audit under the name.
    let deleted = of(Action::OperatorDeleted);
    assert_eq!(deleted.number, "li.na");
    assert_eq!(
        deleted.before.as_deref(),
        Some(r#"{"roles":[{"at":"*","role":"auditor"}]}"#)
    );
    assert_eq!(of(Action::LoggedIn).actor, "operator:li.na");
    let mut oldest_first = all.iter().rev();
    let granted = oldest_first
        .find(|entry| entry.action == Action::RoleGranted.as_str())
        .unwrap();
    assert_eq!(granted.actor, "command:root");
    assert_eq!(
        granted.before.as_deref(),
        Some(r#"{"at":"*","role":"viewer"}"#)
    );
    assert_eq!(
        granted.after.as_deref(),
        Some(r#"{"at":"*","role":"admin"}"#)
    );
    let login = of(Action::LoggedIn);
    assert_eq!(
        (login.actor.as_str(), login.address.as_deref()),
        ("operator:li.na", Some(ADDRESS))
    );
    let secrets = ["horse", "wrong", "$argon2"];
    let told = format!("{all:?}");
    assert!(
        secrets.iter().all(|secret| !told.contains(secret)),
        "{told}"
    );

    let filter = AuditFilter {
        actor: Some(Actor::Unknown),
        action: Some(Action::LockedOut),
        from: Some(START),
        to: Some(START.plus_ms(DAY_MS)),
    };
    let found = audit::list(&ctx.db, "*", &filter, &Place::First)
        .await
        .unwrap();
    assert_eq!((found.rows.len(), found.count.rows), (1, 1));
}

#[tokio::test]
async fn what_is_done_to_refunds_and_orders_is_told_once_each() {
    let core = Core::start(Clock::manual(START)).await;
    let (ctx, merchant, id) = (&core.ctx, &core.merchant, "DEMO");
    let order = core.order("FAIL", "a", Fen(1_000)).await;
    let step = || ctx.clock.advance_ms(1_000);
    step();
    let new = new_refund(&order, "r", Fen(100));
    let refund = refunds::issue(ctx, merchant, new, OnRepeat::Retry, operator())
        .await
        .unwrap();
    step();
    let refund_no = refund.refund_no.as_str();
    refunds::retry(ctx, merchant, refund_no, None, operator())
        .await
        .unwrap();
    step();
    let key = refundry::domain::refund::RefundKey::RefundNo(refund_no.to_owned());
    refunds::sync(ctx, merchant, &key, operator())
        .await
        .unwrap();
    step();
    // A sync by the system is no act.
    refunds::sync(ctx, merchant, &key, Actor::System)
        .await
        .unwrap();
    refunds::close(ctx, merchant, refund_no, operator())
        .await
        .unwrap();
    step();
    let key = refundry::domain::order::OrderKey::OrderNo(order.order_no.clone());
    orders::sync(ctx, merchant, &key, Actor::Merchant)
        .await
        .unwrap();
    step();
    ctx.channels
        .sandbox()
        .unwrap()
        .change_faults("DEMO-sandbox", Faults::Slow, Actor::Unknown)
        .await
        .unwrap();

    let expected = [
        (Action::OrderRecorded, order.order_no.as_str()),
        (Action::RefundRequested, refund_no),
        (Action::RefundRetried, refund_no),
        (Action::RefundSynced, refund_no),
        (Action::RefundClosed, refund_no),
        (Action::OrderSynced, &order.order_no),
    ];
    let mut told = done(ctx, id).await;
    told.retain(|(action, _)| action != Action::AppAdded.as_str());
    let told: Vec<_> = told
        .iter()
        .map(|(action, of)| (action.as_str(), of.as_str()))
        .collect();
    assert_eq!(told, expected.map(|(action, of)| (action.as_str(), of)));
    let all = entries(ctx, id).await;
    let requested = all
        .iter()
        .find(|entry| entry.action == "refund_requested")
        .unwrap();
    assert_eq!(requested.address.as_deref(), Some(ADDRESS));
    assert!(
        requested
            .after
            .as_deref()
            .unwrap()
            .contains(r#""amount":"1.00""#)
    );

    // A refusal leaves no entry.
    let new = new_refund(&order, "too much", Fen(100_000));
    let refused = refunds::issue(ctx, merchant, new, OnRepeat::Retry, operator()).await;
    assert!(matches!(
        refused,
        Err(Error::Refused(Refusal::Field { .. }))
    ));
    assert_eq!(entries(ctx, id).await.len(), all.len());

    // An operator's account belongs to no app.
    let of_account = done(ctx, "*").await;
    let told: Vec<_> = of_account
        .iter()
        .map(|(action, of)| (action.as_str(), of.as_str()))
        .collect();
    assert_eq!(told, [(Action::SandboxFaultsSet.as_str(), "DEMO-sandbox")]);
    ctx.clock.advance_ms(500 * DAY_MS);
    retention::clean_up(ctx).await.unwrap();
    let mut deleted = entries(ctx, "*").await;
    deleted.retain(|entry| entry.action != Action::SandboxFaultsSet.as_str());
    assert!(
        deleted
            .iter()
            .all(|entry| entry.action == "records_deleted")
    );
    assert!(!deleted.is_empty() && entries(ctx, id).await.len() == all.len());
}

#[tokio::test]
async fn an_app_is_added_without_its_secret_and_an_import_is_one_entry_a_batch() {
    let core = Core::without_app(config(&[]), Clock::manual(START)).await;
    let (ctx, mut merchant) = (&core.ctx, core.merchant.clone());
    merchant.secret = "a-secret-of-the-app-9Xq4".into();
    merchant.notify_url = Some("https://shop.example/n?token=hush".to_owned());
    let root = Origin::from(Actor::CommandLine("root".to_owned()));
    let accounts = crate::support::accounts(&merchant);
    merchants::add(ctx, merchant.clone(), accounts, root.clone())
        .await
        .unwrap();
    let added = &entries(ctx, "DEMO").await[0];
    let settings = added.after.as_deref().unwrap();
    assert!(settings.contains("https://shop.example/n\""), "{settings}");
    assert!(
        !settings.contains("hush") && !settings.contains("a-secret"),
        "{settings}"
    );

    ctx.clock.advance_ms(1);
    let file = "bizOrderNo,outOrderNo,channel,method,title,amount,payTime\n\
                A1,SBX-OK-1,sandbox,wap,tea,12.5,2025-10-01 08:00:00\n\
                A2,SBX-OK-2,sandbox,wap,tea,12.5,2025-10-01 08:00:00\n";
    for _ in 0..2 {
        let file = std::io::Cursor::new(file);
        orders::import::orders(ctx, &merchant, file, root.clone(), &mut |_| {})
            .await
            .unwrap();
    }
    let all = entries(ctx, "DEMO").await;
    let imports: HashSet<_> = all
        .iter()
        .filter(|entry| entry.action == "orders_imported")
        .map(|entry| entry.after.clone().unwrap())
        .collect();
    assert_eq!((all.len(), imports.len()), (2, 1));
    let import = imports.into_iter().next().unwrap();
    assert!(import.contains(r#""new":2"#), "{import}");
}
