//! Settings that are missing or wrong: exit 2, what to do, and no value shown.

use std::{fs, path::Path};

use crate::support::{Ran, World, bare, run_in};

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &["sync"]).ends(2).says("no key: set QCC_KEY");
    run_in(folder.path(), &["--key", "k", "token"]).ends(2).says("set QCC_SECRET_KEY");
    run_in(folder.path(), &["status"]).ends(2).says("there is no database qcc.db");
    run_in(folder.path(), &["--config", "no.toml", "status"]).ends(2).says("no.toml");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn what_is_wrong_is_named_and_not_quoted() {
    let world = World::new();
    let with = |name: &str, value: &str| {
        let ran: Ran = world.command(&["sync"]).env(name, value).output().unwrap().into();
        assert!(!ran.err.contains("S3CR3T"), "{}", ran.err);
        ran.ends(2)
    };
    with("QCC_KEY", "two words").says("QCC_KEY is not a key");
    with("QCC_SECRET_KEY", " S3CR3T").says("white space").says("QCC_SECRET_KEY");
    with("QCC_BASE_URL", "pro.qcc.com").says("https://pro.qcc.com is what it looks like");
    with("QCC_DOWNLOAD_HOSTS", "http://x").says("QCC_DOWNLOAD_HOSTS");
    with("QCC_STORE", "postgres://me:S3CR3T@h/db").says("not in this version");
    with("QCC_STORE", "mysql://me:S3CR3T@h/db").says("use sqlite:PATH");
    with("QCC_STORE", "sqlite::memory:").says("is gone when the command ends");
    with("QCC_STORE", "sqlite://rel.db").says("sqlite:NAME").says("sqlite:/NAME");
    with("QCC_STORE", "sqlite:x.db?mode=ro").says("options are not read");
    with("QCC_STORE", "sqlite:.").says("this is a folder");
    with("QCC_LOG", "verbose").says("Levels are off, error, warn, info, debug and trace");
    with("QCC_LOG", "qcc_sync=loud").says("QCC_LOG is not a log filter");
    with("HTTP_PROXY", "me:S3CR3T@").says("HTTP_PROXY is not the URL of a proxy");
    with("HTTP_PROXY", "http://me:S3CR3T/x@p:1").says("HTTP_PROXY is not the URL of a proxy");
    with("HTTP_PROXY", "http://me:31337/S3CR3T@p:1").says("must be written as %2F");
    with("QCC_CA_FILE", "/nowhere/ca.pem")
        .says("QCC_CA_FILE cannot be used")
        .says("/nowhere/ca.pem");
    with("SSL_CERT_FILE", "/nowhere/ca.pem").says("SSL_CERT_FILE cannot be used").says("/nowhere");
    with("SSL_CERT_DIR", "/nowhere").says("SSL_CERT_DIR cannot be used").says("/nowhere");
    with("QCC_REDIRECTS", "yes").says("QCC_REDIRECTS must be `never` or `https`");
    with("QCC_LOG", "qcc=[").says("QCC_LOG is not a log filter");
    with("QCC_SECRET_KEY_FILE", "/x").says("remove one");
}

#[test]
fn exceptions_of_a_proxy_in_no_known_form_are_named() {
    let world = World::new();
    let with = |exceptions: &str| {
        let mut command = world.command(&["sync"]);
        command.env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", exceptions);
        Ran::from(command.output().unwrap())
    };
    with("localhost,10.*").ends(2).says("NO_PROXY cannot be used: \"10.*\" is not understood");
    // The vendor of this test has an address and no name.
    with("*").ends(0);
    with("localhost 127.0.0.0/8").ends(0);
}

#[test]
fn doctor_names_the_authorities() {
    let world = World::new();
    let ran: Ran = world.command(&["doctor"]).output().unwrap().into();
    ran.prints("the bundled ones, this machine's");
    let ran: Ran =
        world.command(&["doctor"]).env("QCC_CA_FILE", "/nowhere.pem").output().unwrap().into();
    ran.prints("QCC_CA_FILE cannot be used");
}

#[test]
fn the_secret_may_come_from_a_file() {
    let world = World::new();
    world.push(1);
    let secret = world.vendor().config().account.secret().to_owned();
    fs::write(world.path("secret"), format!("{secret}\n")).unwrap();
    let toml = "secret_key_file = 'secret'\nstore = 'sqlite:here.db'\n";
    fs::write(world.path("qcc.toml"), toml).unwrap();
    let mut command = world.command(&["sync"]);
    Ran::from(command.env_remove("QCC_SECRET_KEY").output().unwrap()).ends(0);
    assert!(world.path("here.db").exists());
}

