//! Payment orders from a CSV file: a header row with the field names of `/unipay/order/record`, then one payment a row,
//! checked like such a request. The file is UTF-8, with or without a byte order mark, or GB18030, which spreadsheets
//! write in China.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::time::Duration;

use csv::ByteRecord;
use encoding_rs::GB18030;

use crate::domain::audit::Origin;
use crate::domain::error::{Reason, Refusal};
use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::order::NewOrder;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::orders;
use crate::wire::field::{AMOUNT, ORDER_RECORD};
use crate::wire::json::{Fields, Json};
use crate::wire::request::{RequestFields, shown};

/// Number of rows recorded in one transaction.
const BATCH: usize = 500;
/// Pause between two transactions, so that a server on the same database can write.
const PAUSE: Duration = Duration::from_millis(25);
/// Maximum length of a line, in bytes: far more than all fields at their limits.
const LINE_BYTES: u64 = 64 * 1024;

/// The numbers of a file's rows, by their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that were recorded now.
    pub new: u64,
    /// Rows that were recorded before, with the same content.
    pub known: u64,
    pub refused: u64,
}

/// The progress of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportProgress {
    /// The row that begins at this line (from 1) was refused.
    Refused { line: u64, refusal: Refusal },
    /// The rows up to `line` of the file's `lines` are done.
    Done { line: u64, lines: u64 },
}

/// Imports a file for an app. Wrong rows are reported and left out; the others are recorded. Importing a file twice
/// changes nothing.
///
/// # Errors
/// Refuses a file that cannot be read as CSV in a known encoding, or whose header has an unknown name, has a name
/// twice, or lacks a required one. Nothing is recorded then.
pub async fn orders(
    ctx: &Ctx,
    merchant: &MerchantApp,
    mut file: impl Read + Seek,
    actor: impl Into<Origin>,
    tell: &mut (dyn FnMut(ImportProgress) + Send),
) -> Result<Report> {
    let survey = Survey::of(&mut file)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let mut record = ByteRecord::new();
    rows.read_byte_record(&mut record).map_err(unreadable)?;
    let header = header(&record, survey.encoding)?;

    let mut import = Import {
        ctx,
        merchant,
        actor: actor.into(),
        tell,
        report: Report::default(),
        batch: Vec::with_capacity(BATCH),
    };
    while rows.read_byte_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(0, |position| position.line());
        let lines = rows.position().line().saturating_sub(line);
        let order = fields(&header, &record, lines, survey.encoding).and_then(|fields| {
            let given = RequestFields {
                fields: &fields,
                edition: Edition::Open,
                zone: &ctx.config.time_zone,
            };
            let given = given.check(ORDER_RECORD)?;
            given.new_order(ctx.clock.now(), merchant.req_time_leeway_ms)
        });
        match order {
            Ok(order) => import.batch.push((line, order)),
            Err(refusal) => import.refuse(line, refusal),
        }
        if import.batch.len() == BATCH {
            import.record().await?;
            tokio::time::sleep(PAUSE).await;
            (import.tell)(ImportProgress::Done {
                line,
                lines: survey.lines,
            });
        }
    }
    import.record().await?;
    (import.tell)(ImportProgress::Done {
        line: survey.lines,
        lines: survey.lines,
    });
    Ok(import.report)
}

/// An import under way.
struct Import<'a> {
    ctx: &'a Ctx,
    merchant: &'a MerchantApp,
    actor: Origin,
    tell: &'a mut (dyn FnMut(ImportProgress) + Send),
    report: Report,
    /// Correct rows that are not recorded yet, with their lines.
    batch: Vec<(u64, NewOrder)>,
}

