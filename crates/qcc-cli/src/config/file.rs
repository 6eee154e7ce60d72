//! `qcc.toml`: read by hand, so that an error names the key and never quotes a
//! value, which may be the secret.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use qcc_proto::PushWindow;
use toml::{Table, Value};

use super::{
    layer::Layer,
    origin::{Origin, Sourced},
    secret::{Secret, readable_by_others},
    serve::ServeSettings,
    small_file, store,
};
use crate::{exit::Usage, output::plain};

/// Reads a configuration file. Relative paths in it start at its folder.
///
/// What is wrong and still leaves the settings readable is added to `problems`.
pub(super) fn read(path: &Path, problems: &mut Vec<Usage>) -> Result<Layer, Usage> {
    let shown = path.display();
    let text = small_file::read(path).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no configuration file {shown}"),
            _ => format!("the configuration file {shown} cannot be read"),
        };
        Usage::new(what).with_source(error)
    })?;
    let table = text.parse::<Table>().map_err(|error| {
        let (line, column) = place_of(&text, error.span().map_or(0, |span| span.start));
        // The parser's reason says what it expected and quotes nothing of the file.
        let reason = plain(error.message()).into_owned();
        let hint = match error.message().contains("quoted") {
            true => ": write the value in quotes",
            false => "",
        };
        Usage::new(format!("{shown}, line {line}, column {column}: invalid TOML ({reason}){hint}"))
    })?;
    let mut reader = Reader { path, table, keys: KEYS };
    let layer = Layer {
        key: reader.text("key")?,
        secret_key: reader.text("secret_key")?.map(secret),
        secret_key_file: reader.path("secret_key_file")?,
        base_url: reader.text("base_url")?,
        download_hosts: reader.list("download_hosts")?,
        ca_file: reader.path("ca_file")?,
        redirects: reader.text("redirects")?,
        store: reader.store()?,
        archive_dir: reader.path("archive_dir")?,
        archive_password: reader.text("archive_password")?.map(secret),
        window: reader.count("window")?,
        concurrency: reader.count("concurrency")?.map(as_text),
        log: reader.text("log")?,
        serve: reader.serve()?,
    };
    reader.nothing_left()?;
    let holds_secret = layer.secret_key.is_some() || layer.archive_password.is_some();
    if holds_secret && fs::metadata(path).is_ok_and(|meta| readable_by_others(&meta)) {
        problems.push(Usage::new(format!(
            "{shown} holds a secret and can be read by others: chmod 600 {shown}"
        )));
    }
    Ok(layer)
}

/// What `qcc.toml` may say.
const KEYS: &str = "key, secret_key, secret_key_file, base_url, download_hosts, ca_file, \
                    redirects, store, archive_dir, archive_password, window, concurrency, \
                    log, [serve]";

/// What its table `[serve]` may say.
const SERVE_KEYS: &str = "listen, callback_path, admin_listen, public_url, poll_interval, tls_cert, \
                          tls_key, ack_status, sources, trusted_proxies, unknown_per_minute, \
                          unknown_per_minute_in_all, connections, header_timeout, \
                          idle_timeout, heal, heal_after, secret_path, \
                          secret_path_overlap, secret_path_every, push_window, log_format";

struct Reader<'a> {
    path: &'a Path,
    table: Table,
    /// The settings there are, for an error that names another one.
    keys: &'static str,
}

