//! `/openapi.json`, and `/docs`: the same description as a page to read, with forms that sign a
//! request in the browser and send it. Everything is served by us; without scripts it is a page to
//! read.

use std::fmt::{self, Write};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Schema};

use crate::domain::lang::Text;
use crate::domain::merchant::{Edition, SignType};
use crate::domain::secret::Secret;
use crate::server::ctx::Ctx;
use crate::server::gateway::openapi;

const JSON: &str = "application/json";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The description and the page.
pub fn routes(ctx: Ctx) -> Router {
    let api = Arc::new(openapi::describe(&ctx));
    let text = serde_json::to_vec(&*api).expect("a description is JSON");
    let described = ([(header::CONTENT_TYPE, JSON)], Bytes::from(text));
    let style = (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("docs.css"),
    );
    let script = (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("docs.js"),
    );
    Router::new()
        .route("/openapi.json", get(move || async move { described }))
        .route("/docs", get(page))
        .route("/docs/docs.css", get(move || async move { style }))
        .route("/docs/docs.js", get(move || async move { script }))
        .with_state((ctx, api))
}

async fn page(State((ctx, api)): State<(Ctx, Arc<OpenApi>)>) -> Response {
    let demo = demo(&ctx).await;
    let zone = ctx.config.time_zone.iana_name().unwrap_or("Asia/Shanghai");
    let page = Page {
        api: &api,
        zone,
        demo: demo.as_ref(),
    }
    .to_string();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page).into_response()
}

/// What the forms are filled with in a demonstration, whose secret is published.
struct Demo {
    app_id: String,
    secret: Secret,
}

/// Only in a demonstration may a secret stand on a page.
async fn demo(ctx: &Ctx) -> Option<Demo> {
    if !ctx.config.demo {
        return None;
    }
    let merchant = ctx.merchants.enabled(None).await.ok()?;
    (merchant.sign_type == SignType::HmacSha256).then(|| Demo {
        app_id: merchant.app_id.clone(),
        secret: merchant.secret.clone(),
    })
}

/// Text within HTML.
struct Html<'a>(&'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// A text in both languages, written `Chinese · English` in the description.
struct Both<'a>(&'a str);

impl fmt::Display for Both<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Comments are wrapped where the code is.
        let text = self.0.replace('\n', " ");
        match text.split_once(" · ") {
            Some((zh, en)) => write!(f, "{} <span lang=\"en\">{}</span>", Html(zh), Html(en)),
            None => write!(f, "{}", Html(&text)),
        }
    }
}

/// The page.
struct Page<'a> {
    api: &'a OpenApi,
    zone: &'a str,
    demo: Option<&'a Demo>,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<!DOCTYPE html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Refundry 接口文档 · API</title><link rel=\"icon\" href=\"/favicon.svg\">\
             <link rel=\"stylesheet\" href=\"/docs/docs.css\"><script src=\"/docs/docs.js\" defer></script></head>\
             <body data-zone=\"{}\"><main><h1>Refundry 接口文档 <span lang=\"en\">API</span></h1>\
             <p><a href=\"/openapi.json\">OpenAPI 3.1</a></p>",
            Html(self.zone)
        )?;
        self.contents(f)?;
        for Text { zh, en } in openapi::BASICS {
            write!(f, "<p>{}</p><p lang=\"en\">{}</p>", Html(zh), Html(en))?;
        }
        for (path, item) in &self.api.paths.paths {
            for (method, operation) in [("POST", &item.post), ("GET", &item.get)] {
                if let Some(operation) = operation {
                    self.operation(f, method, path, operation)?;
                }
            }
        }
        self.codes(f)?;
        f.write_str("</main></body></html>")
    }
}

