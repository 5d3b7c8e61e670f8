//! Schemas of request bodies, made from the tables of fields by which requests are checked.

use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::lang::Text;
use crate::domain::merchant::Edition;
use crate::domain::order::{Channel, Method};
use crate::wire::field;
use crate::wire::field::{COMMON, Field, Kind};

macro_rules! request {
    ($(#[$meta:meta])* $name:ident = $table:expr) => {
        $(#[$meta])*
        pub struct $name;
        impl ToSchema for $name {}
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                either_edition($table)
            }
        }
    };
}

request!(
    /// The body of `/unipay/refund`.
    RefundIn = field::REFUND
);
request!(
    /// The body of `/unipay/syncPay`.
    SyncPayIn = field::SYNC_PAY
);
request!(
    /// The body of an endpoint about one refund.
    RefundKeyIn = field::REFUND_KEY
);
request!(
    /// The body of the query of an order.
    OrderQueryIn = field::ORDER_QUERY
);
request!(
    /// The body of `/unipay/order/record`.
    RecordIn = field::ORDER_RECORD
);

fn either_edition(table: &[Field]) -> RefOr<Schema> {
    OneOfBuilder::new()
        .item(object(table, Edition::Open))
        .item(object(table, Edition::Single))
        .into()
}

fn object(table: &[Field], edition: Edition) -> ObjectBuilder {
    let title = match edition {
        Edition::Open => "服务商版（3.x） · open edition",
        Edition::Single => "单商户版（2.x） · single edition",
    };
    let fields = table.iter().chain(COMMON);
    let fields = fields.filter(|field| edition == Edition::Open || !field.open_only());
    fields.fold(ObjectBuilder::new().title(Some(title)), |object, field| {
        let object = object.property(field.name, property(field, edition));
        if field.required {
            object.required(field.name)
        } else {
            object
        }
    })
}

fn property(field: &Field, edition: Edition) -> ObjectBuilder {
    let Text { zh, en } = field.about;
    let words = |words: Vec<&'static str>| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words))
    };
    let text = |max: usize| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(max))
    };
    let built = match field.kind {
        Kind::Number { max } => text(max).pattern(Some(r#"^[^&='"\\\x00-\x1f\x7f-\x9f]*$"#)),
        Kind::Text { max } | Kind::Address { max } | Kind::Url { max } => text(max),
        Kind::Extra { max } => {
            text(max).schema_type(SchemaType::from_iter([Type::String, Type::Object]))
        }
        Kind::Amount if edition == Edition::Single => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(99_999_999)),
        Kind::Amount => ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(0.01))
            .maximum(Some(999_999.99))
            .multiple_of(Some(0.01)),
        Kind::Time if edition == Edition::Single => ObjectBuilder::new().schema_type(Type::Integer),
        Kind::Time => text(19).pattern(Some(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")),
        Kind::Channel => words(
            Channel::ALL
                .iter()
                .map(|channel| channel.as_str())
                .collect(),
        ),
        Kind::Flag => ObjectBuilder::new().schema_type(Type::Boolean),
        Kind::Method => words(Method::ALL.iter().map(|method| method.as_str()).collect()),
    };
    let example = match (field.kind, edition) {
        (Kind::Amount, Edition::Single) => "1012",
        (Kind::Time, Edition::Single) => "1715575932",
        _ => field.example,
    };
    built
        .description(Some(format!("{zh} · {en}")))
        .examples(serde_json::from_str::<serde_json::Value>(example).ok())
}
