//! The table of records: written by rank, read by page.

use qcc_proto::{MonitorLevel, MonitorType, OrderNo, RiskRecord, ShanghaiTime};
use qcc_sync::{Rank, RecordFilter, SetAside, StoredRecord, Written};
use rusqlite::{
    Connection, Statement, params, params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};

use crate::{
    batch::Entry,
    fault::Fault,
    text::{count, integer},
};

const COLUMNS: &str = "id, corp_key_no, corp_name, monitor_content, monitor_level, monitor_type, \
                       score, change_date, extra, push_date, order_no, position";

/// Writes the records of one archive, each by its rank.
pub(crate) struct Upsert<'c> {
    insert: Statement<'c>,
    standing: Statement<'c>,
    update: Statement<'c>,
    push_date: String,
    order_no: String,
    last: Option<Vec<u8>>,
    written: Written,
}

/// What stands in the table under an id.
struct Standing {
    rowid: i64,
    outranks: bool,
}

impl<'c> Upsert<'c> {
    pub(crate) fn prepare(
        connection: &'c Connection,
        push_date: ShanghaiTime,
        order_no: &OrderNo,
    ) -> Result<Self, Fault> {
        let insert = format!(
            "INSERT INTO risk_records ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO NOTHING"
        );
        let update = "UPDATE risk_records SET corp_key_no = ?2, corp_name = ?3,
                          monitor_content = ?4, monitor_level = ?5, monitor_type = ?6, score = ?7,
                          change_date = ?8, extra = ?9, push_date = ?10, order_no = ?11,
                          position = ?12
                      WHERE rowid = ?1 AND NOT (
                          corp_key_no IS ?2 AND corp_name IS ?3 AND monitor_content IS ?4
                          AND monitor_level IS ?5 AND monitor_type IS ?6 AND score IS ?7
                          AND change_date IS ?8 AND extra IS ?9 AND push_date IS ?10
                          AND order_no IS ?11 AND position IS ?12)";
        let standing = "SELECT rowid, push_date, order_no, position FROM risk_records
                        WHERE id = ?1";
        let mut upsert = Self {
            insert: connection.prepare(&insert)?,
            standing: connection.prepare(standing)?,
            update: connection.prepare(update)?,
            push_date: push_date.to_string(),
            order_no: order_no.as_str().to_owned(),
            last: None,
            written: Written::default(),
        };
        // What all records share is bound once.
        for statement in [&mut upsert.insert, &mut upsert.update] {
            statement.raw_bind_parameter(10, &upsert.push_date)?;
            statement.raw_bind_parameter(11, &upsert.order_no)?;
        }
        Ok(upsert)
    }

    /// What became of the records.
    pub(crate) fn outcome(&self) -> Written {
        self.written
    }

    /// Writes a record. They come by id, of equal ids that of the greatest
    /// position first, which is the one that may stand.
    pub(crate) fn write(&mut self, entry: Entry<'_>) -> Result<(), Fault> {
        if self.last.as_deref() == Some(entry.id()) {
            self.written.superseded += 1;
        } else {
            self.merge(entry)?;
        }
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(entry.id());
        Ok(())
    }

    /// Writes a record unless what stands under its id outranks it, or is the same.
    fn merge(&mut self, entry: Entry<'_>) -> Result<(), Fault> {
        let id = ToSqlOutput::Borrowed(ValueRef::Text(entry.id()));
        if execute(&mut self.insert, &id, entry)? > 0 {
            self.written.changes.new += 1;
            return Ok(());
        }
        let place = integer(entry.position)?;
        let this = (self.push_date.as_str(), self.order_no.as_str(), place);
        let standing = self.standing.query_row([&id], |row| {
            let text = |index| Ok::<_, rusqlite::Error>(row.get_ref(index)?.as_str()?);
            let other = (text(1)?, text(2)?, row.get(3)?);
            Ok(Standing { rowid: row.get(0)?, outranks: other > this })
        })?;
        let number = if standing.outranks {
            &mut self.written.superseded
        } else if execute(&mut self.update, &standing.rowid.into(), entry)? > 0 {
            &mut self.written.changes.updated
        } else {
            &mut self.written.changes.unchanged
        };
        *number += 1;
        Ok(())
    }
}

fn execute(
    statement: &mut Statement<'_>,
    key: &ToSqlOutput<'_>,
    entry: Entry<'_>,
) -> Result<usize, Fault> {
    let [_, corp_key_no, corp_name, content, level, kind, change_date, extra] = entry.texts;
    statement.raw_bind_parameter(1, key)?;
    for (column, text) in [
        (2, corp_key_no),
        (3, corp_name),
        (4, content),
        (5, level),
        (6, kind),
        (8, change_date),
        (9, extra),
    ] {
        let value = text.map_or(ValueRef::Null, ValueRef::Text);
        statement.raw_bind_parameter(column, ToSqlOutput::Borrowed(value))?;
    }
    statement.raw_bind_parameter(7, entry.score)?;
    statement.raw_bind_parameter(12, integer(entry.position)?)?;
    Ok(statement.raw_execute()?)
}

