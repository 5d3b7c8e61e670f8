//! The description as a page of HTML.

use maud::{DOCTYPE, Markup, html};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Schema};

use crate::domain::lang::Text;
use crate::domain::merchant::Edition;
use crate::server::gateway::docs::clients::{CAPABILITIES, Capability, NOTES, VERSIONS};
use crate::server::gateway::docs::examples::{TASKS, Task};
use crate::server::gateway::docs::{Demo, JSON};
use crate::server::gateway::{OTHER_PATHS, openapi};

/// The page under construction.
pub(super) struct Page<'a> {
    pub api: &'a OpenApi,
    /// Name of the time zone that the forms write times in.
    pub zone: &'a str,
    pub demo: Option<&'a Demo>,
}

/// Writes a text in both languages.
fn both(zh: &str, en: &str) -> Markup {
    html! { (zh) " " span lang="en" { (en) } }
}

/// Writes a text of the description, which holds both languages as `Chinese · English`.
fn described(text: &str) -> Markup {
    // A doc comment is wrapped where the code is.
    let text = text.replace('\n', " ");
    match text.split_once(" · ") {
        Some((zh, en)) => both(zh, en),
        None => html! { (text) },
    }
}

impl Page<'_> {
    /// Writes the whole page.
    pub fn html(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="zh-CN" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "Refundry 接口文档 · API" }
                    link rel="icon" href="/favicon.svg";
                    link rel="stylesheet" href="/docs/docs.css";
                    script src="/docs/docs.js" defer {}
                }
                body data-zone=(self.zone) {
                    main {
                        h1 { (both("Refundry 接口文档", "API")) }
                        p { a href="/openapi.json" { "OpenAPI 3.1" } }
                        (self.contents())
                        @for Text { zh, en } in openapi::BASICS {
                            p { (zh) }
                            p lang="en" { (en) }
                        }
                        (examples())
                        (clients())
                        @for (path, item) in &self.api.paths.paths {
                            @if let Some(operation) = &item.post { (self.operation("POST", path, operation)) }
                            @if let Some(operation) = &item.get { (self.operation("GET", path, operation)) }
                        }
                        (codes())
                    }
                }
            }
        }
    }

    fn contents(&self) -> Markup {
        html! {
            nav aria-label="目录 · contents" {
                ul {
                    li { a href="#examples" { (both("示例", "examples")) } }
                    li { a href="#clients" { (both("已发布的客户端", "published clients")) } }
                    @for path in self.api.paths.paths.keys() {
                        li { a href={ "#" (path) } { code { (path) } } }
                    }
                    li { a href="#codes" { (both("状态码", "codes")) } }
                }
            }
        }
    }

    fn operation(&self, method: &str, path: &str, operation: &Operation) -> Markup {
        // Another path of an endpoint refers the reader to the endpoint's own.
        let refers = OTHER_PATHS.iter().any(|(other, _)| *other == path);
        let request = operation.request_body.as_ref().and_then(own);
        let request = request.and_then(|body| json(body.content.get(JSON)));
        let answer = operation.responses.responses.get("200").and_then(own);
        let answer = answer.and_then(|answer| json(answer.content.get(JSON)));
        html! {
            h2 id=(path) { code { (method) " " (path) } }
            @if let Some(summary) = &operation.summary {
                p { strong { (described(summary)) } }
            }
            @if let Some(description) = &operation.description {
                p { (described(description)) }
            }
            @if !refers {
                @for parameter in operation.parameters.iter().flatten().filter_map(own) {
                    p {
                        code { "{" (parameter.name) "}" }
                        " " (described(parameter.description.as_deref().unwrap_or_default()))
                    }
                }
                @if let Some(schema) = request {
                    h3 { (both("请求", "request")) }
                    (self.editions(schema))
                    (self.form(path, schema))
                }
                @if let Some(schema) = answer {
                    h3 { (both("应答", "answer")) }
                    (self.editions(schema))
                }
            }
        }
    }

    /// Writes a table of fields, or one for each edition.
    fn editions(&self, schema: &RefOr<Schema>) -> Markup {
        let Some(Schema::OneOf(editions)) = self.resolved(schema) else {
            return self.table(schema);
        };
        let titles = [
            both("服务商版（3.x）", "open edition"),
            both("单商户版（2.x）", "single edition"),
        ];
        html! {
            @for (i, (edition, title)) in editions.items.iter().zip(titles).enumerate() {
                details open[i == 0] {
                    summary { (title) }
                    (self.table(edition))
                }
            }
        }
    }

    fn table(&self, schema: &RefOr<Schema>) -> Markup {
        html! {
            div.scroll tabindex="0" {
                table {
                    thead {
                        tr {
                            th { (both("字段", "field")) }
                            th { (both("必填", "required")) }
                            th { (both("类型", "type")) }
                            th { (both("说明", "meaning")) }
                            th { (both("示例", "example")) }
                        }
                    }
                    tbody { (self.rows(schema, "")) }
                }
            }
        }
    }

    /// Writes the fields of an object, those of an object within it after its own row.
    fn rows(&self, schema: &RefOr<Schema>, prefix: &str) -> Markup {
        html! {
            @match self.resolved(schema) {
                Some(Schema::Object(object)) => {
                    @for (name, field) in &object.properties {
                        (self.row(&format!("{prefix}{name}"), object.required.contains(name), field))
                    }
                }
                Some(Schema::AllOf(all_of)) => {
                    @for part in &all_of.items { (self.rows(part, prefix)) }
                }
                Some(Schema::OneOf(one_of)) => {
                    @for part in &one_of.items { (self.rows(part, prefix)) }
                }
                _ => {}
            }
        }
    }

    fn row(&self, name: &str, required: bool, schema: &RefOr<Schema>) -> Markup {
        let value = match self.resolved(schema) {
            Some(Schema::Object(object)) if object.properties.is_empty() => Some(object),
            _ => None,
        };
        html! {
            tr {
                td { code { (name) } }
                td { @if required { (both("是", "yes")) } }
                @if let Some(value) = value {
                    td.limits { (limits(value)) }
                    td { (described(value.description.as_deref().unwrap_or_default())) }
                    td {
                        code {
                            @if let Some(example) = value.examples.first().or(value.example.as_ref()) { (example) }
                        }
                    }
                } @else {
                    td.limits { "object" }
                    td {}
                    td {}
                }
            }
            @if value.is_none() { (self.rows(schema, &format!("{name}."))) }
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

    /// Writes a form that signs and sends a request. The script that does so shows it.
    fn form(&self, path: &str, schema: &RefOr<Schema>) -> Markup {
        let Some(Schema::OneOf(editions)) = self.resolved(schema) else {
            return Markup::default();
        };
        let [open, single] = &editions.items[..] else {
            return Markup::default();
        };
        let secret = self.demo.map(|demo| demo.secret.reveal());
        html! {
            form hidden method="post" data-path=(path)
                data-open=(self.example(open, Edition::Open)) data-single=(self.example(single, Edition::Single)) {
                div.row {
                    label {
                        (both("协议版本", "edition")) br;
                        select name="edition" {
                            option value="open" { "服务商版 open" }
                            option value="single" { "单商户版 single" }
                        }
                    }
                    label {
                        (both("密钥", "secret (HMAC-SHA-256; stays in the browser)")) br;
                        input name="secret" autocomplete="off" value=(secret.unwrap_or_default());
                    }
                }
                label {
                    (both("请求体，发送时加上 reqTime 和 sign", "body; reqTime and sign are added when it is sent"))
                    textarea name="body" rows="9" spellcheck="false" {}
                }
                div.row { button { "签名并发送 Sign and send" } }
                output {}
            }
        }
    }

    /// Returns a request to begin with: the required fields and the merchant's numbers.
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

/// Writes the examples, which are files that run as they stand.
fn examples() -> Markup {
    html! {
        h2 id="examples" { (both("示例", "examples")) }
        p {
            (both(
                "每个文件都可独立运行，不需要第三方库；不改即可对演示环境（refundry demo）运行。",
                "Each file runs by itself, without packages, and as it stands against a demonstration (refundry demo).",
            ))
        }
        @for Task { name, title, files } in TASKS {
            h3 id={ "example-" (name) } { (both(title.zh, title.en)) }
            @for file in *files {
                details {
                    summary { (file.language) " " code { (file.name) } }
                    p { a href={ "/docs/examples/" (file.name) } download { (both("下载", "download")) } }
                    pre tabindex="0" { code { (file.text) } }
                }
            }
        }
    }
}

/// Writes the table of what published clients can do.
fn clients() -> Markup {
    html! {
        h2 id="clients" { (both("已发布的 Java 客户端", "published Java clients")) }
        div.scroll tabindex="0" {
            table.clients {
                thead {
                    tr {
                        th {}
                        @for version in VERSIONS { th { (version) } }
                    }
                }
                tbody {
                    @for Capability { name, clients } in CAPABILITIES {
                        tr {
                            td { (both(name.zh, name.en)) }
                            @for Text { zh, en } in clients {
                                td { @if zh == en { (zh) } @else { (both(zh, en)) } }
                            }
                        }
                    }
                }
            }
        }
        @for Text { zh, en } in NOTES {
            p { (zh) }
            p lang="en" { (en) }
        }
    }
}

fn codes() -> Markup {
    html! {
        h2 id="codes" { (both("状态码", "codes")) }
        table {
            tbody {
                @for (code, Text { zh, en }) in openapi::CODES {
                    tr {
                        td { code { (code) } }
                        td { (zh) }
                        td lang="en" { (en) }
                    }
                }
            }
        }
    }
}

/// Returns a part of the description that stands in its place. None, if it stands elsewhere and is referred to.
fn own<T>(described: &RefOr<T>) -> Option<&T> {
    match described {
        RefOr::T(own) => Some(own),
        RefOr::Ref(_) => None,
    }
}

/// Returns the schema of a JSON body.
fn json(content: Option<&RefOr<Content>>) -> Option<&RefOr<Schema>> {
    own(content?)?.schema.as_ref()
}

/// Returns the type of a value and its greatest length, as `string ≤ 32`.
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
    let kind = match &object.schema_type {
        SchemaType::Type(kind) => name(kind).to_owned(),
        SchemaType::Array(kinds) => {
            let values = kinds.iter().filter(|kind| **kind != Type::Null);
            values.map(name).collect::<Vec<_>>().join(" / ")
        }
        SchemaType::AnyValue => String::new(),
    };
    match object.max_length {
        Some(max) => format!("{kind} ≤ {max}"),
        None => kind,
    }
}