#[test]
fn a_misspelt_key_in_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("qcc.toml"), "basurl = 'x'").unwrap();
    run_in(folder.path(), &["status"]).ends(2).says("no setting `basurl`");
    let mut command = bare(folder.path());
    command.env("QCC_CONFIG", "").args(["completions", "bash"]);
    Ran::from(command.output().unwrap()).ends(2);
}

#[test]
fn a_database_may_be_named_by_its_path_alone() {
    let world = World::new();
    world.push(1);
    world.run(&["--store", "x.db", "sync"]).ends(0);
    assert!(world.path("x.db").exists());
    fs::write(world.path("qcc.toml"), "store = 'sub/y.db'\n").unwrap();
    let ran = world.run(&["sync"]).ends(2).says("there is no folder sub");
    ran.says("whether its disk is mounted");
    fs::create_dir(world.path("sub")).unwrap();
    world.run(&["sync"]).ends(0).says("new database: ");
    assert!(world.path("sub/y.db").exists());
}

#[test]
fn a_folder_that_is_a_file_is_told_before_anything_is_made() {
    let world = World::new();
    fs::write(world.path("afile"), "").unwrap();
    let ran = world.run(&["--archive-dir", "afile", "sync"]).ends(2);
    ran.says("afile (--archive-dir) is a file").says("name a folder by --archive-dir");
    world.run(&["--archive-dir", "afile/deep", "sync"]).ends(2).says("is a file, not");
    let mut command = world.command(&["sync"]);
    let ran = Ran::from(command.env("QCC_ARCHIVE_DIR", "afile").output().unwrap()).ends(2);
    ran.says("name a folder by QCC_ARCHIVE_DIR");
    let left: Vec<_> = fs::read_dir(world.folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_message_speaks_the_language_of_the_place_it_complains_of() {
    let world = World::new();
    let ran = world.run(&["serve", "--tls-cert", "c.pem"]).ends(2);
    ran.says("--tls-cert requires --tls-key");
    fs::write(world.path("qcc.toml"), "[serve]\ntls_key = 'k.pem'\n").unwrap();
    let ran = world.run(&["serve"]).ends(2);
    ran.says("`tls_key` in qcc.toml requires `tls_cert`");
    fs::remove_file(world.path("qcc.toml")).unwrap();
    let ran = world.run(&["--store", "none.db", "status"]).ends(2);
    ran.says("(--store)").says("name another by --store");
    let mut command = world.command(&["status"]);
    let ran = Ran::from(command.env("QCC_STORE", "none.db").output().unwrap()).ends(2);
    ran.says("(QCC_STORE)").says("name another by QCC_STORE");
}

#[test]
fn what_is_no_toml_is_told_with_line_column_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let toml = |text: &str| {
        fs::write(folder.path().join("qcc.toml"), text).unwrap();
        run_in(folder.path(), &["records"]).ends(2)
    };
    toml("key = abc").says("qcc.toml, line 1, column 7").says("string values must be quoted");
    toml("window = 30\nkey == 'k'").says("line 2, column 6");
    toml("[serve]\npush_window = 99").says("`push_window` must be 9, 11, 13, 15, 17 or 19");
    toml("log = 'verbose'").says("`log` in qcc.toml is not a log filter");
    fs::remove_file(folder.path().join("qcc.toml")).unwrap();
    fs::create_dir(folder.path().join("qcc.toml")).unwrap();
    run_in(folder.path(), &["records"]).ends(2).says("qcc.toml cannot be read");
}

#[test]
fn a_path_that_no_call_can_come_to_is_refused() {
    let world = World::new();
    let mut command = world.command(&["serve"]);
    let ran = Ran::from(command.env("QCC_CALLBACK_PATH", "/../x").output().unwrap()).ends(2);
    ran.says("QCC_CALLBACK_PATH must be a path such as /callback");
}

#[test]
fn who_needs_no_secret_need_not_be_able_to_read_it() {
    let world = World::new();
    world.push(1);
    world.run(&["sync"]).ends(0);
    let with = |arguments: &[&str]| -> Ran {
        let mut command = world.command(arguments);
        command.env_remove("QCC_SECRET_KEY").env("QCC_SECRET_KEY_FILE", "none");
        command.output().unwrap().into()
    };
    with(&["records"]).ends(0);
    with(&["sync"]).ends(2).says("there is no file none, which QCC_SECRET_KEY_FILE names");
}

/// What a system calls a path may be no text.
#[cfg(target_os = "linux")]
mod bytes {
    use std::{
        ffi::{OsStr, OsString},
        os::unix::ffi::OsStrExt,
    };

    use super::*;

    fn foreign(before: &str, behind: &str) -> OsString {
        OsStr::from_bytes(&[before.as_bytes(), b"\xff", behind.as_bytes()].concat()).to_owned()
    }

    #[test]
    fn a_variable_that_is_no_text_is_an_error_and_not_a_default() {
        let world = World::new();
        for name in [
            "QCC_KEY",
            "QCC_SECRET_KEY",
            "QCC_BASE_URL",
            "QCC_DOWNLOAD_HOSTS",
            "QCC_ARCHIVE_PASSWORD",
            "QCC_LOG",
            "QCC_LISTEN",
            "QCC_CALLBACK_PATH",
            "QCC_ADMIN_LISTEN",
            "QCC_PUBLIC_URL",
            "QCC_POLL_INTERVAL",
            "HTTP_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "no_proxy",
        ] {
            for arguments in [&["sync"][..], &["completions", "bash"]] {
                let mut command = world.command(arguments);
                let ran = Ran::from(command.env(name, foreign("http://", "")).output().unwrap());
                ran.ends(2).says(name).says("is not UTF-8 text");
            }
        }
        assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0, "something was made");
        assert_eq!(world.vendor().journal().entries().count(), 0, "somebody was called");
    }

    #[test]
    fn a_flag_that_is_no_text_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let with = |arguments: &[&OsStr]| -> Ran {
            bare(folder.path()).args(arguments).output().unwrap().into()
        };
        let bad = foreign("http://", "");
        let ran = with(&["sync".as_ref(), "--base-url".as_ref(), &bad]).ends(2);
        ran.says("the value of --base-url is not UTF-8 text");
        let ran = with(&["sync".as_ref(), &foreign("--base-url=http://", "")]).ends(2);
        ran.says("the value of --base-url is not UTF-8 text");
        let ran = with(&["orders".as_ref(), "show".as_ref(), &bad]).ends(2);
        ran.says("argument 3 is not UTF-8 text");
    }

    #[test]
    fn paths_may_be_any_bytes_the_system_allows() {
        let world = World::new();
        let pushed = world.push(2);
        let secret = world.account.secret().to_owned();
        let file = foreign("secret", "");
        fs::write(world.folder.path().join(&file), secret).unwrap();
        let run = |arguments: &[&OsStr]| -> Ran {
            let mut command = world.command(&[]);
            command
                .env_remove("QCC_SECRET_KEY")
                .env("QCC_SECRET_KEY_FILE", &file)
                .env("QCC_STORE", foreign("sqlite:", "qcc.db"))
                .env("QCC_ARCHIVE_DIR", foreign("archives", ""))
                .args(arguments);
            command.output().unwrap().into()
        };
        run(&["sync".as_ref()]).ends(0);
        run(&["verify".as_ref()]).ends(0);
        assert!(run(&["records".as_ref(), "--json".as_ref()]).ends(0).lines().len() > 1);
        run(&["replay".as_ref(), "--into".as_ref(), &foreign("new", ".db")]).ends(0);
        let target = foreign("fetched", ".zip");
        let no = pushed[0].as_str();
        run(&["orders".as_ref(), "fetch".as_ref(), no.as_ref(), "-o".as_ref(), &target]).ends(0);
        run(&["archive".as_ref(), "info".as_ref(), &target]).ends(0);
        for name in [foreign("", "qcc.db"), foreign("archives", ""), foreign("new", ".db")] {
            assert!(world.folder.path().join(&name).exists(), "{name:?} was not made");
        }
        assert!(!world.path("qcc.db").exists(), "the default was used");

        let toml = foreign("my", ".toml");
        fs::write(world.folder.path().join(&toml), "store = 'here.db'\n").unwrap();
        let mut command = world.command(&["sync"]);
        Ran::from(command.env("QCC_CONFIG", &toml).output().unwrap()).ends(0);
        assert!(world.path("here.db").exists());
    }

    #[test]
    fn a_secret_file_that_never_ends_or_never_begins_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let run = |path: &Path| -> Ran {
            let mut command = bare(folder.path());
            command.env("QCC_KEY", "k").env("QCC_SECRET_KEY_FILE", path).arg("token");
            command.output().unwrap().into()
        };
        run(Path::new("/dev/zero")).ends(2).says("it is a device or a socket, not a file");
        fs::write(folder.path().join("long"), vec![b'x'; 1 << 20]).unwrap();
        run(Path::new("long")).ends(2).says("it is longer than 64 KiB");
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        run(&fifo).ends(2).says("nothing came out of it for 10 seconds");
        let writer = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::write(fifo, "SecretKey\n")
        });
        run(&fifo).ends(0).prints("Token: ");
        writer.join().unwrap().unwrap();
    }
}
