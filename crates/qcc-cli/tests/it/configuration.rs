//! Settings that are missing or wrong: exit 2, what to do, and no value shown.

use std::fs;

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
    with("QCC_KEY", "two words").says("QCC_KEY is no key");
    with("QCC_SECRET_KEY", " S3CR3T").says("white space").says("QCC_SECRET_KEY");
    with("QCC_BASE_URL", "pro.qcc.com").says("https://pro.qcc.com is what it looks like");
    with("QCC_DOWNLOAD_HOSTS", "http://x").says("QCC_DOWNLOAD_HOSTS");
    with("QCC_STORE", "postgres://me:S3CR3T@h/db").says("not in this version");
    with("QCC_STORE", "qcc.db").says("sqlite:PATH is expected");
    with("HTTP_PROXY", "me:S3CR3T@").says("HTTP_PROXY is not the URL of a proxy");
    with("HTTP_PROXY", "http://me:S3CR3T/x@p:1").says("HTTP_PROXY is not the URL of a proxy");
    with("HTTP_PROXY", "http://me:31337/S3CR3T@p:1").says("must be written as %2F");
    with("QCC_CA_FILE", "/nowhere/ca.pem")
        .says("QCC_CA_FILE cannot be used")
        .says("/nowhere/ca.pem");
    with("SSL_CERT_FILE", "/nowhere/ca.pem").says("SSL_CERT_FILE cannot be used").says("/nowhere");
    with("SSL_CERT_DIR", "/nowhere").says("SSL_CERT_DIR cannot be used").says("/nowhere");
    with("QCC_REDIRECTS", "yes").says("QCC_REDIRECTS must be `never` or `https`");
    with("QCC_LOG", "qcc=[").says("QCC_LOG is no log filter");
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