impl Reader<'_> {
    /// The table `[serve]`.
    fn serve(&mut self) -> Result<ServeSettings, Usage> {
        let table = match self.table.remove("serve") {
            None => return Ok(ServeSettings::default()),
            Some(Value::Table(table)) => table,
            Some(_) => return Err(self.wrong("serve", "a table: [serve] on a line of its own")),
        };
        let mut reader = Reader { path: self.path, table, keys: SERVE_KEYS };
        let settings = ServeSettings {
            listen: reader.text("listen")?,
            callback_path: reader.text("callback_path")?,
            admin_listen: reader.text("admin_listen")?,
            public_url: reader.text("public_url")?,
            poll_interval: reader.text("poll_interval")?,
            tls_cert: reader.path("tls_cert")?,
            tls_key: reader.path("tls_key")?,
            ack_status: reader.text("ack_status")?,
            sources: reader.list("sources")?,
            trusted_proxies: reader.list("trusted_proxies")?,
            unknown_per_minute: reader.count("unknown_per_minute")?,
            unknown_per_minute_in_all: reader.count("unknown_per_minute_in_all")?,
            connections: reader.count("connections")?,
            header_timeout: reader.text("header_timeout")?,
            idle_timeout: reader.text("idle_timeout")?,
            heal: reader.switch("heal")?,
            heal_after: reader.text("heal_after")?,
            secret_path: reader.switch("secret_path")?,
            secret_path_overlap: reader.text("secret_path_overlap")?,
            secret_path_every: reader.text("secret_path_every")?,
            push_window: reader.hour("push_window")?,
            log_format: reader.text("log_format")?,
        };
        reader.nothing_left()?;
        Ok(settings)
    }

    fn text(&mut self, key: &'static str) -> Result<Option<Sourced<String>>, Usage> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::String(value)) => Ok(Some(self.sourced(key, value))),
            Some(_) => Err(self.wrong(key, "a text in quotes")),
        }
    }

    fn path(&mut self, key: &'static str) -> Result<Option<Sourced<PathBuf>>, Usage> {
        let text = self.text(key)?;
        Ok(text.map(|found| {
            let value = self.folder().join(found.value);
            Sourced { value, origin: found.origin }
        }))
    }

    /// What names no database stays as it is, for the command that wants one to say.
    fn store(&mut self) -> Result<Option<Sourced<OsString>>, Usage> {
        let text = self.text("store")?;
        Ok(text.map(|found| {
            let value = OsString::from(found.value);
            let value = match store::path_of(&value) {
                Ok(path) => store::at(&self.folder().join(path)),
                Err(_) => value,
            };
            Sourced { value, origin: found.origin }
        }))
    }

    /// A list of texts, or one text with commas.
    fn list(&mut self, key: &'static str) -> Result<Option<Sourced<String>>, Usage> {
        let Some(Value::Array(items)) = self.table.get(key) else { return self.text(key) };
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        let Some(texts) = texts else { return Err(self.wrong(key, "a list of texts")) };
        let joined = texts.join(",");
        self.table.remove(key);
        Ok(Some(self.sourced(key, joined)))
    }

    fn count(&mut self, key: &'static str) -> Result<Option<Sourced<u32>>, Usage> {
        let Some(value) = self.table.remove(key) else { return Ok(None) };
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| *number > 0) {
            Some(number) => Ok(Some(self.sourced(key, number))),
            None => Err(self.wrong(key, "a whole number above 0")),
        }
    }

    /// The first hour of a push window.
    fn hour(&mut self, key: &'static str) -> Result<Option<Sourced<u32>>, Usage> {
        let hour = self.count(key)?;
        match &hour {
            Some(found) if found.value.to_string().parse::<PushWindow>().is_err() => {
                Err(self.wrong(key, "9, 11, 13, 15, 17 or 19"))
            }
            _ => Ok(hour),
        }
    }

    fn switch(&mut self, key: &'static str) -> Result<Option<Sourced<bool>>, Usage> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(self.sourced(key, value))),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    fn nothing_left(&self) -> Result<(), Usage> {
        let Some(key) = self.table.keys().next() else { return Ok(()) };
        let key: String = key.chars().flat_map(char::escape_debug).take(60).collect();
        let shown = self.path.display();
        Err(Usage::new(format!("{shown}: there is no setting `{key}`; there are: {}", self.keys)))
    }

    fn wrong(&self, key: &str, expected: &str) -> Usage {
        Usage::new(format!("{}: `{key}` must be {expected}", self.path.display()))
    }

    fn sourced<T>(&self, key: &'static str, value: T) -> Sourced<T> {
        Sourced { value, origin: Origin::File { path: self.path.to_owned(), key } }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

fn as_text(number: Sourced<u32>) -> Sourced<String> {
    Sourced { value: number.value.to_string(), origin: number.origin }
}

fn secret(text: Sourced<String>) -> Sourced<Secret> {
    Sourced { value: Secret::new(text.value), origin: text.origin }
}

/// Line and column of a place in a text, counted as editors do.
fn place_of(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let (line, in_line) = match before.rsplit_once('\n') {
        Some((above, in_line)) => (above.matches('\n').count() + 2, in_line),
        None => (1, before),
    };
    (line, in_line.chars().count() + 1)
}
