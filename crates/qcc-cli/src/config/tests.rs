//! Layers, origins and refusals of the configuration.

use std::fs;

use super::*;

fn write(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("qcc.toml");
    fs::write(&path, text).unwrap();
    private(&path, 0o600);
    path
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) {}

fn flags(config: &Path) -> GlobalArgs {
    GlobalArgs { config: Some(config.to_owned()), ..GlobalArgs::default() }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(&flags(&write(&folder, text)), &Vars::default()).unwrap_err();
    let shown = crate::exit::explain(&anyhow::Error::new(error));
    assert!(shown.contains(expected), "{text:?} gave {shown:?}");
    assert!(!shown.contains("S3CR3T"), "{shown:?} shows a secret");
}

#[test]
fn flags_win_over_environment_over_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "key='file'\nbase_url='http://file'\nstore='sqlite:file.db'");
    let vars = Vars::from([("QCC_KEY", "env"), ("QCC_BASE_URL", "http://env")]);
    let flags = GlobalArgs { key: Some("flag".into()), ..flags(&path) };
    let config = Config::load(&flags, &vars).unwrap();

    let key = config.key.unwrap();
    assert_eq!((key.value.as_str(), key.origin), ("flag", Origin::Flag("key")));
    assert_eq!(config.base_url.value, "http://env");
    assert_eq!(config.base_url.origin, Origin::Environment("QCC_BASE_URL"));
    assert_eq!(config.store.value, *format!("sqlite:{}/file.db", folder.path().display()));
    assert_eq!(config.archive_dir.value, folder.path().join("qcc-archives"));
    assert_eq!(config.download_hosts.origin, Origin::Default);
}

#[test]
fn the_number_of_orders_at_once_is_checked_in_every_layer() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "concurrency=8");
    let of = |vars: Vars| Config::load(&flags(&path), &vars);
    assert_eq!(of(Vars::default()).unwrap().concurrency.unwrap().value.get(), 8);
    let mut config = of(Vars::from([("QCC_CONCURRENCY", "1")])).unwrap();
    assert_eq!(config.concurrency.as_ref().unwrap().value.get(), 1);
    config.with_concurrency(NonZeroUsize::new(5));
    assert_eq!(config.concurrency.unwrap().value.get(), 5);
    for wrong in ["0", "129", "many", "-1"] {
        let error = of(Vars::from([("QCC_CONCURRENCY", wrong)])).unwrap_err();
        assert_eq!(error.to_string(), "QCC_CONCURRENCY must be a whole number from 1 to 128");
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let vars = Vars::from([("QCC_KEY", ""), ("QCC_STORE", "")]);
    let config = Config::load(&GlobalArgs::default(), &vars).unwrap();
    assert!(config.key.is_none());
    assert_eq!(config.store.origin, Origin::Default);
}

#[test]
fn a_misspelt_variable_is_remarked_upon() {
    let vars = Vars::from([("QCC_SECRETKEY", "S3CR3T"), ("QCC_LISTEN", "127.0.0.1:1")]);
    let config = Config::load(&GlobalArgs::default(), &vars).unwrap();
    assert_eq!(config.remarks, ["QCC_SECRETKEY is set, but no setting has that name"]);
}

#[test]
fn each_refusal_names_the_key_and_quotes_no_value() {
    refused("secret='S3CR3T'", "no setting `secret`; there are: key, secret_key");
    refused("secret_key=17\nx='S3CR3T'", "`secret_key` must be a text in quotes");
    refused("secret_key=S3CR3T", "line 1, column 12: invalid TOML (string values must be quoted");
    refused("key='a'\n\nsecret_key='S3CR3T", "line 3, column 19: invalid TOML (invalid literal");
    refused("secret_key='S3CR3T'\nsecret_key='S3CR3T'", "line 2, column 1: invalid TOML");
    refused("secret_key.S3CR3T=1\nsecret_key='S3CR3T'", "line 2, column 1: invalid TOML");
    refused("S3CR3T", "line 1, column 7: invalid TOML");
    refused("[serve]\npush_window=99", "`push_window` must be 9, 11, 13, 15, 17 or 19");
    refused("log='verbose'", "`verbose` is neither a level nor a target");
    refused("window=0", "`window` must be a whole number above 0");
    refused("concurrency=129", "must be a whole number from 1 to 128");
    refused("download_hosts=[1]", "`download_hosts` must be a list of texts");
    refused("secret_key='S3CR3T'\nsecret_key_file='x'", "both name the SecretKey");
}

#[test]
fn a_named_file_that_is_missing_is_refused() {
    let error = Config::load(&flags(Path::new("/nowhere/qcc.toml")), &Vars::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no configuration file /nowhere/qcc.toml");
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "secret_key='S3CR3T'");
    private(&path, 0o640);
    let error = Config::load(&flags(&path), &Vars::default()).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");

    let harmless = write(&folder, "key='k'");
    private(&harmless, 0o644);
    assert!(Config::load(&flags(&harmless), &Vars::default()).is_ok());
}

#[test]
fn a_secret_file_loses_its_line_end_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "S3CR3T\n").unwrap();
    private(&path, 0o644);
    let vars = Vars::from([("QCC_SECRET_KEY_FILE", path.to_str().unwrap())]);
    let config = Config::load(&GlobalArgs::default(), &vars).unwrap();
    assert!(config.secret().is_ok());
    assert!(config.remarks.iter().any(|remark| remark.contains("chmod 600")), "{config:?}");
    assert!(!format!("{config:?}").contains("S3CR3T"));
}
