//! Archives whose document lies in a folder: found where the policy allows it.

use std::{fs, path::Path, sync::Arc, time::Duration};

use qcc_archive::Options;
use qcc_proto::UnzipPassword;
use qcc_sim::VendorConfig;
use qcc_sync::{
    Archives, Label, MemoryStore, Policy, Replay, ReplayReport, ReplayScope, Setback, Verdict,
    VerifySettings, Worker, verify,
};

use crate::world::{World, no, paused};

/// A world in which one archive is kept, and nothing else ever happened.
async fn with_archive(file: &str) -> World {
    let world = World::new(VendorConfig::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/archives");
    let bytes = fs::read(folder.join(file)).unwrap();
    let mut partial = world.archives.begin(&no("A1")).await.unwrap();
    partial.append(&bytes).await.unwrap();
    let kept = partial.keep().await.unwrap();
    let now = world.now();
    let label = Label {
        order_no: "DDMON2022060710134201".parse().unwrap(),
        password: UnzipPassword::new("fixture-password"),
        created_at: Some("2022-06-07 10:13:42".parse().unwrap()),
        first_seen_at: now,
        listed_at: Some(now),
        called_at: None,
        written_at: now,
    };
    world.archives.label(&kept, &label).await.unwrap();
    world
}

async fn applied(world: &World, store: &Arc<MemoryStore>, policy: &Policy) -> ReplayReport {
    let replay = Replay {
        store: store.clone(),
        archives: world.archives.clone(),
        clock: Arc::new(world.clock),
        worker: Worker { name: "replay".into(), term: Duration::from_secs(600) },
        policy: policy.clone(),
    };
    replay.run(&ReplayScope::All, &()).await.unwrap()
}

fn anywhere() -> Policy {
    Policy::default()
}

fn exactly() -> Policy {
    let mut policy = Policy::default();
    policy.archive = Options::default();
    policy
}

#[test]
fn a_document_in_a_folder_is_applied_and_proven_where_the_policy_allows_it() {
    paused(async {
        for file in ["folder.zip", "folder-backslash.zip"] {
            let world = with_archive(file).await;
            let store = Arc::new(MemoryStore::default());
            let report = applied(&world, &store, &anywhere()).await;
            assert_eq!((report.applied, report.setbacks.len()), (1, 0), "{file}: {report:#?}");

            let scratch = tempfile::tempdir().unwrap();
            let settings = VerifySettings::new(&anywhere(), scratch.path());
            let verdict: Verdict =
                verify(&*store, &*world.archives, &settings, &|_| {}).await.unwrap();
            assert!(verdict.findings.is_empty(), "{file}: {verdict:#?}");
        }
    });
}

#[test]
fn without_that_the_name_must_be_exact_and_the_refusal_shows_what_there_is() {
    paused(async {
        let world = with_archive("folder.zip").await;
        let store = Arc::new(MemoryStore::default());
        let report = applied(&world, &store, &exactly()).await;
        let [Setback::Refused(_, why)] = &*report.setbacks else { panic!("{report:#?}") };
        assert!(format!("{why:?}").contains("2022/06/dd_risk_corp.json"), "{why:?}");
    });
}

#[test]
fn of_two_documents_in_two_folders_neither_is_applied() {
    paused(async {
        let world = with_archive("folders-two.zip").await;
        let store = Arc::new(MemoryStore::default());
        let report = applied(&world, &store, &anywhere()).await;
        assert_eq!((report.applied, report.setbacks.len()), (0, 1), "{report:#?}");
    });
}
