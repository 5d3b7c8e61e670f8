//! Sessions: a cookie in the browser, a row in the database.
//!
//! The layer adds a [`Session`] to every request. Take it as an extractor of an axum handler, or with
//! `leptos_axum::extract::<Session>()` in a server function. Then call
//!
//! - [`log_in`], once [`login`](fn@crate::server::people::login) has returned the operator's name,
//! - [`operator`], to get the operator, on every request that needs one,
//! - [`log_out`].
//!
//! A session holds only the operator's name; roles are looked up at each request. Sessions without an operator are not
//! stored, and each operator may have a limited number, so that neither opening pages nor repeated logins fill the
//! database. A session ends after a time without use, after a longer time in any case, and at once when its operator
//! is disabled or gets another password.

use std::fmt;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, SessionStore};
use tower_sessions::{Expiry, SessionManagerLayer};

pub use tower_sessions::Session;

use crate::domain::audit::{Action, Origin};
use crate::domain::error::Refusal;
use crate::domain::event::Actor;
use crate::domain::people::Operator;
use crate::domain::time::Timestamp;
use crate::server::client_ip::ClientIp;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::store::session::SessionRow;
use crate::server::{audit, people, store};

/// Name of the cookie.
pub const COOKIE: &str = "refundry_session";
/// Key under which [`log_in`] stores the operator's name in the session.
const OPERATOR: &str = "operator";
/// Minimum time between two extensions of a session, so that reading pages rarely causes a write.
const EXTENDED_EVERY_MS: i64 = 60_000;
/// Maximum number of sessions of one operator. A further login ends the session that would end first.
const SESSIONS: i64 = 20;

