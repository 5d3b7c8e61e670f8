//! The settings: each is a flag and an environment variable, with its default and its limits.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Args, FromArgMatches, ValueEnum};
use ipnet::IpNet;
use jiff::SignedDuration;

use crate::domain::secret::Secret;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::server::db::is_postgres;

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Default database of a server: a file in the working directory.
pub const DATABASE_URL: &str = "sqlite://refundry.db?mode=rwc";
const TIME_ZONE: &str = "Asia/Shanghai";
const NUMBER_PREFIX: &str = "DEV";

/// The settings of a running server.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Database, as sqlite:PATH or postgres://USER@HOST/NAME [default: sqlite://refundry.db; demo: a temporary one]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    pub database_url: Option<Secret>,

    #[command(flatten)]
    pub keys: KeySettings,

    /// Address to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "REFUNDRY_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:3000"
    )]
    pub listen: SocketAddr,

    /// Second address to listen on, in the operators' network, for /metrics, /healthz and /readyz [default: none]
    #[arg(long, env = "REFUNDRY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Address under which channels reach this server, for callbacks [default: http://LISTEN]
    #[arg(long, env = "REFUNDRY_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,

    /// Time zone of the gateway's and the console's times
    #[arg(long, env = "REFUNDRY_TIME_ZONE", value_name = "ZONE", default_value = TIME_ZONE, value_parser = time_zone)]
    pub time_zone: jiff::tz::TimeZone,

    /// Prefix of the numbers that this server makes: at most 5 letters or digits
    #[arg(long, env = "REFUNDRY_NUMBER_PREFIX", value_name = "PREFIX", default_value = NUMBER_PREFIX, value_parser = number_prefix)]
    pub number_prefix: String,

    /// Number of this node, a part of the numbers that it makes: 0 to 99 [default: the lowest that no other node of the database has]
    #[arg(long, env = "REFUNDRY_NODE", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=99))]
    pub node: Option<u8>,

    /// Offer the sandbox channel and its book (always offered in a demonstration)
    #[arg(long, env = "REFUNDRY_SANDBOX", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub sandbox: bool,

    /// Time that the sandbox takes to settle an accepted refund: up to 1h
    #[arg(long = "sbx-delay", env = "SBX_DELAY", value_name = "DURATION", default_value = "2s", value_parser = duration(0..=HOUR_MS))]
    pub sbx_delay_ms: i64,

    /// Time that a simulated time-out of the sandbox takes: up to 1m
    #[arg(long = "sbx-timeout", env = "SBX_TIMEOUT", value_name = "DURATION", default_value = "1s", value_parser = duration(0..=MINUTE_MS))]
    pub sbx_timeout_ms: i64,

    /// Time limit of a call to a channel, after which its outcome is unknown: 100ms to 1m
    #[arg(long = "channel-time-limit", env = "REFUNDRY_CHANNEL_TIME_LIMIT", value_name = "DURATION", default_value = "10s", value_parser = duration(100..=MINUTE_MS))]
    pub channel_time_limit_ms: i64,

    /// Maximum number of refunds of one channel account that scheduled sync asks for at once: 1 to 256
    #[arg(long = "syncs-at-once", env = "REFUNDRY_SYNCS_AT_ONCE", value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub syncs_at_once: u32,

    /// Maximum number of calls under way of one channel account; a refund beyond it is submitted by scheduled sync: 1 to 1024
    #[arg(long = "channel-calls-at-once", env = "REFUNDRY_CHANNEL_CALLS_AT_ONCE", value_name = "NUMBER", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub channel_calls_at_once: u32,

    /// Time from a refund's success until sync asks for it once more, in case the channel reversed it: up to 720h, 0s for never
    #[arg(long = "recheck-after", env = "REFUNDRY_RECHECK_AFTER", value_name = "DURATION", default_value = "24h", value_parser = duration(0..=30 * DAY_MS))]
    pub recheck_after_ms: i64,

    /// Time in progress after which a refund is put up for an operator's review: 1m to 720h
    #[arg(long = "overdue-after", env = "REFUNDRY_OVERDUE_AFTER", value_name = "DURATION", default_value = "24h", value_parser = duration(MINUTE_MS..=30 * DAY_MS))]
    pub overdue_after_ms: i64,

    /// Maximum number of notices of one app that are sent at once: 1 to 256
    #[arg(long = "notices-at-once", env = "REFUNDRY_NOTICES_AT_ONCE", value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub notices_at_once: u32,

    /// Allow notices to addresses in private networks (in a demonstration: to loopback addresses)
    #[arg(long, env = "REFUNDRY_PRIVATE_NOTIFY", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub private_notify: bool,

    /// Days for which the events of settled refunds are kept: up to 36500, 0 for ever
    #[arg(long, env = "REFUNDRY_KEEP_EVENTS_DAYS", value_name = "DAYS", default_value_t = 400, value_parser = clap::value_parser!(i64).range(0..=36_500))]
    pub keep_events_days: i64,

    /// Days for which callbacks are kept as they were received: up to 36500, 0 for ever
    #[arg(long, env = "REFUNDRY_KEEP_CALLBACKS_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(0..=36_500))]
    pub keep_callbacks_days: i64,

    /// Days for which attempts to deliver notices are kept as they were sent: up to 36500, 0 for ever
    #[arg(long, env = "REFUNDRY_KEEP_ATTEMPTS_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(0..=36_500))]
    pub keep_attempts_days: i64,

    /// Time from one comparison of balances with the sums of their movements to the next: up to 720h, 0s for never
    #[arg(long = "balance-check-every", env = "REFUNDRY_BALANCE_CHECK_EVERY", value_name = "DURATION", default_value = "24h", value_parser = duration(0..=30 * DAY_MS))]
    pub balance_check_every_ms: i64,

    /// Folder for scheduled backups, of this database alone [default: none are taken]
    #[arg(long, env = "REFUNDRY_BACKUP_DIR", value_name = "FOLDER", value_parser = folder)]
    pub backup_dir: Option<PathBuf>,

    /// Time from one scheduled backup to the next: 10m to 720h
    #[arg(long = "backup-every", env = "REFUNDRY_BACKUP_EVERY", value_name = "DURATION", default_value = "24h", value_parser = duration(10 * MINUTE_MS..=30 * DAY_MS))]
    pub backup_every_ms: i64,

    /// Number of scheduled backups that are kept, the newest: 1 to 1000
    #[arg(long, env = "REFUNDRY_BACKUPS_KEPT", value_name = "NUMBER", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub backups_kept: u32,

    /// Time limit of a request: 1s to 5m; a refund that it began goes on
    #[arg(long = "request-time-limit", env = "REFUNDRY_REQUEST_TIME_LIMIT", value_name = "DURATION", default_value = "30s", value_parser = duration(SECOND_MS..=5 * MINUTE_MS))]
    pub request_time_limit_ms: i64,

    /// Time at a stop in which /readyz says "not ready" and requests are still taken, so that a proxy can turn away: up to 5m
    #[arg(long = "drain", env = "REFUNDRY_DRAIN", value_name = "DURATION", default_value = "2s", value_parser = duration(0..=5 * MINUTE_MS))]
    pub drain_ms: i64,

    /// Maximum number of open connections, at most half of them from one address that is no trusted proxy: 2 to 100000
    #[arg(long, env = "REFUNDRY_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub max_connections: u32,

    /// Maximum number of requests under way of merchants, of channels and of browsers each, at most half of the merchants' from one app; further ones are answered with 503, try again shortly: 1 to 100000
    #[arg(long, env = "REFUNDRY_MAX_IN_FLIGHT", value_name = "NUMBER", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_in_flight: u32,

    /// Maximum requests a second from one address, callbacks not counted; after a rest five times as many at once: up to 100000, 0 for no limit
    #[arg(long, env = "REFUNDRY_REQUESTS_PER_SECOND", value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub requests_per_second: u32,

    /// Maximum callbacks a second from one address, after a rest five times as many at once; a channel repeats a refused one: up to 100000, 0 for no limit
    #[arg(long, env = "REFUNDRY_CALLBACKS_PER_SECOND", value_name = "NUMBER", default_value_t = 300, value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub callbacks_per_second: u32,

    /// Maximum signed requests a second of one app from all its addresses, after a rest five times as many at once: up to 100000, 0 for no limit
    #[arg(long, env = "REFUNDRY_APP_REQUESTS_PER_SECOND", value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub app_requests_per_second: u32,

    /// Maximum number of waiting writes that are committed together: 1 to 4096 (embedded database)
    #[arg(long, env = "REFUNDRY_WRITE_BATCH", value_name = "NUMBER", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub write_batch: u32,

    /// Connections to the database: 1 to 1000; to the embedded one, those for reading [default: 16; embedded database: 4]
    #[arg(long, env = "REFUNDRY_DATABASE_CONNECTIONS", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub database_connections: Option<u32>,

    /// Mark cookies Secure; false only where browsers reach the console without TLS
    #[arg(long, env = "REFUNDRY_SECURE_COOKIES", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub secure_cookies: bool,

    /// Proxies whose X-Forwarded-For is believed: networks or addresses, as 127.0.0.1,10.0.0.0/8 [default: none]
    #[arg(long, env = "REFUNDRY_TRUSTED_PROXIES", value_name = "CIDR,...", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Minutes without use after which a login ends: 5 to 10080
    #[arg(long, env = "REFUNDRY_SESSION_MINUTES", value_name = "MINUTES", default_value_t = 480, value_parser = clap::value_parser!(i64).range(5..=10_080))]
    pub session_minutes: i64,

    /// Days after which a login ends in any case: 1 to 90
    #[arg(long, env = "REFUNDRY_SESSION_DAYS", value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=90))]
    pub session_days: i64,

    /// Format of the log
    #[arg(long, env = "REFUNDRY_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Filter of the log's lines, as directives (`info`, `refundry=debug`)
    #[arg(long, env = "REFUNDRY_LOG", value_name = "DIRECTIVES", default_value = "info", value_parser = log_directives)]
    pub log: String,

    /// Collector that traces are sent to by OTLP over HTTP, as http://collector:4318 [default: none]
    #[arg(long, env = "REFUNDRY_OTLP_ENDPOINT", value_name = "URL", value_parser = public_url)]
    pub otlp_endpoint: Option<String>,

    /// Mark of a demonstration, set by `refundry demo` alone: example data, a published login, loopback only.
    #[arg(skip)]
    pub demo: bool,
}

