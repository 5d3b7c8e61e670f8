//! The life of a server, from start to stop.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::secret::without_password;
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::ctx::Ctx;
use crate::server::db::server_lock::ServerLock;
use crate::server::db::{Db, is_postgres};
use crate::server::error::Error;
use crate::server::exposure::{self, ExposureError};
use crate::server::run::jobs::Jobs;
use crate::server::run::listener::ConnectionLimits;
use crate::server::run::{jobs, listener, router};
use crate::server::vault::{KeySource, KeysError, Vault};
use crate::server::watch::exporter;
use crate::server::watch::telemetry;

/// The reason why a server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        address: SocketAddr,
        cause: std::io::Error,
    },
    #[error("cannot open the database {url}: {cause}")]
    Database { url: String, cause: String },
    #[error(
        "node number {node} (--node) is held by a server on {host}; give this one another, or none"
    )]
    NodeTaken { node: i64, host: String },
    #[error(
        "a demonstration listens on loopback addresses only, and {0} (--listen, --metrics-listen) is not one"
    )]
    NotLoopback(SocketAddr),
    #[error("the database (--database-url) holds data that is not a demonstration's")]
    NotADemonstration,
    #[error("traces cannot be sent (--otlp-endpoint): {0}")]
    Traces(String),
    #[error("cannot make a temporary folder: {0}")]
    Folder(std::io::Error),
    #[error("cannot listen to signals: {0}")]
    Signals(std::io::Error),
    #[error("the job {0} has ended, and only a new start brings it back")]
    JobEnded(&'static str),
    #[error("the database's writer has ended, and only a new start brings it back")]
    WriterEnded,
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Exposed(#[from] ExposureError),
    #[error(transparent)]
    Broken(#[from] Error),
}

/// Time that a stop waits for work under way, beyond the time limit of a request.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT. The stop lets work under way finish within a request's time limit; a second signal
/// ends it at once.
///
/// # Errors
/// Fails where the address is taken, the database cannot be opened, or a job or the database's writer has ended. In the
/// last case a supervisor must start the server again.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    telemetry::start(&config).map_err(ServeError::Traces)?;
    let stop = Stop::on_signals()?;
    let listener = bind(config.listen).await?;
    let (ctx, _lock) = open_to_serve(config).await?;
    exposure::check(&ctx).await?;
    run(ctx, listener, stop, |_| String::new()).await
}

/// Binds a listener to an address.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|cause| ServeError::Listen { address, cause })
}

/// Opens the database that the settings name and the keys to its secrets, and builds the app's context from them.
///
/// # Errors
/// Fails where the database cannot be opened, or a key to its secrets is missing.
pub async fn open(config: Config) -> Result<Ctx, ServeError> {
    let source = key_source(&config)?;
    let db = open_database(&config).await?;
    let vault = match source {
        KeySource::File(file) if !is_postgres(config.url()) => {
            Vault::of_new_file(&file, &db).await?
        }
        source => Vault::of(source)?,
    };
    vault.check(&db).await?;
    Ok(Ctx::new(config, db, vault, Clock::System))
}

/// Opens the database as [`open`] does, for a server: as the only one where the database is an embedded one. The lock
/// has to be kept while it serves.
///
/// # Errors
/// As [`open`]; fails where another server runs on the embedded database.
pub(crate) async fn open_to_serve(config: Config) -> Result<(Ctx, ServerLock), ServeError> {
    let lock = make_private(config.url()).map_err(|error| error.to_string());
    let lock = lock.and_then(|()| ServerLock::take(config.url()).map_err(|why| why.to_string()));
    let lock = lock.map_err(|cause| ServeError::Database {
        url: without_password(config.url()),
        cause,
    })?;
    Ok((open(config).await?, lock))
}

/// Opens the database that the settings name, and brings its schema up to date.
///
/// # Errors
/// Fails where the database cannot be opened.
pub async fn open_database(config: &Config) -> Result<Db, ServeError> {
    let url = config.url();
    let refuse = |cause: String| ServeError::Database {
        url: without_password(url),
        cause,
    };
    make_private(url).map_err(|cause| refuse(cause.to_string()))?;
    let db = Db::open(url, config.database_connections, config.write_batch).await;
    db.map_err(|error| match error {
        Error::Internal(cause) => refuse(cause.to_string()),
        Error::Refused(refusal) => refuse(refusal.to_string()),
    })
}