/// Returns the layer that adds a [`Session`] to every request.
pub fn layer(ctx: &Ctx) -> SessionManagerLayer<Sessions> {
    // The browser deletes the cookie when it is closed; the server alone decides how long it is valid.
    SessionManagerLayer::new(Sessions { ctx: ctx.clone() })
        .with_name(COOKIE)
        .with_path("/")
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(ctx.config.secure_cookies)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Logs an operator in. The session gets a new id, so that an id known before the login is useless.
pub async fn log_in(session: &Session, name: &str) -> Result<()> {
    session.cycle_id().await.map_err(broken)?;
    session.insert(OPERATOR, name).await.map_err(broken)
}

/// Returns the operator who is logged in, with the current roles.
///
/// # Errors
/// [`Refusal::NotLoggedIn`] when no operator is logged in, or the account is disabled.
pub async fn operator(ctx: &Ctx, session: &Session) -> Result<Operator> {
    let name: Option<String> = session.get(OPERATOR).await.map_err(broken)?;
    let operator = match name {
        Some(name) => people::operator(ctx, name).await?,
        None => None,
    };
    operator.ok_or(Error::Refused(Refusal::NotLoggedIn))
}

/// Ends a session, in the database and in the browser. Does nothing where there is none.
pub async fn log_out(ctx: &Ctx, session: &Session, from: ClientIp) -> Result<()> {
    let Some(id) = session.id() else {
        return Ok(());
    };
    let name: Option<String> = session.get(OPERATOR).await.map_err(broken)?;
    if let Some(name) = name {
        let origin = Origin {
            actor: Actor::Operator(name.clone()),
            address: Some(from.0),
        };
        let act = people::act(ctx, origin, Action::LoggedOut, &name);
        ctx.db
            .write(act, move |conn, act| {
                Box::pin(async move {
                    store::session::delete(conn, &key(&id)).await?;
                    audit::record(conn, &act).await
                })
            })
            .await?;
    }
    session.flush().await.map_err(broken)
}

/// Removes the sessions that have expired.
pub async fn clean_up(ctx: &Ctx) -> Result<u64> {
    let now = ctx.clock.now();
    ctx.db
        .write((), move |conn, ()| {
            Box::pin(async move { Ok(store::session::delete_expired(conn, now).await?) })
        })
        .await
}

fn broken(error: tower_sessions::session::Error) -> Error {
    Error::internal(format!("the session cannot be read or written: {error}"))
}

/// The store of sessions in our database.
#[derive(Clone)]
pub struct Sessions {
    ctx: Ctx,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    fn expires_at(&self) -> Timestamp {
        let now = self.ctx.clock.now();
        now.plus_ms(self.ctx.config.session_minutes * 60_000)
    }

    /// Makes the row of a session.
    ///
    /// # Errors
    /// Refuses a session without an operator.
    fn row(&self, record: &Record) -> session_store::Result<SessionRow> {
        let operator = record.data.get(OPERATOR).and_then(|name| name.as_str());
        let operator = operator.ok_or_else(|| {
            session_store::Error::Backend("a session without an operator is not kept".to_owned())
        })?;
        let data = serde_json::to_string(&record.data);
        let now = self.ctx.clock.now();
        Ok(SessionRow {
            session_id: key(&record.id),
            operator: operator.to_owned(),
            data: data.map_err(|error| session_store::Error::Encode(error.to_string()))?,
            expires_at: self.expires_at(),
            ends_at: now.plus_ms(self.ctx.config.session_days * 86_400_000),
        })
    }
}

/// Returns the key of a session's row: a digest of its id.
fn key(id: &Id) -> String {
    hex::encode(Sha256::digest(id.0.to_le_bytes()))
}

fn backend(error: Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        loop {
            let row = self.row(record)?;
            let added = self.ctx.db.write(row, move |conn, row| {
                Box::pin(async move {
                    let added = store::session::insert(conn, &row).await?;
                    if added {
                        let (operator, kept) = (&row.operator, &row.session_id);
                        store::session::delete_surplus(conn, operator, kept, SESSIONS - 1).await?;
                    }
                    Ok(added)
                })
            });
            if added.await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let row = self.row(record)?;
        let saved = self.ctx.db.write(row, move |conn, row| {
            Box::pin(async move { Ok(store::session::update(conn, &row).await?) })
        });
        saved.await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = async {
            let mut conn = self.ctx.db.read().await?;
            let now = self.ctx.clock.now();
            Ok(store::session::get(&mut conn, &key(id), now).await?)
        };
        let Some(row) = found.await.map_err(backend)? else {
            return Ok(None);
        };
        let expires_at = self.expires_at().min(row.ends_at);
        if row.expires_at.plus_ms(EXTENDED_EVERY_MS) <= expires_at {
            let session_id = row.session_id.clone();
            let extended = self.ctx.db.write(session_id, move |conn, session_id| {
                Box::pin(
                    async move { Ok(store::session::extend(conn, &session_id, expires_at).await?) },
                )
            });
            extended.await.map_err(backend)?;
        }
        let data = serde_json::from_str(&row.data)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at.seconds())
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let session_id = key(id);
        let deleted = self.ctx.db.write(session_id, move |conn, session_id| {
            Box::pin(async move { Ok(store::session::delete(conn, &session_id).await?) })
        });
        deleted.await.map_err(backend)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::domain::people::{Grant, Role, Scope};
    use crate::server::config::Config;
    use crate::server::testing::app_with;
    use crate::server::testing::database::TestDatabase;

    fn li_na() -> Operator {
        Operator {
            name: "li.na".into(),
            grants: vec![Grant::everywhere(Role::Operator)],
        }
    }

    /// Makes the session of a request, with a cookie or without one.
    fn request(ctx: &Ctx, id: Option<Id>) -> Session {
        Session::new(id, Arc::new(Sessions { ctx: ctx.clone() }), None)
    }

    async fn logged_in(ctx: &Ctx) -> Id {
        let session = request(ctx, None);
        log_in(&session, "li.na").await.unwrap();
        session.save().await.unwrap();
        session.id().unwrap()
    }

    const ADDRESS: ClientIp = ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST));

    async fn knows(ctx: &Ctx, id: Id) -> bool {
        match operator(ctx, &request(ctx, Some(id))).await {
            Ok(operator) => operator == li_na(),
            Err(Error::Refused(Refusal::NotLoggedIn)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    async fn ctx() -> (Ctx, TestDatabase) {
        let (ctx, folder) = app_with(Config::default()).await;
        let operator = Grant::everywhere(Role::Operator);
        people::add(&ctx, "li.na", operator, "correct horse", Actor::System)
            .await
            .unwrap();
        (ctx, folder)
    }

    #[tokio::test]
    async fn a_login_gets_a_new_id_and_the_one_before_is_worth_nothing() {
        let (ctx, _folder) = ctx().await;
        let known_to_others = logged_in(&ctx).await;
        let before = request(&ctx, Some(known_to_others));
        before.insert("lang", "en").await.unwrap();
        before.save().await.unwrap();

        let session = request(&ctx, Some(known_to_others));
        log_in(&session, "li.na").await.unwrap();
        session.save().await.unwrap();
        let after = session.id().unwrap();
        assert_ne!(after, known_to_others);
        assert!(knows(&ctx, after).await);
        assert!(!knows(&ctx, known_to_others).await);
        let lang: Option<String> = request(&ctx, Some(after)).get("lang").await.unwrap();
        assert_eq!(lang.as_deref(), Some("en"));
    }

    #[tokio::test]
    async fn logging_out_ends_the_session_for_good() {
        let (ctx, _folder) = ctx().await;
        let id = logged_in(&ctx).await;
        let late = request(&ctx, Some(id));
        operator(&ctx, &late).await.unwrap();
        log_out(&ctx, &request(&ctx, Some(id)), ADDRESS)
            .await
            .unwrap();
        assert!(!knows(&ctx, id).await);
        // A request that was under way at the log-out does not restore the session.
        late.insert("lang", "en").await.unwrap();
        late.save().await.unwrap();
        assert!(!knows(&ctx, id).await);
        log_out(&ctx, &request(&ctx, None), ADDRESS).await.unwrap();
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_not_used() {
        let (ctx, _folder) = ctx().await;
        let (used, unused) = (logged_in(&ctx).await, logged_in(&ctx).await);
        let most = ctx.config.session_minutes * 60_000;
        for _ in 0..3 {
            ctx.clock.advance_ms(most / 2);
            assert!(knows(&ctx, used).await);
        }
        assert!(!knows(&ctx, unused).await);
        assert_eq!(clean_up(&ctx).await.unwrap(), 1);
        ctx.clock.advance_ms(most);
        assert!(!knows(&ctx, used).await);
        assert_eq!(clean_up(&ctx).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn use_does_not_put_off_the_end_of_a_session_for_ever() {
        let (ctx, _folder) = ctx().await;
        let id = logged_in(&ctx).await;
        let idle = ctx.config.session_minutes * 60_000;
        let end = ctx
            .clock
            .now()
            .plus_ms(ctx.config.session_days * 86_400_000);
        let mut step = 0;
        while ctx.clock.now().plus_ms(idle / 2) < end {
            ctx.clock.advance_ms(idle / 2);
            assert!(knows(&ctx, id).await);
            // A write extends the session no further than a read does.
            let session = request(&ctx, Some(id));
            session.insert("step", step).await.unwrap();
            session.save().await.unwrap();
            step += 1;
        }
        assert!(step > 30);
        ctx.clock.advance_ms(idle / 2);
        assert!(!knows(&ctx, id).await);
    }

    #[tokio::test]
    async fn roles_are_those_of_the_moment() {
        let (ctx, _folder) = ctx().await;
        let id = logged_in(&ctx).await;
        let role = async || {
            let operator = operator(&ctx, &request(&ctx, Some(id))).await;
            operator.unwrap().role_at("ANY")
        };
        assert_eq!(role().await, Some(Role::Operator));
        let viewer = Grant::everywhere(Role::Viewer);
        people::grant(&ctx, "li.na", viewer, Actor::System)
            .await
            .unwrap();
        assert_eq!(role().await, Some(Role::Viewer));
        people::revoke(&ctx, "li.na", Scope::AllApps, Actor::System)
            .await
            .unwrap();
        assert_eq!(role().await, None);
    }

    #[tokio::test]
    async fn sessions_end_with_their_operator() {
        let (ctx, _folder) = ctx().await;
        let id = logged_in(&ctx).await;
        people::set_password(&ctx, "li.na", "another horse", Actor::System)
            .await
            .unwrap();
        assert!(!knows(&ctx, id).await);

        let id = logged_in(&ctx).await;
        people::set_enabled(&ctx, "li.na", false, Actor::System)
            .await
            .unwrap();
        assert!(!knows(&ctx, id).await);
        people::set_enabled(&ctx, "li.na", true, Actor::System)
            .await
            .unwrap();
        let id = logged_in(&ctx).await;
        people::end_sessions(&ctx, "li.na", Actor::System)
            .await
            .unwrap();
        assert!(!knows(&ctx, id).await);

        let id = logged_in(&ctx).await;
        people::delete(&ctx, "li.na", Actor::System).await.unwrap();
        assert!(!knows(&ctx, id).await);
        // A session that was begun in the same moment ends too, also for the next operator of this name.
        let late = logged_in(&ctx).await;
        assert!(!knows(&ctx, late).await);
        let operator = Grant::everywhere(Role::Operator);
        people::add(&ctx, "li.na", operator, "correct horse", Actor::System)
            .await
            .unwrap();
        assert!(!knows(&ctx, late).await);
    }

    #[tokio::test]
    async fn no_session_is_kept_without_an_operator_and_a_limited_number_with_one() {
        let (ctx, _folder) = ctx().await;
        let anonymous = request(&ctx, None);
        anonymous.insert("lang", "en").await.unwrap();
        anonymous.save().await.unwrap_err();

        let mut ids = Vec::new();
        for _ in 0..SESSIONS + 2 {
            ids.push(logged_in(&ctx).await);
            ctx.clock.advance_ms(1_000);
        }
        for id in &ids[..2] {
            assert!(!knows(&ctx, *id).await);
        }
        for id in &ids[2..] {
            assert!(knows(&ctx, *id).await);
        }
    }

    #[tokio::test]
    async fn an_id_that_is_taken_is_not_shared() {
        let (ctx, _folder) = ctx().await;
        let id = logged_in(&ctx).await;
        let store = Sessions { ctx: ctx.clone() };
        let mut record = Record {
            id,
            data: [(OPERATOR.to_owned(), "li.na".into())].into(),
            expiry_date: OffsetDateTime::UNIX_EPOCH,
        };
        store.create(&mut record).await.unwrap();
        assert_ne!(record.id, id);
        assert!(knows(&ctx, id).await);
        assert!(knows(&ctx, record.id).await);
    }
}
