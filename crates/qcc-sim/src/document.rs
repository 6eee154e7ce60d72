//! `dd_risk_corp.json`, written as it streams, in any of its dialects.

use std::io::{self, Write};

use qcc_proto::ShanghaiTime;

use crate::{
    ArchiveDialect, Layout, SimRecord,
    record::{Defect, Item},
    seed,
};

/// What stands around the records.
pub(crate) struct Document<'a> {
    pub(crate) push_date: ShanghaiTime,
    pub(crate) total_size: u64,
    pub(crate) dialect: &'a ArchiveDialect,
    /// Chooses the order of the fields, where they are shuffled.
    pub(crate) seed: u64,
    /// Whether the document breaks off in the middle of `result`.
    pub(crate) broken_off: bool,
}

/// Stands for [`GBK`] until the record's bytes are written.
const IN_GBK: &str = r#""\u0000gbk""#;

/// “企业风险” as the legacy encoding of Chinese systems has it, in quotes.
const GBK: &[u8] = b"\"\xc6\xf3\xd2\xb5\xb7\xe7\xcf\xd5\"";

impl Document<'_> {
    /// Writes the document.
    pub(crate) fn write(
        &self,
        items: impl Iterator<Item = Item>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.dialect.byte_order_mark {
            out.write_all("\u{feff}".as_bytes())?;
        }
        let head = [
            ("pushDate", self.dialect.dates.json(self.push_date)),
            ("totalSize", self.total_size.to_string()),
        ];
        out.write_all(b"{")?;
        if !self.dialect.result_first {
            for (name, value) in &head {
                write!(out, "{}\"{name}\":{}{value},", self.line(1), self.space())?;
            }
        }
        write!(out, "{}\"result\":{}[", self.line(1), self.space())?;
        self.write_items(items, out)?;
        if self.broken_off {
            return Ok(());
        }
        write!(out, "{}]", self.line(1))?;
        if self.dialect.result_first {
            for (name, value) in &head {
                write!(out, ",{}\"{name}\":{}{value}", self.line(1), self.space())?;
            }
        }
        if self.dialect.unknown_fields {
            write!(out, ",{}\"version\":{}\"1.1\"", self.line(1), self.space())?;
        }
        write!(out, "{}}}", self.line(0))
    }

    fn write_items(
        &self,
        items: impl Iterator<Item = Item>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let order = self.field_order();
        let mut comma = "";
        for item in items {
            write!(out, "{comma}{}", self.line(2))?;
            match &item {
                Item::Good(record) => self.write_object(&self.fields(record), &order, out)?,
                Item::Bad(defect, record) => self.write_bad(*defect, record, &order, out)?,
            }
            comma = ",";
        }
        if self.broken_off {
            write!(out, "{comma}{}{{\"id\":{}\"", self.line(2), self.space())?;
        }
        Ok(())
    }

    fn write_object(
        &self,
        fields: &[(String, String)],
        order: &[usize],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut comma = "";
        out.write_all(b"{")?;
        let there = |(name, _): &&(String, String)| !name.is_empty();
        for (name, value) in order.iter().filter_map(|at| fields.get(*at)).filter(there) {
            write!(out, "{comma}{}\"{name}\":{}{value}", self.line(3), self.space())?;
            comma = ",";
        }
        write!(out, "{}}}", self.line(2))
    }

    fn write_bad(
        &self,
        defect: Defect,
        record: &SimRecord,
        order: &[usize],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut fields = self.fields(record);
        let mut replace = |name: &str, value: Option<&str>| {
            for field in fields.iter_mut().filter(|field| field.0 == name) {
                match value {
                    Some(value) => field.1 = value.to_owned(),
                    None => field.0 = format!("no{name}"),
                }
            }
        };
        match defect {
            Defect::NoId => replace("id", None),
            Defect::NullId => replace("id", Some("null")),
            Defect::LongId => {
                // Ids of digits are shorter than the others.
                let times = 160_usize.div_ceil(record.id.len().max(1));
                replace("id", Some(&self.text(&record.id.repeat(times))));
            }
            Defect::EmptyLevel => replace("monitorLevel", Some("\"\"")),
            Defect::WordScore => replace("score", Some("\"unrated\"")),
            Defect::Array => {
                let values: Vec<_> = fields.into_iter().map(|(_, value)| value).collect();
                return write!(out, "[{}]", values.join(","));
            }
            Defect::Text => return out.write_all(self.text(&record.id).as_bytes()),
            Defect::Null => return out.write_all(b"null"),
            Defect::HalfSurrogate => replace("monitorContent", Some(r#""该企业风险上升\ud83d""#)),
            Defect::WrongEncoding => {
                replace("monitorContent", Some(IN_GBK));
                let mut object = Vec::new();
                self.write_object(&fields, order, &mut object)?;
                let at = object.windows(IN_GBK.len()).position(|part| part == IN_GBK.as_bytes());
                let (before, rest) = object.split_at(at.unwrap_or(object.len()));
                out.write_all(before)?;
                out.write_all(GBK)?;
                return out.write_all(rest.get(IN_GBK.len()..).unwrap_or_default());
            }
        }
        self.write_object(&fields, order, out)
    }

    /// Names and values of a record's fields, in the manual's order.
    fn fields(&self, record: &SimRecord) -> Vec<(String, String)> {
        let text = |value: &Option<String>| match value {
            Some(value) => self.text(value),
            None => "null".to_owned(),
        };
        let score = match record.score {
            Some(score) if self.dialect.score_as_decimal => format!("{score}.0"),
            Some(score) if self.dialect.score_as_text => format!("\"{score}\""),
            Some(score) => score.to_string(),
            None => "null".to_owned(),
        };
        let mut fields: Vec<(String, String)> = [
            (
                "id",
                if self.dialect.numeric_ids { record.id.clone() } else { self.text(&record.id) },
            ),
            ("corpKeyNo", text(&record.corp_key_no)),
            ("corpName", text(&record.corp_name)),
            ("monitorContent", text(&record.monitor_content)),
            ("monitorLevel", text(&record.monitor_level)),
            ("monitorType", text(&record.monitor_type)),
            ("score", score),
            ("changeDate", text(&record.change_date)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if self.dialect.absent_nulls {
            // The id is none of these: it is never null here.
            fields
                .iter_mut()
                .filter(|(_, value)| value == "null")
                .for_each(|(name, _)| name.clear());
        }
        let extra = record.extra.as_deref().and_then(|extra| serde_json::from_str(extra).ok());
        if let Some(serde_json::Value::Object(extra)) = extra {
            fields.extend(extra.into_iter().map(|(name, value)| (name, value.to_string())));
        }
        fields
    }

    /// In which order the eight fields of the manual come; others follow them.
    fn field_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..8).collect();
        if self.dialect.shuffled_fields {
            let mut rng = seed::derive(self.seed, "field order", 0);
            rand::seq::SliceRandom::shuffle(order.as_mut_slice(), &mut rng);
        }
        order.extend(8..32);
        order
    }

    /// A JSON text.
    fn text(&self, text: &str) -> String {
        let quoted = serde_json::Value::from(text).to_string();
        if self.dialect.layout != Layout::Ascii || quoted.is_ascii() {
            return quoted;
        }
        let escape = |unit: u16| match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(ascii) => char::from(ascii).to_string(),
            None => format!("\\u{unit:04x}"),
        };
        quoted.encode_utf16().map(escape).collect()
    }

    /// What stands before something at this depth.
    fn line(&self, depth: usize) -> &'static str {
        match (self.dialect.layout, depth) {
            (Layout::Compact | Layout::Ascii, _) => "",
            (Layout::Pretty, 0) => "\n",
            (Layout::Pretty, 1) => "\n  ",
            (Layout::Pretty, 2) => "\n    ",
            (Layout::Pretty, _) => "\n      ",
        }
    }

    fn space(&self) -> &'static str {
        if self.dialect.layout == Layout::Pretty { " " } else { "" }
    }
}