/// Returns the source of the keys to the database's secrets: the configured one, or the file beside the embedded
/// database. A demonstration on PostgreSQL needs none, as its secrets are published.
///
/// # Errors
/// [`KeysError::NotNamed`] on PostgreSQL, where no default place is shared by all nodes.
pub fn key_source(config: &Config) -> Result<KeySource, KeysError> {
    if let Some(file) = &config.keys.file {
        return Ok(KeySource::File(file.clone()));
    }
    if let Some(text) = &config.keys.text {
        return Ok(KeySource::Setting(text.clone()));
    }
    let url = config.url();
    if is_postgres(url) {
        return match config.demo {
            true => Ok(KeySource::Published),
            false => Err(KeysError::NotNamed),
        };
    }
    let options = SqliteConnectOptions::from_str(url);
    let database = options.map_or_else(
        |_| PathBuf::from("refundry.db"),
        |options| options.get_filename().to_owned(),
    );
    let mut file = database.into_os_string();
    file.push(".keys");
    Ok(KeySource::File(file.into()))
}

/// Creates the database's file, where it does not exist and may be created, readable by its owner only.
fn make_private(url: &str) -> std::io::Result<()> {
    let made_if_missing = !is_postgres(url) && url.ends_with("mode=rwc");
    let Ok(options) = SqliteConnectOptions::from_str(url) else {
        return Ok(());
    };
    if !made_if_missing || options.get_filename().exists() {
        return Ok(());
    }
    let mut file = OpenOptions::new();
    file.append(true).create(true).mode(0o600);
    file.open(options.get_filename()).map(drop)
}

/// Serves on a bound listener until `stop`. The order of the stop: `/readyz` turns proxies away, no new requests are
/// accepted, requests and jobs end, tasks that requests left end, the database is closed. `greeting` gets the server's
/// URL and returns the text before it on the standard output.
pub(crate) async fn run(
    ctx: Ctx,
    listener: TcpListener,
    stop: Stop,
    greeting: impl FnOnce(&str) -> String,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(|cause| ServeError::Listen {
        address: ctx.config.listen,
        cause,
    })?;
    if let Some(sandbox) = ctx.channels.sandbox() {
        let local = format!("http://{}", reachable(address));
        sandbox.call_back_to(ctx.config.public_url.as_deref().unwrap_or(&local));
    }
    // Checked before anything is claimed, as the clock may be wrong. A defect found here is found again by the checkup
    // job.
    if let Err(error) = ctx.checkup.look(&ctx.db, &ctx.clock).await {
        tracing::error!(%error, "the server is not in order");
    }
    match ctx.restored.mark().await {
        Ok(None) => {}
        Ok(Some(mark)) => tracing::warn!(
            taken_at_ms = mark.taken_at.0,
            "in restored mode: no refund is submitted until it is ended in the console or by `refundry restored end`"
        ),
        Err(error) => tracing::error!(%error, "whether this is restored mode cannot be read"),
    }
    let node = ctx.numbers.lease.start(ctx.clock.now()).await?;
    node.map_err(|held| ServeError::NodeTaken {
        node: held.node,
        host: held.host,
    })?;
    let figures = match ctx.config.metrics_listen {
        Some(address) => Some(figures(&ctx, address).await?),
        None => None,
    };
    let mut jobs = jobs::spawn(&ctx);
    let limits = ConnectionLimits::of(
        possible_connections(ctx.config.max_connections),
        &ctx.config.trusted_proxies,
    );
    let address = format!("http://{address}");
    say(&format!("{}listening on {address}", greeting(&address)));

    let millis = |ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    let drain = millis(ctx.config.drain_ms);
    let limit = drain + millis(ctx.config.request_time_limit_ms) + GRACE;
    tokio::spawn(close(ctx.clone(), stop.begun.clone(), drain));
    let routes = router::router(ctx.clone());
    let served = listener::serve(listener, routes, limits, ctx.closing.clone());
    let mut out_of_patience = pin!(stop.out_of_patience(limit));
    let mut end = tokio::select! {
        () = served => End::InOrder,
        () = &mut out_of_patience => End::AtOnce,
        why = breakdown(&mut jobs, &ctx.db) => End::Broken(why),
    };
    // Jobs stop before the wait for tasks, so that they begin no more of them.
    jobs.shutdown().await;
    if let End::InOrder = end {
        ctx.tasks.close();
        tokio::select! {
            () = ctx.tasks.wait() => {}
            () = out_of_patience => end = End::AtOnce,
        }
    }
    match &end {
        End::InOrder => tracing::info!("stopped"),
        End::AtOnce => {
            tracing::warn!("stopped with work under way; sync settles what it left");
        }
        End::Broken(why) => tracing::error!(%why, "stopped; sync settles what was under way"),
    }
    drop(figures);
    if let Err(error) = ctx.numbers.lease.release(ctx.clock.now()).await {
        tracing::warn!(%error, "the node's number was not given back: it is free in a minute");
    }
    ctx.db.close().await;
    telemetry::stop().await;
    match end {
        End::Broken(why) => Err(why),
        End::InOrder | End::AtOnce => Ok(()),
    }
}

