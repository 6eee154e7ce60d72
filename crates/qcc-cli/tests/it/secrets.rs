//! The whole flow at its most talkative: no secret in any output, nor the keys
//! in the database.

use std::fs;

use qcc_sim::{FaultPlan, VendorConfig};

use crate::support::{Ran, World};

#[test]
fn no_output_holds_a_secret() {
    let world = World::with(VendorConfig { seed: 5, ..VendorConfig::default() });
    let pushed = world.push(4);
    let no = pushed[0].as_str();
    let mut secrets = vec![world.vendor().config().account.secret().to_owned()];
    for order in &pushed {
        let shown =
            world.run(&["orders", "show", order.as_str(), "--reveal", "--json"]).ends(0).json();
        secrets.push(shown["vendor"]["password"].as_str().unwrap().to_owned());
    }
    let faults = "status-107*1, corrupt-download*1, truncated-download*1, http-502-html*1, \
                  wrong-password*1, foreign-link*1, link-expired*1";
    let plan: FaultPlan = faults.parse().unwrap();
    world.vendor().set_faults(plan);

    let talkative = |arguments: &[&str]| -> Ran {
        let mut command = world.command(arguments);
        command.env("QCC_LOG", "trace").env("RUST_BACKTRACE", "full");
        command.output().unwrap().into()
    };
    let wrong_secret = || -> Ran {
        let mut command = world.command(&["-vvv", "doctor"]);
        command.env("QCC_SECRET_KEY", "WRONGSECRET0123456789").output().unwrap().into()
    };
    secrets.push("WRONGSECRET0123456789".to_owned());
    let runs = [
        talkative(&["sync", "--patience", "2s"]),
        talkative(&["-vvv", "sync", "--patience", "30s"]),
        talkative(&["orders", "list"]),
        talkative(&["orders", "show", no]),
        talkative(&["orders", "fetch", no, "-o", "x.zip"]),
        talkative(&["push", "set", "--callback-url", "https://risk.example.com/cb"]),
        talkative(&["doctor"]),
        talkative(&["status"]),
        talkative(&["status", "--json"]),
        talkative(&["records", "--json"]),
        talkative(&["verify"]),
        talkative(&["verify", "--json"]),
        talkative(&["replay", "--json"]),
        wrong_secret(),
    ];
    assert!(runs.iter().any(|ran| ran.err.contains("DEBUG")), "nothing was logged");
    for ran in &runs {
        let all = format!("{}{}", ran.out, ran.err);
        for secret in &secrets {
            assert!(!all.contains(secret.as_str()), "a secret in\n{all}");
        }
        for name in ["Signature=", "OSSAccessKeyId=", "Token:", "token: "] {
            assert!(!all.contains(name), "{name} in\n{all}");
        }
    }
    world.run(&["retry", "--all", "--lift-hold"]);
    world.run(&["sync"]);

    // The passwords may lie in the ledger, documented; key material and links may not.
    let secret = &secrets[0];
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            for wanted in [secret.as_bytes(), b"Signature=", b"OSSAccessKeyId="] {
                let found = bytes.windows(wanted.len()).any(|window| window == wanted);
                assert!(!found, "{} in {}", String::from_utf8_lossy(wanted), path.display());
            }
        }
    }
    assert!(!world.vendor().journal().secret_seen(), "the secret travelled");
    assert!(world.vendor().journal().foreign_hosts().is_empty(), "a trap was entered");
    private(&world);
}

#[cfg(unix)]
fn private(world: &World) {
    use std::os::unix::fs::PermissionsExt;
    for (name, expected) in [("qcc.db", 0o600), ("qcc-archives", 0o700)] {
        let mode = fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{name}");
    }
}

#[cfg(not(unix))]
fn private(_: &World) {}