impl Config {
    /// Returns the address of the database.
    pub fn url(&self) -> &str {
        self.database_url
            .as_ref()
            .map_or(DATABASE_URL, Secret::reveal)
    }
}

impl Default for Config {
    /// Returns the defaults of all settings, without a look at the environment.
    fn default() -> Config {
        let command = Config::augment_args(clap::Command::new("refundry").no_binary_name(true));
        let matches = command
            .mut_args(|arg| arg.env(Resettable::Reset))
            .get_matches_from(std::iter::empty::<&str>());
        Config::from_arg_matches(&matches).expect("the defaults are within their own limits")
    }
}

/// The settings of the keys that seal secrets in the database. A named file is used rather than the text.
#[derive(Args, Clone, Debug, Default)]
pub struct KeySettings {
    /// File of the keys that seal secrets in the database [default: beside the embedded database]
    #[arg(
        id = "keys_file",
        long = "keys-file",
        env = "REFUNDRY_KEYS_FILE",
        value_name = "FILE"
    )]
    pub file: Option<PathBuf>,

    /// Text of such a file, where `,` may stand for the end of a line; not used where a file is named [default: none]
    #[arg(
        id = "keys",
        long = "keys",
        env = "REFUNDRY_KEYS",
        hide_env_values = true,
        value_name = "TEXT"
    )]
    pub text: Option<Secret>,
}

