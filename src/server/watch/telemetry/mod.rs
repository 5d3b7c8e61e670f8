//! The log, to the standard error: lines for people or one JSON object a line. And traces, to a
//! collector, where a setting names one.

mod json;

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::server::config::{Config, LogFormat};

/// What sends traces, if anything does.
static TRACES: OnceLock<SdkTracerProvider> = OnceLock::new();

/// How long a stop waits for the collector to take the last traces.
const LAST_TRACES: Duration = Duration::from_secs(2);

/// Begins to log and to trace. The first call counts.
///
/// # Errors
/// When traces cannot be sent where the settings say; the text says why.
pub fn start(config: &Config) -> Result<(), String> {
    let traces = match &config.otlp_endpoint {
        Some(endpoint) => Some(tracer(endpoint)?),
        None => None,
    };
    let started = tracing_subscriber::registry()
        .with(log(config))
        .with(traces.map(traced))
        .try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(())
}

/// Sends what has not been sent yet of the traces, for a moment at most.
pub async fn stop() {
    let last = tokio::task::spawn_blocking(|| {
        let sent = TRACES
            .get()
            .map(|traces| traces.shutdown_with_timeout(LAST_TRACES));
        if let Some(Err(error)) = sent {
            tracing::warn!(%error, "the last traces were not sent");
        }
    });
    let _ = last.await;
}

fn log<S>(config: &Config) -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => json::layer(lines).boxed(),
    };
    lines.with_filter(EnvFilter::new(&config.log))
}

/// Our own spans and what is said within them. Those of libraries are left out, the exporter's own
/// above all.
fn traced<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_filter(Targets::new().with_target("refundry", LevelFilter::DEBUG))
}

fn tracer(endpoint: &str) -> Result<SdkTracer, String> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name("refundry")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    Ok(TRACES.get_or_init(|| traces).tracer("refundry"))
}

/// A panic is a line of the log like any other, with the trace id of its request.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let why = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(why, place, "a panic");
}
