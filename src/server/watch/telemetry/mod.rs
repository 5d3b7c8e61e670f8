//! The log, written to the standard error, in lines for people or as one JSON object a line; and traces, sent to a
//! collector if a setting names one.

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

/// Sender of the traces, if a setting names a collector.
static TRACES: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Maximum time that a stop waits for the collector to take the last traces.
const LAST_TRACES: Duration = Duration::from_secs(2);

/// Begins to log and to trace. A second call changes nothing.
///
/// # Errors
/// A text that says why traces cannot be sent to the collector.
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

/// Sends the traces that were not sent yet, and waits for no longer than [`LAST_TRACES`].
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

/// Makes the layer that traces our own spans and events. Those of libraries are left out, since the exporter's own would
/// be traced without end.
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

/// Writes a panic to the log, as a line with the trace id of its request.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let why = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(why, place, "a panic");
}
