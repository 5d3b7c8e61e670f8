//! A line of the log as one JSON object: `timestamp`, `level` and `target`, the fields of the spans around it, the
//! trace id among them, and its own fields. All of them stand side by side, and each name once.
//!
//! The JSON of `tracing-subscriber` 0.3 leaves the trace id two levels down, in a list of spans. `json-subscriber` 0.3
//! puts it beside the line's own fields, but writes `log` as the target of every line from the `log` crate. Both repeat
//! a name that a span and the line have in common (`target` or `refund_no`), and such JSON is read in different ways.

use std::fmt;

use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_serde::fields::AsMap;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Makes a layer write lines of JSON instead of lines for people.
pub fn layer<S, N, E, W>(lines: Layer<S, N, E, W>) -> Layer<S, JsonFields, Line, W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> tracing_subscriber::fmt::FormatFields<'w> + 'static,
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + 'static,
{
    lines
        .with_ansi(false)
        .fmt_fields(JsonFields::new())
        .event_format(Line)
}

/// Format of a line.
pub struct Line;

impl<S> FormatEvent<S, JsonFields> for Line
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let of_log = event.normalized_metadata();
        let about = of_log.as_ref().unwrap_or_else(|| event.metadata());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;

        let mut line = Map::new();
        let own = [
            ("timestamp", timestamp),
            ("level", about.level().to_string()),
            ("target", about.target().to_owned()),
        ];
        for (name, value) in own {
            line.insert(name.to_owned(), value.into());
        }
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|spans| spans.from_root())
        {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<JsonFields>>() {
                add(&mut line, serde_json::from_str(&fields.fields));
            }
        }
        add(&mut line, serde_json::to_value(event.field_map()));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Adds fields, except those that would change the timestamp, the level or the target.
fn add(line: &mut Map<String, Value>, fields: serde_json::Result<Value>) {
    let Ok(Value::Object(fields)) = fields else {
        return;
    };
    for (name, value) in fields {
        let kept = matches!(name.as_str(), "timestamp" | "level" | "target");
        if !kept && !name.starts_with("log.") {
            line.insert(name, value);
        }
    }
}
