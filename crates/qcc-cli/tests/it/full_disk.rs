//! A disk without room, told as what it is.

use std::{fs, process::Command};

use crate::support::{Ran, World};

/// Runs a script on a small disk of its own, `small`, where the system allows to
/// make one: in a name space of its own, so nothing of it is seen outside.
fn on_a_small_disk(world: &World, script: &str) -> Option<Ran> {
    let folder = world.path("small");
    fs::create_dir_all(&folder).unwrap();
    let inside = format!(
        "mount -t tmpfs -o size=900k none small || exit 77\n\
         fill() {{ dd if=/dev/zero of=small/fill bs=4k 2>/dev/null; }}\n{script}"
    );
    let command = world.command(&[]);
    let mut shell = Command::new("unshare");
    shell.args(["-rm", "sh", "-c", &inside]).current_dir(world.folder.path());
    shell.env("QCC", env!("CARGO_BIN_EXE_qcc")).env("QCC_STORE", "sqlite:small/qcc.db");
    shell.env("QCC_ARCHIVE_DIR", "archives");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    match shell.output() {
        Ok(output) if output.status.code() != Some(77) && !cannot(&output.stderr) => {
            Some(output.into())
        }
        _ => None,
    }
}

fn cannot(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).starts_with("unshare:")
}

#[test]
fn a_full_disk_is_told_as_one() {
    let world = World::new();
    world.push(1);
    let Some(ran) = on_a_small_disk(&world, "fill; \"$QCC\" sync") else { return };
    let ran = ran.ends(1).says("there is no room");
    assert!(!ran.err.contains("permission") && !ran.err.contains("I/O error"), "{}", ran.err);
    // What is there is read, or refused for the right reason, once the room is gone.
    for command in ["sync", "status", "records", "verify", "doctor"] {
        let script = format!("\"$QCC\" -q sync >/dev/null; fill; \"$QCC\" {command}");
        let Some(ran) = on_a_small_disk(&world, &script) else { return };
        let all = format!("{}{}", ran.out, ran.err);
        assert!(!all.contains("permission") && !all.contains("limit of open files"), "{all}");
        assert!(ran.code == 0 || all.contains("room"), "{command}: {all}");
    }
}