/// The ways in which a server stops.
enum End {
    InOrder,
    /// The time for work under way is over, or a second signal came.
    AtOnce,
    Broken(ServeError),
}

/// Waits until a part has ended without which the server cannot work.
async fn breakdown(jobs: &mut Jobs, db: &Db) -> ServeError {
    tokio::select! {
        job = jobs.ended() => ServeError::JobEnded(job),
        () = db.writer_ended() => ServeError::WriterEnded,
    }
}

/// Closes the server once a stop has begun and clients of `/readyz` have had the time `drain` to notice it.
async fn close(ctx: Ctx, begun: CancellationToken, drain: Duration) {
    begun.cancelled().await;
    ctx.stopping.cancel();
    tokio::time::sleep(drain).await;
    ctx.closing.cancel();
}

/// Number of files that are kept for others than callers: the database, channels, merchants' systems.
const OTHER_FILES: u64 = 1_024;
/// Maximum number of open connections to the figures.
const FIGURES_CONNECTIONS: usize = 64;

/// Returns the number of connections that the process's limit of open files allows, at most the wanted one. Raises that
/// limit as far as it may.
fn possible_connections(wanted: u32) -> usize {
    let needed = u64::from(wanted) + OTHER_FILES;
    let files = rlimit::increase_nofile_limit(needed).unwrap_or(needed);
    let possible = files.saturating_sub(OTHER_FILES).max(files / 2);
    let possible = u32::try_from(possible).unwrap_or(u32::MAX).min(wanted);
    if possible < wanted {
        tracing::warn!(
            files,
            possible,
            "the limit of open files allows fewer connections than --max-connections"
        );
    }
    possible as usize
}

/// Serves figures and health on a listener of their own, until the returned set is dropped.
async fn figures(ctx: &Ctx, address: SocketAddr) -> Result<JoinSet<()>, ServeError> {
    let listener = bind(address).await?;
    let taken = listener.local_addr();
    let address = taken.map_err(|cause| ServeError::Listen { address, cause })?;
    let mut serving = JoinSet::new();
    let figures = exporter::start(ctx, &mut serving)?;
    say(&format!("figures at http://{address}/metrics"));
    serving.spawn(async move {
        let limits = ConnectionLimits::of(FIGURES_CONNECTIONS, &[]);
        let until_dropped = CancellationToken::new();
        listener::serve(listener, exporter::routes(figures), limits, until_dropped).await;
    });
    Ok(serving)
}

/// Returns the address by which this machine reaches a listener: loopback where it listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        given => given.ip(),
    };
    SocketAddr::new(ip, address.port())
}

/// Prints a line to the standard output. Ignores errors, as nobody may be reading.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The request to stop a server.
pub(crate) struct Stop {
    begun: CancellationToken,
    /// Cancelled when the server is to stop without waiting for work under way.
    at_once: CancellationToken,
}

impl Stop {
    /// Stops on SIGTERM or SIGINT, and at once on the second signal.
    pub(crate) fn on_signals() -> Result<Stop, ServeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
        let (begun, at_once) = (CancellationToken::new(), CancellationToken::new());
        let stop = Stop {
            begun: begun.clone(),
            at_once: at_once.clone(),
        };
        tokio::spawn(async move {
            for wish in [begun, at_once] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                wish.cancel();
            }
        });
        Ok(stop)
    }

    /// Returns when, after the stop has begun, its time limit is over or a second signal comes.
    async fn out_of_patience(&self, limit: Duration) {
        self.begun.cancelled().await;
        let _ = tokio::time::timeout(limit, self.at_once.cancelled()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::testing::app_with;

    #[tokio::test]
    async fn a_server_whose_writer_has_ended_stops_with_an_error() {
        let (ctx, database) = app_with(Config::default()).await;
        if is_postgres(&database.url()) {
            return;
        }
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (begun, at_once) = (CancellationToken::new(), CancellationToken::new());
        let (told, listening) = tokio::sync::oneshot::channel();
        let greeting = move |_: &str| {
            told.send(()).unwrap();
            String::new()
        };
        let served = tokio::spawn(run(
            ctx.clone(),
            listener,
            Stop { begun, at_once },
            greeting,
        ));
        listening.await.unwrap();
        ctx.db.close().await;
        let ended = served.await.unwrap();
        assert!(matches!(ended, Err(ServeError::WriterEnded)), "{ended:?}");
    }
}