/// The settings of commands that work on the database without serving requests.
#[derive(Args, Clone, Debug)]
pub struct Offline {
    /// Database, as sqlite:PATH or postgres://USER@HOST/NAME [default: sqlite://refundry.db]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    pub database_url: Option<Secret>,

    #[command(flatten)]
    pub keys: KeySettings,
}

impl Offline {
    /// Returns these settings, with all others at their defaults.
    pub fn config(&self) -> Config {
        Config {
            database_url: self.database_url.clone(),
            keys: self.keys.clone(),
            ..Config::default()
        }
    }
}

/// The settings of commands that read times and make numbers without serving requests. A test holds them to the
/// server's own.
#[derive(Args, Clone, Debug)]
pub struct Numbering {
    /// Time zone of the times in the file
    #[arg(long, env = "REFUNDRY_TIME_ZONE", value_name = "ZONE", default_value = TIME_ZONE, value_parser = time_zone)]
    pub time_zone: jiff::tz::TimeZone,

    /// Prefix of the numbers that this server makes: at most 5 letters or digits
    #[arg(long, env = "REFUNDRY_NUMBER_PREFIX", value_name = "PREFIX", default_value = NUMBER_PREFIX, value_parser = number_prefix)]
    pub number_prefix: String,

    /// Number of this node, a part of the numbers that it makes: 0 to 99 [default: the lowest that no other node of the database has]
    #[arg(long, env = "REFUNDRY_NODE", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=99))]
    pub node: Option<u8>,
}