impl Page<'_> {
    fn contents(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<nav aria-label=\"目录 · contents\"><ul>")?;
        for path in self.api.paths.paths.keys() {
            write!(
                f,
                "<li><a href=\"#{0}\"><code>{0}</code></a></li>",
                Html(path)
            )?;
        }
        f.write_str(
            "<li><a href=\"#codes\">状态码 <span lang=\"en\">codes</span></a></li></ul></nav>",
        )
    }

    fn codes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<h2 id=\"codes\">状态码 <span lang=\"en\">codes</span></h2><table><tbody>")?;
        for (code, Text { zh, en }) in openapi::CODES {
            let (zh, en) = (Html(zh), Html(en));
            write!(
                f,
                "<tr><td><code>{code}</code></td><td>{zh}</td><td lang=\"en\">{en}</td></tr>"
            )?;
        }
        f.write_str("</tbody></table>")
    }

    fn operation(
        &self,
        f: &mut fmt::Formatter<'_>,
        method: &str,
        path: &str,
        operation: &Operation,
    ) -> fmt::Result {
        write!(
            f,
            "<h2 id=\"{0}\"><code>{method} {0}</code></h2>",
            Html(path)
        )?;
        if let Some(summary) = &operation.summary {
            write!(f, "<p><strong>{}</strong></p>", Both(summary))?;
        }
        if let Some(description) = &operation.description {
            write!(f, "<p>{}</p>", Both(description))?;
            if description.starts_with("同 /") {
                return Ok(());
            }
        }
        for parameter in operation.parameters.iter().flatten().filter_map(own) {
            let about = parameter.description.as_deref().unwrap_or_default();
            write!(
                f,
                "<p><code>{{{}}}</code> {}</p>",
                Html(&parameter.name),
                Both(about)
            )?;
        }
        let request = operation.request_body.as_ref().and_then(own);
        let request = request.and_then(|body| json(body.content.get(JSON)));
        if let Some(schema) = request {
            write!(f, "<h3>请求 <span lang=\"en\">request</span></h3>")?;
            self.editions(f, schema)?;
            self.form(f, path, schema)?;
        }
        let answer = operation.responses.responses.get("200").and_then(own);
        let answer = answer.and_then(|answer| json(answer.content.get(JSON)));
        if let Some(schema) = answer {
            write!(f, "<h3>应答 <span lang=\"en\">answer</span></h3>")?;
            self.editions(f, schema)?;
        }
        Ok(())
    }

    /// A table of fields, or one for each edition.
    fn editions(&self, f: &mut fmt::Formatter<'_>, schema: &RefOr<Schema>) -> fmt::Result {
        let tables = match self.resolved(schema) {
            Some(Schema::OneOf(one_of)) => one_of.items.iter().collect(),
            _ => vec![schema],
        };
        for (i, table) in tables.iter().enumerate() {
            let title = [
                "服务商版（3.x） · open edition",
                "单商户版（2.x） · single edition",
            ];
            let open = if i == 0 { " open" } else { "" };
            if tables.len() > 1 {
                write!(
                    f,
                    "<details{open}><summary>{}</summary>",
                    Both(title[i.min(1)])
                )?;
            }
            f.write_str(
                "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>字段 <span lang=\"en\">field</span></th>\
                 <th>必填 <span lang=\"en\">required</span></th><th>类型 <span lang=\"en\">type</span></th>\
                 <th>说明 <span lang=\"en\">meaning</span></th><th>示例 <span lang=\"en\">example</span></th>\
                 </tr></thead><tbody>",
            )?;
            self.rows(f, table, "")?;
            f.write_str("</tbody></table></div>")?;
            if tables.len() > 1 {
                f.write_str("</details>")?;
            }
        }
        Ok(())
    }

    /// The fields of an object, those of objects within it after their own.
    fn rows(
        &self,
        f: &mut fmt::Formatter<'_>,
        schema: &RefOr<Schema>,
        prefix: &str,
    ) -> fmt::Result {
        match self.resolved(schema) {
            Some(Schema::Object(object)) => {
                for (name, property) in &object.properties {
                    let required = object.required.contains(name);
                    self.row(f, &format!("{prefix}{name}"), required, property)?;
                }
                Ok(())
            }
            Some(Schema::AllOf(all_of)) => all_of
                .items
                .iter()
                .try_for_each(|part| self.rows(f, part, prefix)),
            Some(Schema::OneOf(one_of)) => one_of
                .items
                .iter()
                .try_for_each(|part| self.rows(f, part, prefix)),
            _ => Ok(()),
        }
    }

    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        required: bool,
        schema: &RefOr<Schema>,
    ) -> fmt::Result {
        let required = if required {
            "是 <span lang=\"en\">yes</span>"
        } else {
            ""
        };
        write!(
            f,
            "<tr><td><code>{}</code></td><td>{required}</td>",
            Html(name)
        )?;
        match self.resolved(schema) {
            Some(Schema::Object(object)) if object.properties.is_empty() => {
                let about = object.description.as_deref().unwrap_or_default();
                let example = object.examples.first().or(object.example.as_ref());
                let example = example.map(ToString::to_string).unwrap_or_default();
                let limits = limits(object);
                write!(
                    f,
                    "<td class=\"limits\">{}</td><td>{}</td>",
                    Html(&limits),
                    Both(about)
                )?;
                write!(f, "<td><code>{}</code></td></tr>", Html(&example))
            }
            _ => {
                f.write_str("<td class=\"limits\">object</td><td></td><td></td></tr>")?;
                self.rows(f, schema, &format!("{name}."))
            }
        }
    }

    fn resolved<'s>(&'s self, schema: &'s RefOr<Schema>) -> Option<&'s Schema> {
        match schema {
            RefOr::T(schema) => Some(schema),
            RefOr::Ref(reference) => {
                let name = reference.ref_location.rsplit('/').next()?;
                self.resolved(self.api.components.as_ref()?.schemas.get(name)?)
            }
        }
    }

    /// A form that signs and sends a request; shown by the script that does it.
    fn form(&self, f: &mut fmt::Formatter<'_>, path: &str, schema: &RefOr<Schema>) -> fmt::Result {
        let Some(Schema::OneOf(editions)) = self.resolved(schema) else {
            return Ok(());
        };
        let [open, single] = &editions.items[..] else {
            return Ok(());
        };
        let (open, single) = (
            self.example(open, Edition::Open),
            self.example(single, Edition::Single),
        );
        let secret = self
            .demo
            .map(|demo| demo.secret.reveal())
            .unwrap_or_default();
        write!(
            f,
            "<form hidden method=\"post\" data-path=\"{path}\" data-open=\"{}\" data-single=\"{}\"><div class=\"row\">\
             <label>协议版本 <span lang=\"en\">edition</span><br><select name=\"edition\">\
             <option value=\"open\">服务商版 open</option><option value=\"single\">单商户版 single</option></select></label>\
             <label>密钥 <span lang=\"en\">secret (HMAC-SHA-256; stays in the browser)</span><br>\
             <input name=\"secret\" autocomplete=\"off\" value=\"{}\"></label></div>\
             <label>请求体，发送时加上 reqTime 和 sign <span lang=\"en\">body; reqTime and sign are added when it is sent</span>\
             <textarea name=\"body\" rows=\"9\" spellcheck=\"false\"></textarea></label>\
             <div class=\"row\"><button>签名并发送 Sign and send</button></div><output></output></form>",
            Html(&open),
            Html(&single),
            Html(secret),
        )
    }

    /// A request to begin with: what is required, and the merchant's numbers.
    fn example(&self, schema: &RefOr<Schema>, edition: Edition) -> String {
        let Some(Schema::Object(object)) = self.resolved(schema) else {
            return "{}".to_owned();
        };
        let mut fields = Vec::new();
        if let (Some(demo), Edition::Open) = (self.demo, edition) {
            fields.push(format!(
                "\"appId\":{}",
                serde_json::Value::from(demo.app_id.as_str())
            ));
        }
        for (name, property) in &object.properties {
            let wanted = object.required.contains(name)
                || ["bizRefundNo", "bizOrderNo"].contains(&name.as_str());
            let Some(Schema::Object(property)) = self.resolved(property) else {
                continue;
            };
            if let (true, Some(example)) = (wanted && name != "reqTime", property.examples.first())
            {
                fields.push(format!("\"{name}\":{example}"));
            }
        }
        format!("{{{}}}", fields.join(","))
    }
}

/// What is described in its place, not by reference.
fn own<T>(described: &RefOr<T>) -> Option<&T> {
    match described {
        RefOr::T(own) => Some(own),
        RefOr::Ref(_) => None,
    }
}

/// The schema of a JSON body.
fn json(content: Option<&RefOr<Content>>) -> Option<&RefOr<Schema>> {
    own(content?)?.schema.as_ref()
}

/// The type of a value and its limits.
fn limits(object: &Object) -> String {
    let name = |kind: &Type| match kind {
        Type::String => "string",
        Type::Number => "number",
        Type::Integer => "integer",
        Type::Boolean => "boolean",
        Type::Object => "object",
        Type::Array => "array",
        Type::Null => "null",
    };
    let mut text = match &object.schema_type {
        SchemaType::Type(kind) => name(kind).to_owned(),
        SchemaType::Array(kinds) => kinds
            .iter()
            .filter(|kind| **kind != Type::Null)
            .map(name)
            .collect::<Vec<_>>()
            .join(" / "),
        SchemaType::AnyValue => String::new(),
    };
    if let Some(max) = object.max_length {
        let _ = write!(text, " ≤ {max}");
    }
    text
}