/// A page of records, by `id` or newest first.
pub(crate) fn page(
    connection: &Connection,
    filter: &RecordFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<StoredRecord>, Fault> {
    // The `+` keeps SQLite from walking the whole table by `id`.
    let (behind, order) = match filter.pushed_since {
        // Walks the index on `push_date` from its end, and sorts within equal ones.
        _ if filter.newest_first => ("(push_date < ? OR +id > ?)", "push_date DESC, +id"),
        Some(since) if is_few(connection, since)? => ("+id > ?", "+id"),
        _ => ("id > ?", "id"),
    };
    let until = filter.pushed_until.map(|time| time.to_string());
    let mut wanted = Conditions::default();
    match (filter.newest_first, &until, after) {
        (true, Some(until), Some(after)) => {
            wanted.add(behind, Some(until));
            wanted.values.push(Value::from(after.to_owned()));
        }
        (true, ..) => {}
        (false, ..) => wanted.add(behind, after),
    }
    wanted.add("push_date <= ?", until.as_deref());
    wanted.add("monitor_level = ?", filter.level.as_deref());
    wanted.add("monitor_type = ?", filter.monitor_type.as_deref());
    wanted.add("change_date >= ?", filter.changed_since.as_deref());
    wanted.add("order_no = ?", filter.order_no.as_ref().map(OrderNo::as_str));
    wanted.add("push_date >= ?", filter.pushed_since.map(|time| time.to_string()).as_deref());
    if let Some(corp) = &filter.corp {
        wanted.add("(corp_key_no = ? OR instr(corp_name, ?) > 0)", Some(corp));
        wanted.values.push(Value::from(corp.clone()));
    }
    wanted.values.push(Value::from(i64::from(limit)));
    let sql = format!("SELECT {COLUMNS} FROM risk_records {} ORDER BY {order} LIMIT ?", wanted.sql);
    connection
        .prepare(&sql)?
        .query_and_then(params_from_iter(wanted.values), stored_record)?
        .collect()
}

/// Up to here it is cheaper to sort all that is new for each page than to walk
/// the table by `id` once.
const FEW: u32 = 50_000;

/// Whether few records were pushed since then. Reads the index alone.
fn is_few(connection: &Connection, since: ShanghaiTime) -> Result<bool, Fault> {
    let sql = "SELECT count(*) FROM
                   (SELECT 1 FROM risk_records WHERE push_date >= ?1 LIMIT ?2)";
    let found: u32 =
        connection.query_row(sql, params![since.to_string(), FEW], |row| row.get(0))?;
    Ok(found < FEW)
}

/// Conditions joined with *and*; values are bound, never written into the SQL.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &'static str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.sql.push_str(if self.sql.is_empty() { "WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.values.push(Value::from(value.to_owned()));
    }
}

fn stored_record(row: &rusqlite::Row<'_>) -> Result<StoredRecord, Fault> {
    let text = |index| row.get::<_, Option<String>>(index);
    let required = |index: usize, column| text(index)?.ok_or(Fault::Unreadable(column));
    let mut record = RiskRecord::new(required(0, "id")?);
    record.corp_key_no = text(1)?;
    record.corp_name = text(2)?;
    record.monitor_content = text(3)?;
    record.monitor_level = text(4)?.map(MonitorLevel::from);
    record.monitor_type = text(5)?.map(MonitorType::from);
    record.score = row.get(6)?;
    record.change_date = text(7)?;
    record.extra = text(8)?;
    Ok(StoredRecord {
        record,
        rank: Rank {
            push_date: required(9, "push_date")?
                .parse()
                .map_err(|_| Fault::Unreadable("push_date"))?,
            order_no: required(10, "order_no")?
                .parse()
                .map_err(|_| Fault::Unreadable("order_no"))?,
            position: count(row, "position")?.unwrap_or(0),
        },
    })
}

/// Forgets what an earlier apply of this order set aside.
pub(crate) fn clear_set_aside(connection: &Connection, order_no: &OrderNo) -> Result<(), Fault> {
    let sql = "DELETE FROM quarantined_records WHERE order_no = ?1";
    connection.execute(sql, [order_no.as_str()])?;
    Ok(())
}

/// Keeps records that are not as the manual describes.
pub(crate) struct KeepAside<'c> {
    insert: Statement<'c>,
    order_no: &'c OrderNo,
}

impl<'c> KeepAside<'c> {
    pub(crate) fn prepare(
        connection: &'c Connection,
        order_no: &'c OrderNo,
    ) -> Result<Self, Fault> {
        let sql = "INSERT INTO quarantined_records (order_no, position, code, detail, raw)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        Ok(Self { insert: connection.prepare(sql)?, order_no })
    }

    pub(crate) fn write(&mut self, record: &SetAside) -> Result<(), Fault> {
        self.insert.execute(params![
            self.order_no.as_str(),
            integer(record.position)?,
            record.code,
            record.detail,
            record.raw,
        ])?;
        Ok(())
    }
}

/// A page of the records of an order that were set aside, by position: at most `limit`, behind the position `after`.
pub(crate) fn aside_page(
    connection: &Connection,
    order_no: &OrderNo,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<SetAside>, Fault> {
    let after = after.map_or(Ok(-1), integer)?;
    connection
        .prepare(
            "SELECT position, code, detail, raw FROM quarantined_records
             WHERE order_no = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
        )?
        .query_and_then(params![order_no.as_str(), after, limit], |row| {
            Ok(SetAside {
                position: count(row, "position")?.unwrap_or(0),
                code: row.get("code")?,
                detail: row.get("detail")?,
                raw: row.get("raw")?,
            })
        })?
        .collect()
}

/// How many records were pushed before this.
pub(crate) fn count_before(connection: &Connection, before: ShanghaiTime) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM risk_records WHERE push_date < ?1";
    let rows: i64 = connection.query_row(sql, [before.to_string()], |row| row.get(0))?;
    u64::try_from(rows).map_err(|_| Fault::Unreadable("records"))
}

/// Removes records that were pushed before this, at most `limit`.
pub(crate) fn remove_before(
    connection: &Connection,
    before: ShanghaiTime,
    limit: u32,
) -> Result<u64, Fault> {
    let sql = "DELETE FROM risk_records WHERE rowid IN
                   (SELECT rowid FROM risk_records WHERE push_date < ?1 LIMIT ?2)";
    Ok(connection.execute(sql, params![before.to_string(), limit])? as u64)
}
