//! Other processes on the file: killed in the middle, racing, without rights.
//!
//! A child is this test binary again, told by its environment what to do.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use qcc_sqlite::SqliteStore;
use qcc_sync::{RecordFilter, State, Store};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::given::{add, applied, apply, claim, local, no, rows, store, worker};

const ROLE: &str = "QCC_SQLITE_TEST_ROLE";
const STORE: &str = "QCC_SQLITE_TEST_STORE";
const BATCHES: u64 = 40;

/// Not a test of its own: what a child does.
#[tokio::test]
async fn child() {
    let (Ok(role), Ok(path)) = (env::var(ROLE), env::var(STORE)) else { return };
    match role.as_str() {
        "apply" => child_applies(path).await,
        "claim" => child_claims(path).await,
        "open" => {
            let outcome = SqliteStore::open(path).await.map(|_| ());
            say(&outcome.map_or_else(|e| format!("{:?}: {e}", e.kind()), |()| "opened".into()));
        }
        other => panic!("no such role: {other}"),
    }
}

fn command(program: &Path, role: &str, store: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "processes::child", "--nocapture"])
        .env(ROLE, role)
        .env(STORE, store)
        .stdout(Stdio::piped());
    command
}

fn start(mut command: Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// What children say begins with a mark; the test harness talks too.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n>{text}").unwrap();
    out.flush().unwrap();
}

fn heard(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    lines.map_while(Result::ok).find_map(|line| line.strip_prefix('>').map(str::to_owned))
}

async fn child_applies(path: String) {
    let store = SqliteStore::open(path).await.unwrap();
    let hand = worker("child");
    let lease = claim(&store, &hand, 10).await.unwrap();
    let mut apply = store.begin_apply(&lease, local(10)).await.unwrap();
    for n in 0..BATCHES {
        apply.write(rows(n * 500..(n + 1) * 500)).await.unwrap();
        say("written");
    }
    say("committing");
    apply.commit(applied(lease.order, 10)).await.unwrap();
    say("committed");
    // Until it is killed.
    std::future::pending::<()>().await;
}

async fn child_claims(path: String) {
    let store = SqliteStore::open(path).await.unwrap();
    say("ready");
    let mut claimed = 0;
    loop {
        let next = worker(&format!("child {claimed}"));
        let Some(lease) = claim(&store, &next, 1).await else { break };
        claimed += 1;
        say(lease.order.no.as_str());
    }
}

#[tokio::test]
async fn a_killed_apply_leaves_all_or_nothing() {
    for steps in [1, 2, 17, BATCHES as usize, BATCHES as usize + 1, BATCHES as usize + 2] {
        let (_folder, store) = store().await;
        let path = store.path().to_owned();
        apply(&store, "A1", 0, vec![rows(0..300)]).await;
        add(&store, "A2", 5).await;
        drop(store);

        let (mut child, mut lines) = start(command(&env::current_exe().unwrap(), "apply", &path));
        let mut last = String::new();
        for _ in 0..steps {
            last = heard(&mut lines).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = SqliteStore::open(&path).await.unwrap();
        let overview = store.overview().await.unwrap();
        let order = store.order(&no("A2")).await.unwrap().unwrap();
        let of_a2 = RecordFilter::default();
        let all = store.records(&of_a2, None, 100_000).await.unwrap();
        let from_a2 = all.iter().filter(|stored| stored.rank.order_no == order.no).count();
        assert_eq!(overview.records, all.len() as u64);
        match order.state {
            State::Applied => {
                assert_ne!(last, "written", "the commit was not asked for yet");
                assert_eq!((all.len(), from_a2), (20_000, 20_000));
            }
            State::Seen => {
                assert_ne!(last, "committed", "a commit that was reported stands");
                assert_eq!((all.len(), from_a2), (300, 0));
                let hand = worker("next");
                let again = claim(&store, &hand, 100).await.map(|lease| lease.order.no);
                assert_eq!(again, Some(no("A2")), "due again once the lease has ended");
            }
            state => panic!("half a step: {state:?}"),
        }
        drop(store);
        let check: String = Connection::open(&path)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }
}

#[tokio::test]
async fn processes_claim_different_orders() {
    let (_folder, store) = store().await;
    for n in 0..60 {
        add(&store, &format!("A{n:02}"), 0).await;
    }
    let program = env::current_exe().unwrap();
    let (mut child, mut lines) = start(command(&program, "claim", store.path()));
    assert_eq!(heard(&mut lines).unwrap(), "ready");
    let mut ours = BTreeSet::new();
    loop {
        let next = worker(&format!("parent {}", ours.len()));
        let Some(lease) = claim(&store, &next, 1).await else { break };
        ours.insert(lease.order.no.to_string());
    }
    let mut theirs = BTreeSet::new();
    while let Some(order_no) = heard(&mut lines) {
        assert!(theirs.insert(order_no));
    }
    assert!(child.wait().unwrap().success());
    assert!(ours.is_disjoint(&theirs), "{ours:?} {theirs:?}");
    assert_eq!(ours.len() + theirs.len(), 60);
}

/// What somebody without rights hears. Root has every right, so the child gives
/// them up where it must.
#[cfg(unix)]
fn opened_without_rights(path: &Path) -> String {
    use std::os::unix::{fs::MetadataExt as _, fs::PermissionsExt as _, process::CommandExt as _};

    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("program");
    std::fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut command = command(&program, "open", path);
    if std::fs::metadata(folder.path()).unwrap().uid() == 0 {
        command.uid(65_534).gid(65_534).current_dir("/");
    }
    let (mut child, mut lines) = start(command);
    let said = heard(&mut lines).unwrap();
    child.wait().unwrap();
    said
}

#[cfg(unix)]
#[tokio::test]
async fn who_may_not_write_is_told_so() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let (folder, store) = store().await;
    let path = store.path().to_owned();
    drop(store);
    let owned = std::fs::metadata(folder.path()).unwrap().uid() != 0;
    let missing = folder.path().join("new.db");
    let inbox = folder.path().join("qcc.db-inbox");

    mode(folder.path(), 0o555);
    let said = opened_without_rights(&missing);
    assert!(said.starts_with("ReadOnly") && said.contains("permission"), "{said}");
    mode(&path, 0o666);
    mode(&inbox, 0o666);
    let said = opened_without_rights(&path);
    assert!(said.starts_with("ReadOnly") && said.contains("folder"), "{said}");
    mode(folder.path(), 0o777);
    mode(&path, 0o444);
    let said = opened_without_rights(&path);
    assert!(said.starts_with("ReadOnly") && said.contains("permission"), "{said}");
    mode(&path, 0o666);
    assert_eq!(opened_without_rights(&path), "opened");
    if owned {
        mode(folder.path(), 0o700);
    }
}
