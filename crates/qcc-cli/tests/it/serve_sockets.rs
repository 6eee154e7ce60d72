//! Sockets that others opened, a service manager that listens, TLS.
#![cfg(unix)]

use std::{
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use qcc_sim::VendorConfig;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::CertificateDer,
};

use crate::{
    daemon::{Daemon, answer, ask, get, until},
    support::World,
};

/// The daemon with a listening socket as its third descriptor, as a service
/// manager passes it on. The shell is there because the variables name a process
/// that does not exist yet.
fn activated(world: &World, socket: &TcpListener) -> Command {
    let daemon = Daemon::command(world, &["--poll-interval", "24h"]);
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; \
                  exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(daemon.get_program()).args(daemon.get_args());
    command.env_clear().current_dir(world.folder.path());
    command.envs(daemon.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
    command
}

fn call(world: &World) -> String {
    let order_no = world.push(1).remove(0);
    let key = world.account.key();
    format!("/callback?key={key}&orderNo={order_no}&downloadUrl=http%3A%2F%2Fx%2Fy&unzipPassword=p")
}

const ACK: &str = r#"{"status":"200","msg":"成功"}"#;

#[test]
fn calls_made_while_nobody_runs_are_answered_by_the_next_start() {
    let world = World::with(VendorConfig { seed: 7, ..VendorConfig::default() });
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = socket.local_addr().unwrap();
    let daemon = Daemon::of(activated(&world, &socket));
    assert_eq!(daemon.callback, address);
    assert_eq!(get(address, &call(&world)), (200, ACK.to_owned()));

    for kill in [false, true] {
        // The last daemon of the round before was left running.
        let daemon = Daemon::of(activated(&world, &socket));
        match kill {
            true => daemon.kill(),
            false => assert_eq!(daemon.stop("TERM").0, Some(0)),
        }
    }
    assert_eq!(daemon.stop("TERM").0, Some(0));

    // Nobody runs; the socket holds what arrives.
    let calls: Vec<TcpStream> = (0..5)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            ask(&mut stream, &call(&world));
            stream
        })
        .collect();
    let daemon = Daemon::of(activated(&world, &socket));
    for call in calls {
        assert_eq!(answer(call), (200, ACK.to_owned()));
    }
    until("applied", || daemon.metric("qcc_orders{state=\"applied\"}") == 6.0);
    world.assert_true_table();
}

#[test]
fn the_service_manager_hears_ready_the_watchdog_and_the_end() {
    let world = World::with(VendorConfig::default());
    let path = world.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let hears = |word: &str| {
        let mut buffer = [0; 1024];
        loop {
            let read = match manager.recv(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => panic!("{word} did not come: {error}"),
            };
            if std::str::from_utf8(&buffer[..read]).unwrap().lines().any(|line| line == word) {
                return;
            }
        }
    };
    let mut command = Daemon::command(&world, &[]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let daemon = Daemon::of(command);
    hears("READY=1");
    hears("WATCHDOG=1");
    hears("WATCHDOG=1");
    daemon.signal("TERM");
    hears("STOPPING=1");
    assert_eq!(daemon.stop("TERM").0, Some(0));
}

/// Makes a certificate of our own and writes it where the daemon reads it.
fn certificate(world: &World) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(world.path("cert.pem"), cert.pem()).unwrap();
    fs::write(world.path("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

/// One `GET` over TLS by a client that trusts nothing else.
fn get_over_tls(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    target: &str,
) -> std::io::Result<(u16, String)> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(address)?;
    while client.is_handshaking() {
        client.complete_io(&mut stream)?;
    }
    let mut stream = StreamOwned::new(client, stream);
    ask(&mut stream, target);
    Ok(answer(stream))
}

#[test]
fn calls_may_come_over_tls_and_a_renewed_certificate_is_read_at_sighup() {
    let world = World::with(VendorConfig::default());
    let first = certificate(&world);
    let arguments = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--poll-interval", "24h"];
    let daemon = Daemon::start(&world, &arguments);
    let acknowledged = get_over_tls(daemon.callback, &first, &call(&world)).unwrap();
    assert_eq!(acknowledged, (200, ACK.to_owned()));

    let second = certificate(&world);
    assert!(get_over_tls(daemon.callback, &second, &call(&world)).is_err(), "not read yet");
    daemon.signal("HUP");
    let known = call(&world);
    until("renewed", || get_over_tls(daemon.callback, &second, &known).is_ok());

    fs::write(Path::new(&world.path("cert.pem")), "no certificate").unwrap();
    daemon.signal("HUP");
    until("refused", || daemon.log().contains("the certificate was not replaced"));
    assert!(get_over_tls(daemon.callback, &second, &known).is_ok(), "what was in force stays");
    assert_eq!(daemon.stop("TERM").0, Some(0));
}
