//! Every setting: a flag and an environment variable each, with its default and its limits.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings of a running server.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "REFUNDRY_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// Address under which channels reach this server, for callbacks [default: http://LISTEN]
    #[arg(long, env = "REFUNDRY_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// Time zone of the gateway's and the console's times
    #[arg(long, env = "REFUNDRY_TIME_ZONE", default_value = "Asia/Shanghai", value_parser = time_zone)]
    pub time_zone: jiff::tz::TimeZone,

    /// What the numbers we make begin with: at most 5 letters or digits
    #[arg(long, env = "REFUNDRY_NUMBER_PREFIX", default_value = "DEV", value_parser = number_prefix)]
    pub number_prefix: String,

    /// This node's number, 0 to 99, different on every node of one database
    #[arg(long, env = "REFUNDRY_NODE", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=99))]
    pub node: u8,

    /// Offer the sandbox channel and its book (always in a demonstration)
    #[arg(long, env = "REFUNDRY_SANDBOX", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub sandbox: bool,

    /// How long the sandbox takes to settle what it accepted
    #[arg(long = "sbx-delay", env = "SBX_DELAY", default_value = "2s", value_parser = |text: &str| duration_ms(text, 0, 3600000))]
    pub sbx_delay_ms: i64,

    /// How long a time-out of the sandbox takes
    #[arg(long = "sbx-timeout", env = "SBX_TIMEOUT", default_value = "1s", value_parser = |text: &str| duration_ms(text, 0, 60000))]
    pub sbx_timeout_ms: i64,

    /// How long a channel may take to answer; then the outcome is unknown
    #[arg(long = "channel-time-limit", env = "REFUNDRY_CHANNEL_TIME_LIMIT", default_value = "10s", value_parser = |text: &str| duration_ms(text, 100, 60000))]
    pub channel_time_limit_ms: i64,

    /// How long a request may take; a refund it began goes on
    #[arg(long = "request-time-limit", env = "REFUNDRY_REQUEST_TIME_LIMIT", default_value = "30s", value_parser = |text: &str| duration_ms(text, 1000, 300000))]
    pub request_time_limit_ms: i64,

    /// How many requests are worked on at once; further ones are told to come back
    #[arg(long, env = "REFUNDRY_MAX_IN_FLIGHT", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_in_flight: u32,

    /// How many waiting writes are committed together at most (embedded database)
    #[arg(long, env = "REFUNDRY_WRITE_BATCH", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub write_batch: u32,

    /// Connections for reading (embedded database) or for everything (PostgreSQL)
    #[arg(long, env = "REFUNDRY_DATABASE_CONNECTIONS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub database_connections: u32,

    /// Whether browsers reach the console by TLS: cookies are then marked Secure
    #[arg(long, env = "REFUNDRY_SECURE_COOKIES", default_value_t = true, action = clap::ArgAction::Set)]
    pub secure_cookies: bool,

    /// How long a login lasts without use, in minutes
    #[arg(long, env = "REFUNDRY_SESSION_MINUTES", default_value_t = 480, value_parser = clap::value_parser!(i64).range(5..=10_080))]
    pub session_minutes: i64,

    /// How the log is written
    #[arg(long, env = "REFUNDRY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written, as directives (`info`, `refundry=debug`)
    #[arg(long, env = "REFUNDRY_LOG", default_value = "info")]
    pub log: String,

    /// A demonstration: example data, its login, loopback only. Set by `refundry demo` alone.
    #[arg(skip)]
    pub demo: bool,
}

fn time_zone(name: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(name).map_err(|_| format!("no time zone is called {name:?}"))
}

/// Reads `2s`, `500ms`, `1m 30s` into milliseconds within limits.
fn duration_ms(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let duration: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "a duration with its unit, as 2s or 500ms".to_owned())?;
    let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    if (least..=most).contains(&ms) {
        Ok(ms)
    } else {
        Err(format!("from {least}ms to {most}ms"))
    }
}

fn number_prefix(prefix: &str) -> Result<String, String> {
    let fits = prefix.len() <= 5 && prefix.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| prefix.to_owned())
        .ok_or_else(|| "at most 5 letters or digits".to_owned())
}