impl Numbering {
    /// Returns these settings and the offline ones, with all others at their defaults.
    pub fn config(self, offline: &Offline) -> Config {
        Config {
            time_zone: self.time_zone,
            number_prefix: self.number_prefix,
            node: self.node,
            ..offline.config()
        }
    }
}

/// Reads `postgres://USER@HOST/NAME` or `sqlite:PATH`. A missing file is made, unless the address forbids it
/// (`?mode=rw`).
pub fn database_url(url: &str) -> Result<Secret, String> {
    if is_postgres(url) {
        let parsed = url::Url::parse(url);
        return parsed
            .map(|_| Secret::from(url))
            .map_err(|why| why.to_string());
    }
    let rest = url.strip_prefix("sqlite:");
    let rest = rest.ok_or_else(|| {
        "only addresses like sqlite:PATH or postgres://USER@HOST/NAME are understood".to_owned()
    })?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err("the address names no file".to_owned());
    }
    if path == ":memory:" || query.contains("mode=memory") {
        return Err("a database in memory cannot be shared by connections".to_owned());
    }
    let url = match query {
        "" => format!("sqlite://{path}?mode=rwc"),
        query if query.contains("mode=") => format!("sqlite://{path}?{query}"),
        query => format!("sqlite://{path}?{query}&mode=rwc"),
    };
    Ok(Secret::from(url))
}

/// Reads the path of a folder that exists.
fn folder(path: &str) -> Result<PathBuf, String> {
    let folder = PathBuf::from(path);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err("there is no such folder".to_owned()),
    }
}

/// Reads an http(s) address without query or fragment, and drops a slash at its end.
fn public_url(text: &str) -> Result<String, String> {
    let wrong = || "an address like https://pay.example.com is needed".to_owned();
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    fits.then(|| url.as_str().trim_end_matches('/').to_owned())
        .ok_or_else(wrong)
}

/// Reads a network, or a single address as a network of its own.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpNet>().map(|network| network.trunc());
    let network = network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "networks or addresses, as 127.0.0.1,10.0.0.0/8".to_owned())
}