impl Import<'_> {
    /// Records the batch.
    async fn record(&mut self) -> Result<()> {
        let (lines, batch): (Vec<_>, Vec<_>) = self.batch.drain(..).unzip();
        if batch.is_empty() {
            return Ok(());
        }
        let recorded = orders::record_all(self.ctx, self.merchant, batch, self.actor.clone());
        for (line, outcome) in lines.into_iter().zip(recorded.await?) {
            match outcome {
                Ok(recorded) if recorded.new => self.report.new += 1,
                Ok(_) => self.report.known += 1,
                Err(refusal) => self.refuse(line, refusal),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, refusal: Refusal) {
        self.report.refused += 1;
        (self.tell)(ImportProgress::Refused { line, refusal });
    }
}

/// The encoding of a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Gb18030,
}

impl Encoding {
    /// Decodes a cell, and takes off what exports of spreadsheets and bills put around it: white space, and one leading
    /// backquote or apostrophe, which marks a text. `None` where the bytes are not valid in this encoding.
    fn text(self, cell: &[u8]) -> Option<Cow<'_, str>> {
        let text = match self {
            Encoding::Utf8 => std::str::from_utf8(cell).ok().map(Cow::Borrowed),
            Encoding::Gb18030 => GB18030.decode_without_bom_handling_and_without_replacement(cell),
        };
        text.map(|text| {
            let text = text.trim();
            let plain = text.strip_prefix(['`', '\'']).unwrap_or(text).trim();
            Cow::Owned(plain.to_owned())
        })
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Gb18030 => "GB18030",
        }
    }
}

/// The properties of a file, found before it is imported.
struct Survey {
    encoding: Encoding,
    lines: u64,
}

impl Survey {
    /// Reads a file through once. Chinese text in GB18030 is practically never valid UTF-8. So a file is UTF-8 where
    /// most of its lines beyond ASCII are: the few broken ones are then refused, instead of all others being misread.
    fn of(file: &mut impl Read) -> Result<Survey, Refusal> {
        let mut file = BufReader::new(file);
        let (mut lines, mut utf8, mut other) = (0, 0, 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut next = file.by_ref().take(LINE_BYTES);
            let length = next.read_until(b'\n', &mut line).map_err(unreadable)?;
            if length == 0 {
                break;
            }
            lines += 1;
            let whole = line.ends_with(b"\n") || (length as u64) < LINE_BYTES;
            if !whole {
                let why = format!("line {lines} is longer than {LINE_BYTES} bytes");
                return Err(Refusal::Unreadable { why });
            }
            if lines == 1 && (line.starts_with(b"\xFF\xFE") || line.starts_with(b"\xFE\xFF")) {
                let why = "the file is UTF-16; save it as UTF-8 or GB18030".to_owned();
                return Err(Refusal::Unreadable { why });
            }
            match std::str::from_utf8(&line) {
                Ok(_) if line.is_ascii() => {}
                Ok(_) => utf8 += 1,
                Err(_) => other += 1,
            }
        }
        let encoding = if other > utf8 {
            Encoding::Gb18030
        } else {
            Encoding::Utf8
        };
        Ok(Survey { encoding, lines })
    }
}

/// Returns the names of the columns.
fn header(record: &ByteRecord, encoding: Encoding) -> Result<Vec<&'static str>, Refusal> {
    let mut names = Vec::with_capacity(record.len());
    for cell in record {
        let text = encoding.text(cell).unwrap_or_default();
        let text = text.trim_start_matches('\u{FEFF}');
        let Some(field) = ORDER_RECORD.iter().find(|field| field.name == text) else {
            let allowed: Vec<_> = ORDER_RECORD.iter().map(|field| field.name).collect();
            let allowed = allowed.join(", ").into();
            return Err(Refusal::field(shown(text), Reason::NotOneOf { allowed }));
        };
        if names.contains(&field.name) {
            return Err(Refusal::field(field.name, Reason::Twice));
        }
        names.push(field.name);
    }
    let needed = |field: &&crate::wire::field::Field| field.required;
    match ORDER_RECORD
        .iter()
        .filter(needed)
        .find(|field| !names.contains(&field.name))
    {
        Some(field) => Err(Refusal::field(field.name, Reason::Missing)),
        None => Ok(names),
    }
}

