//! A page's commands in one shell, in a folder of its own, with a vendor and free ports.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Child, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{clean, page::Example};

/// How long the commands of one page may take together.
pub(super) const PATIENCE: Duration = Duration::from_secs(100);

/// What came of a command.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Its exit code; `None` where it did not end, or was not reached.
    pub(super) status: Option<i32>,
    /// Both streams, with the ports of the page.
    pub(super) printed: String,
}

/// Where a page is played.
#[derive(Debug)]
pub(super) struct Stage {
    folder: PathBuf,
    programs: PathBuf,
    /// Names in the page, and what replaces them here.
    stand_ins: Vec<(&'static str, String)>,
    listen: String,
    admin: String,
}

/// Three free ports, of which each is given out once. They are below those that the system
/// hands out by itself, so that no other program of a page gets one of them.
fn free_ports() -> Vec<u16> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(process::id() % 8_000).unwrap_or_default();
    let next = || first + GIVEN.fetch_add(1, Ordering::Relaxed) % 4_000;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(next).filter(is_free).take(3).collect()
}

impl Stage {
    pub(super) fn new(root: &Path, programs: &Path, file: &str) -> Result<Self> {
        let folder = root.join(file.replace('/', "-"));
        for inside in ["work", "out", "etc"] {
            fs::create_dir_all(folder.join(inside))?;
        }
        let ports = free_ports();
        let [sim, calls, admin] = ports.as_slice() else { anyhow::bail!("three ports are three") };
        let etc = folder.join("etc").display().to_string();
        let stand_ins = vec![
            ("https://receiver.example.com/", format!("http://127.0.0.1:{calls}/")),
            ("QCC_KEY=…", "QCC_KEY=$VENDOR_KEY".to_owned()),
            ("/etc/qcc/", format!("{etc}/")),
            ("127.0.0.1:8090", format!("127.0.0.1:{calls}")),
            ("127.0.0.1:9090", format!("127.0.0.1:{admin}")),
            ("127.0.0.1:8099", format!("127.0.0.1:{sim}")),
            ("localhost:8090", format!("localhost:{calls}")),
            ("localhost:9090", format!("localhost:{admin}")),
            ("localhost:8099", format!("localhost:{sim}")),
            ("qcc sim ", format!("qcc sim --listen 127.0.0.1:{sim} ")),
        ];
        Ok(Self {
            stand_ins,
            listen: format!("127.0.0.1:{calls}"),
            admin: format!("127.0.0.1:{admin}"),
            folder,
            programs: programs.to_owned(),
        })
    }

    /// Runs the commands one after the other.
    pub(super) fn play(&self, examples: &[Example]) -> Result<Vec<Outcome>> {
        if examples.is_empty() {
            return Ok(Vec::new());
        }
        let script = self.folder.join("script.sh");
        fs::write(&script, self.script(examples)?)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            [self.programs.clone()].into_iter().chain(std::env::split_paths(&path)),
        )?;
        let log = File::create(self.folder.join("shell.log"))?;
        let mut shell = clean("bash")
            .arg(&script)
            .current_dir(self.folder.join("work"))
            .env("PATH", path)
            .env("HOME", &self.folder)
            .env("LC_ALL", "C.UTF-8")
            .env("QCC_LISTEN", &self.listen)
            .env("QCC_ADMIN_LISTEN", &self.admin)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("bash cannot be started")?;
        wait(&mut shell)?;
        (0..examples.len()).map(|number| self.outcome(number)).collect()
    }

    /// The page as a script that keeps output and exit code of each command.
    fn script(&self, examples: &[Example]) -> Result<String> {
        let mut script = PREAMBLE.to_owned();
        // A page may go elsewhere with `cd`.
        let out = self.folder.join("out");
        let out = out.display();
        for (number, example) in examples.iter().enumerate() {
            if let Some(setup) = &example.setup {
                let setup = self.here(setup);
                write!(script, "{{ {setup}\n}} > {out}/{number}.setup 2>&1\n")?;
            }
            let command = self.here(&example.command);
            write!(
                script,
                "{{ {command}\n}} > {out}/{number} 2>&1\necho $? > {out}/{number}.status\n"
            )?;
            // Whoever types gives a program that starts in the background a moment.
            if example.command.split('#').next().is_some_and(|c| c.trim_end().ends_with('&')) {
                script.push_str("sleep 1.5\n");
            }
        }
        Ok(script)
    }

    /// A command with the page's names replaced.
    fn here(&self, command: &str) -> String {
        self.stand_ins
            .iter()
            .fold(command.to_owned(), |text, (name, here)| text.replace(name, here))
    }

    fn outcome(&self, number: usize) -> Result<Outcome> {
        let out = self.folder.join("out");
        let read = |name: String| -> Result<String> {
            let path = out.join(name);
            match path.exists() {
                true => Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned()),
                false => Ok(String::new()),
            }
        };
        let status = read(format!("{number}.status"))?.trim().parse().ok();
        let printed = read(number.to_string())?;
        let named = self.stand_ins.iter().rev();
        let mut printed = named.fold(printed, |text, (name, here)| text.replace(here, name));
        printed = printed.replace('\r', "");
        if !printed.is_empty() && !printed.ends_with('\n') {
            printed.push('\n');
        }
        Ok(Outcome { status, printed })
    }
}

/// Starts a vendor for the page, which is not a job of its shell. Its secret is in the file
/// where the pages keep theirs.
const PREAMBLE: &str = r#"trap 'kill $VENDOR_PID $(jobs -p) 2> /dev/null' EXIT
qcc sim --listen 127.0.0.1:0 --every 10s > ../vendor.env 2> ../vendor.log &
VENDOR_PID=$!
disown
for _ in $(seq 100); do [ "$(wc -l < ../vendor.env)" -ge 4 ] && break; sleep 0.1; done
VENDOR_KEY=$(sed -n 's/^QCC_KEY=//p' ../vendor.env)
sed -n 's/^QCC_SECRET_KEY=//p' ../vendor.env | tee ../etc/secret > ../etc/secret_key
chmod 600 ../etc/*
export $(grep -E '^QCC_(BASE_URL|DOWNLOAD_HOSTS)=' ../vendor.env)
"#;

/// Waits for the shell, and ends what it left, at the latest when the time is over.
fn wait(shell: &mut Child) -> Result<()> {
    let started = Instant::now();
    while shell.try_wait()?.is_none() && started.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    // The group is this shell's own, and nobody else's.
    let group = format!("-{}", shell.id());
    let _ = clean("/bin/kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    shell.wait()?;
    Ok(())
}
