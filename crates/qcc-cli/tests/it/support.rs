//! A vendor on loopback, a folder, and the program run in it.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::{SignedDuration, Timestamp};
use qcc_http::{AnyTransport, HyperTransport};
use qcc_proto::{OrderNo, RiskRecord};
use qcc_sim::{
    Account, ArchiveSpec, Fault, FaultPlan, Rate, Server, Vendor, VendorConfig, sample_records,
    write_archive,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

/// A run of the program that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Asserts the exit code, showing everything where it is another.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that standard error says so.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{words:?} is not in\n{}", self.err);
        self
    }

    /// Asserts that standard output holds it.
    #[track_caller]
    pub(crate) fn prints(self, words: &str) -> Self {
        assert!(self.out.contains(words), "{words:?} is not in\n{}", self.out);
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {:?}", self.out))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program, with nothing of this process's environment.
pub(crate) fn bare(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qcc"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs the program in a folder.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    bare(folder).args(arguments).output().unwrap().into()
}

/// A vendor that listens, an account at it, and a folder to work in.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) vendor: Arc<Mutex<Vendor>>,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) account: Account,
    server: Option<Server>,
    runtime: Runtime,
}

impl World {
    /// A vendor without orders.
    pub(crate) fn new() -> Self {
        Self::with(VendorConfig { seed: 3, ..VendorConfig::default() })
    }

    /// A vendor as configured.
    pub(crate) fn with(config: VendorConfig) -> Self {
        Self::start_vendor(config, None)
    }

    /// A vendor that also calls the URL it is told.
    pub(crate) fn calling(config: VendorConfig) -> Self {
        let transport = HyperTransport::builder().build().unwrap();
        Self::start_vendor(config, Some(AnyTransport::new(transport)))
    }

    fn start_vendor(config: VendorConfig, calls: Option<AnyTransport>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let account = config.account.clone();
        let (server, vendor, address) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let vendor = Arc::new(Mutex::new(Vendor::new(config.at(address))));
            let server =
                Server::start(listener, Arc::clone(&vendor), Timestamp::now, calls).unwrap();
            (server, vendor, address)
        });
        let folder = tempfile::tempdir().unwrap();
        Self { folder, vendor, address, account, server: Some(server), runtime }
    }

    pub(crate) fn vendor(&self) -> MutexGuard<'_, Vendor> {
        self.vendor.lock().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets the vendor push so many orders, a quarter of an hour apart until now.
    pub(crate) fn push(&self, orders: u32) -> Vec<OrderNo> {
        let now = Timestamp::now();
        let mut vendor = self.vendor();
        (0..orders)
            .rev()
            .map(|ago| vendor.push(now - SignedDuration::from_mins(15 * i64::from(ago))))
            .collect()
    }

    /// From now on this goes wrong, so often.
    pub(crate) fn fault(&self, fault: Fault, rate: Rate) {
        self.vendor().set_faults(FaultPlan::none().with(fault, rate));
    }

    /// The program, configured for this vendor.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(self.folder.path());
        command
            .args(arguments)
            .env("QCC_BASE_URL", format!("http://{}", self.address))
            .env("QCC_DOWNLOAD_HOSTS", self.address.to_string())
            .env("QCC_KEY", self.account.key())
            .env("QCC_SECRET_KEY", self.account.secret());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Starts the program and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Asserts that the exported table is the vendor's truth.
    #[track_caller]
    pub(crate) fn assert_true_table(&self) {
        let table = self.run(&["records", "--json"]).ends(0).lines();
        let truth = self.vendor().truth().table;
        assert_eq!(table.len(), truth.len(), "the number of records");
        for (line, expected) in table.iter().zip(truth.values()) {
            let record = RiskRecord::from(expected.record.clone());
            assert_eq!(line["id"], record.id.as_str());
            assert_eq!(text(&line["corp_name"]), record.corp_name);
            assert_eq!(text(&line["monitor_content"]), record.monitor_content);
            assert_eq!(text(&line["monitor_level"]), record.monitor_level.map(String::from));
            assert_eq!(line["score"].as_i64(), record.score.map(i64::from));
            let extra: Option<Value> =
                record.extra.map(|extra| serde_json::from_str(&extra).unwrap());
            assert_eq!(line["extra"], extra.unwrap_or_default());
            assert_eq!(line["order_no"], expected.order_no.as_str());
            assert_eq!(line["position"], expected.position);
            assert_eq!(line["push_date"], expected.push_date.to_string());
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }
}

/// The password of [`archive`].
pub(crate) const PASSWORD: &str = "9TkwzCSilJpsLZyXImLK";

/// An archive of so many records, and its file.
pub(crate) fn archive(folder: &Path, records: usize) -> PathBuf {
    let spec = ArchiveSpec::new("2022-06-07 10:13:42".parse().unwrap(), records as u64, PASSWORD);
    let target = Cursor::new(Vec::new());
    let written = write_archive(&spec, sample_records(5).take(records), target).unwrap();
    let path = folder.join("order.zip");
    fs::write(&path, written.into_inner()).unwrap();
    path
}