/// Returns a row as the fields of a request, without its empty cells. `lines`: the number of lines that the row takes.
fn fields(
    header: &[&'static str],
    record: &ByteRecord,
    lines: u64,
    encoding: Encoding,
) -> Result<Fields, Refusal> {
    if record.len() != header.len() {
        let (columns, expected) = (record.len(), header.len());
        let hint = match lines {
            0 | 1 => String::new(),
            _ => format!(", over {lines} lines: is a quote not closed?"),
        };
        let why = format!("{columns} columns where the header has {expected}{hint}");
        return Err(Refusal::Unreadable { why });
    }
    let mut fields = Fields::new();
    for (name, cell) in header.iter().zip(record) {
        let Some(text) = encoding.text(cell) else {
            let why = format!("{name} is not {} text", encoding.name());
            return Err(Refusal::Unreadable { why });
        };
        let value = match *name == AMOUNT.name {
            true => Json::Number(text.into_owned()),
            false if name.ends_with("No") && is_rounded(&text) => {
                return Err(Refusal::field(*name, Reason::Rounded));
            }
            false => Json::Text(text.into_owned()),
        };
        if !matches!(&value, Json::Number(text) | Json::Text(text) if text.is_empty()) {
            fields.insert((*name).to_owned(), value);
        }
    }
    Ok(fields)
}

/// Tells whether a spreadsheet has rounded a number, as `1.79654E+18`. Two numbers would become one.
fn is_rounded(number: &str) -> bool {
    let Some((mantissa, exponent)) = number.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.strip_prefix('+');
    digits(&mantissa.replacen('.', "", 1)) && exponent.is_some_and(digits)
}

fn unreadable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unreadable {
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::filter::{OrderFilter, Place};
    use crate::domain::money::Fen;
    use crate::domain::order::{Order, OrderKey};
    use crate::server::config::Config;
    use crate::server::testing::{app_with, merchant};

    const HEADER: &str = "bizOrderNo,outOrderNo,channel,method,title,amount,payTime,attach\n";

    async fn import(ctx: &Ctx, file: &[u8]) -> Result<(Report, Vec<(u64, String)>)> {
        let mut refused = Vec::new();
        let report = orders(
            ctx,
            &merchant(ctx).await,
            Cursor::new(file),
            Actor::System,
            &mut |told| {
                if let ImportProgress::Refused { line, refusal } = told {
                    refused.push((line, refusal.to_string()));
                }
            },
        )
        .await?;
        Ok((report, refused))
    }

    async fn found(ctx: &Ctx, number: &str) -> Order {
        let key = OrderKey::BizOrderNo(number.to_owned());
        orders::find(ctx, &merchant(ctx).await, &key).await.unwrap()
    }

    async fn count(ctx: &Ctx) -> usize {
        let filter = OrderFilter::default();
        let all = orders::list(ctx, "DEMO", &filter, &Place::First).await;
        all.unwrap().rows.len()
    }

    #[tokio::test]
    async fn the_same_file_is_read_in_each_encoding_and_changes_nothing_the_second_time() {
        let text = format!(
            "{HEADER}A1,SBX-OK-1,sandbox,jsapi,\"茉莉花茶, 100g\",12.5,2025-10-01 08:00:00,\n\
             A2,SBX-OK-2,sandbox,wap,\"盖碗\n白瓷\",59,2025-10-01 08:00:01, m=1 \n"
        );
        let bom = ["\u{FEFF}", &text].concat();
        let gb18030 = GB18030.encode(&text).0.into_owned();
        assert!(std::str::from_utf8(&gb18030).is_err());
        for file in [
            text.as_bytes(),
            bom.as_bytes(),
            &gb18030,
            text.replace('\n', "\r\n").as_bytes(),
        ] {
            let (ctx, _folder) = app_with(Config::default()).await;
            let (report, refused) = import(&ctx, file).await.unwrap();
            assert_eq!(refused, []);
            assert_eq!(
                report,
                Report {
                    new: 2,
                    known: 0,
                    refused: 0
                }
            );
            let order = found(&ctx, "A1").await;
            assert_eq!(
                (order.title.as_str(), order.amount),
                ("茉莉花茶, 100g", Fen(1_250))
            );
            // Shanghai is eight hours ahead.
            assert_eq!(order.pay_time.unwrap().seconds(), 1_759_276_800);
            assert_eq!(order.attach, None);
            assert_eq!(found(&ctx, "A2").await.attach.as_deref(), Some("m=1"));
            let (report, _) = import(&ctx, file).await.unwrap();
            assert_eq!(
                report,
                Report {
                    new: 0,
                    known: 2,
                    refused: 0
                }
            );
        }
    }

    #[tokio::test]
    async fn wrong_rows_are_told_by_line_and_field_and_the_others_go_in() {
        let rows = [
            "B1,SBX-1,sandbox,wap,茶,1,2025-10-01 08:00:00,",
            "B2,SBX-2,sandbox,wap,茶,1.001,2025-10-01 08:00:00,",
            "B3,SBX-3,sandbox,wap,茶,0,2025-10-01 08:00:00,",
            "B4,SBX-4,paypal,wap,茶,1,2025-10-01 08:00:00,",
            "B5,SBX-5,sandbox,fax,茶,1,2025-10-01 08:00:00,",
            "B6,SBX-6,sandbox,wap,茶,1,2025-10-01,",
            "B&7,SBX-7,sandbox,wap,茶,1,2025-10-01 08:00:00,",
            "B8,SBX-8,sandbox,wap,,1,2025-10-01 08:00:00,",
            "B9,SBX-9,sandbox,wap,茶,1,2025-10-01 08:00:00",
            "B1,SBX-1,sandbox,wap,茶,2,2025-10-01 08:00:00,",
            "B10,SBX-10,sandbox,wap,茶,1,2099-10-01 08:00:00,",
            "B11,SBX-11,sandbox,wap,茶,\"1,000\",2025-10-01 08:00:00,",
            "B12,SBX-12,sandbox,wap,茶,1,2025-10-01 08:00:00,",
        ];
        let (ctx, _folder) = app_with(Config::default()).await;
        let file = format!("{HEADER}{}\n", rows.join("\n"));
        let (report, refused) = import(&ctx, file.as_bytes()).await.unwrap();
        assert_eq!(
            report,
            Report {
                new: 2,
                known: 0,
                refused: 11
            }
        );
        assert_eq!(count(&ctx).await, 2);
        for (line, about) in [
            (3, "amount"),
            (4, "amount"),
            (5, "channel"),
            (6, "method"),
            (7, "payTime"),
            (8, "bizOrderNo"),
            (9, "title"),
            (10, "7 columns where the header has 8"),
            (11, "amount"),
            (12, "payTime"),
            (13, "amount"),
        ] {
            let told = refused.iter().find(|(at, _)| *at == line);
            assert!(
                told.is_some_and(|(_, why)| why.contains(about)),
                "{line} {told:?}"
            );
        }
        assert_eq!(found(&ctx, "B1").await.amount, Fen(100));
    }

    #[tokio::test]
    async fn what_spreadsheets_do_to_numbers_is_undone_or_told() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let text = format!(
            "{HEADER}`4200001,'SBX-OK-1\t, sandbox,wap,`茶,`12.50 ,2025-10-01 08:00:00,'id=7\n\
             1.79654E+18,SBX-OK-2,sandbox,wap,茶,1,2025-10-01 08:00:00,\n\
             A3,2e+5,sandbox,wap,茶,1,2025-10-01 08:00:00,\n\
             E+5,SBX-OK-4,sandbox,wap,茶,1,2025-10-01 08:00:00,\n"
        );
        let (report, refused) = import(&ctx, text.as_bytes()).await.unwrap();
        assert_eq!((report.new, report.refused), (2, 2));
        let order = found(&ctx, "4200001").await;
        assert_eq!(order.out_order_no.as_deref(), Some("SBX-OK-1"));
        assert_eq!((order.title.as_str(), order.amount), ("茶", Fen(1_250)));
        assert_eq!(order.attach.as_deref(), Some("id=7"));
        let rounded = "was rounded by a spreadsheet: format the column as text and export it anew";
        let lines = [
            (3, format!("bizOrderNo {rounded}")),
            (4, format!("outOrderNo {rounded}")),
        ];
        assert_eq!(refused, lines);
    }

    #[tokio::test]
    async fn a_broken_line_does_not_make_the_file_another_encoding() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let row = |n: u32, title: &[u8]| {
            let start = format!("C{n},SBX-{n},sandbox,wap,").into_bytes();
            [&start, title, b",1,2025-10-01 08:00:00,\n"].concat()
        };
        let tea = "茉莉花茶".as_bytes();
        let file = [
            HEADER.as_bytes(),
            &row(1, tea),
            &row(2, &tea[..4]),
            &row(3, tea),
        ]
        .concat();
        let (report, refused) = import(&ctx, &file).await.unwrap();
        assert_eq!(
            report,
            Report {
                new: 2,
                known: 0,
                refused: 1
            }
        );
        assert_eq!(refused[0].0, 3);
        assert!(
            refused[0].1.contains("title is not UTF-8"),
            "{}",
            refused[0].1
        );
        assert_eq!(found(&ctx, "C3").await.title, "茉莉花茶");
    }

    #[tokio::test]
    async fn a_file_that_is_no_list_of_orders_is_refused_as_a_whole() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let row = "D1,SBX-1,sandbox,wap,茶,1,2025-10-01 08:00:00,\n";
        let utf16 = [b"\xFF\xFE".as_slice(), b"b\0i\0z\0"].concat();
        let wrong: [(&str, Vec<u8>); 6] = [
            ("bizOrderNo", Vec::new()),
            ("tittle", HEADER.replace("title", "tittle").into_bytes()),
            (
                "attach",
                HEADER.replace("attach", "attach,attach").into_bytes(),
            ),
            ("title", HEADER.replace("title,", "").into_bytes()),
            ("UTF-16", utf16),
            ("longer", [HEADER.as_bytes(), &vec![b'x'; 70_000]].concat()),
        ];
        for (about, head) in wrong {
            let file = [&head, row.as_bytes()].concat();
            let file = if head.is_empty() { head } else { file };
            let error = import(&ctx, &file).await.unwrap_err();
            let refusal = error.refusal().expect("a refusal").to_string();
            assert!(refusal.contains(about), "{about}: {refusal}");
        }
        assert_eq!(count(&ctx).await, 0);
    }

    #[tokio::test]
    async fn many_rows_go_in_by_batches_and_progress_is_told() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let mut file = HEADER.to_owned();
        for n in 0..BATCH + 7 {
            file.push_str(&format!(
                "E{n},SBX-{n},sandbox,wap,茶,1,2025-10-01 08:00:00,\n"
            ));
        }
        let mut done = Vec::new();
        let file = Cursor::new(file);
        let report = orders(
            &ctx,
            &merchant(&ctx).await,
            file,
            Actor::System,
            &mut |told| {
                if let ImportProgress::Done { line, lines } = told {
                    done.push((line, lines));
                }
            },
        )
        .await
        .unwrap();
        assert_eq!(
            report,
            Report {
                new: 507,
                known: 0,
                refused: 0
            }
        );
        assert_eq!(done, [(501, 508), (508, 508)]);
    }
}