/// Reads directives of the log's filter.
fn log_directives(text: &str) -> Result<String, String> {
    let directives = tracing_subscriber::EnvFilter::builder().parse(text);
    directives
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

/// Reads the name of a time zone.
fn time_zone(name: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(name).map_err(|_| format!("no time zone is called {name:?}"))
}

/// Makes a parser of durations within limits: `2s`, `500ms` or `1m 30s`, in milliseconds.
pub fn duration(limits: RangeInclusive<i64>) -> impl Fn(&str) -> Result<i64, String> + Clone {
    move |text| {
        let duration: SignedDuration = text
            .parse()
            .map_err(|_| "a duration with its unit, as 2s or 500ms".to_owned())?;
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        if limits.contains(&ms) {
            return Ok(ms);
        }
        let [least, most] =
            [limits.start(), limits.end()].map(|ms| SignedDuration::from_millis(*ms));
        Err(format!("from {least:#} to {most:#}"))
    }
}

/// Reads letters and digits for numbers to begin with.
fn number_prefix(prefix: &str) -> Result<String, String> {
    let fits = prefix.len() <= 5 && prefix.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| prefix.to_owned())
        .ok_or_else(|| "at most 5 letters or digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_beside_the_server_reads_times_and_makes_numbers_as_the_server_does() {
        #[derive(clap::Parser)]
        struct Beside {
            #[command(flatten)]
            numbering: Numbering,
        }
        let beside = <Beside as clap::Parser>::parse_from(["import"]).numbering;
        let server = Config::default();
        assert_eq!(beside.time_zone, server.time_zone);
        assert_eq!(beside.number_prefix, server.number_prefix);
        assert_eq!(beside.node, server.node);
    }

    #[test]
    fn databases_are_files_and_are_made_unless_the_address_says_otherwise() {
        let read = |url: &str| database_url(url).map(|url| url.reveal().to_owned());
        assert_eq!(read("sqlite:a.db"), Ok("sqlite://a.db?mode=rwc".to_owned()));
        assert_eq!(
            read("sqlite:///tmp/a.db"),
            Ok("sqlite:///tmp/a.db?mode=rwc".to_owned())
        );
        assert_eq!(
            read("sqlite://a.db?mode=rw"),
            Ok("sqlite://a.db?mode=rw".to_owned())
        );
        for fine in ["postgres://u:p@h:5432/d", "postgresql:///d?host=/run/pg"] {
            assert_eq!(read(fine), Ok(fine.to_owned()));
        }
        for wrong in [
            "a.db",
            "mysql://x",
            "postgres://h:port/d",
            "sqlite:",
            "sqlite::memory:",
            "sqlite://a?mode=memory",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_settings_can_be_printed_without_the_databases_password() {
        let url = Some(database_url("postgres://u:horse@h/d").unwrap());
        let config = Config {
            database_url: url.clone(),
            ..Config::default()
        };
        let offline = Offline {
            database_url: url,
            keys: KeySettings {
                file: None,
                text: Some("id horse".into()),
            },
        };
        for printed in [format!("{config:?}"), format!("{offline:?}")] {
            assert!(!printed.contains("horse"), "{printed}");
        }
    }

    #[test]
    fn a_network_may_be_a_single_address() {
        assert_eq!(network("10.1.2.3/8"), Ok("10.0.0.0/8".parse().unwrap()));
        assert_eq!(network(" ::1"), Ok("::1/128".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
        assert!(Config::default().trusted_proxies.is_empty());
    }

    #[test]
    fn durations_are_read_with_their_unit_and_kept_within_limits() {
        let read = duration(SECOND_MS / 2..=HOUR_MS);
        assert_eq!(read("1m 30s"), Ok(90_000));
        assert_eq!(read("500ms"), Ok(500));
        assert_eq!(read("1h"), Ok(HOUR_MS));
        for wrong in ["2", "-1s", "499ms", "61m", "", "99999999999h"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read("0s"), Err("from 500ms to 1h".to_owned()));
    }

    #[test]
    fn a_public_address_is_one_that_paths_can_be_put_behind() {
        assert_eq!(
            public_url("https://pay.cn/"),
            Ok("https://pay.cn".to_owned())
        );
        for wrong in [
            "pay.cn",
            "ftp://pay.cn",
            "https://pay.cn/?a=1",
            "https://u:p@pay.cn",
            "",
        ] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }
}
