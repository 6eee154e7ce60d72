//! `qcc push`: what the vendor is told, and what it may object to.

use qcc_sim::{Fault, Rate};

use crate::support::{Ran, World};

#[test]
fn the_vendor_learns_url_and_window() {
    let world = World::new();
    let url = "https://risk.example.com/qcc/cb";
    let ran = world.run(&["push", "set", "--callback-url", url, "--window", "9"]).ends(0);
    assert_eq!(ran.out, "push is on: https://risk.example.com/qcc/cb, 09:00–11:00\n");
    assert_eq!(ran.err, "");
    assert_eq!(world.vendor().callback_url(), Some(url));

    let ran = world.run(&["push", "set", "--callback-url", url, "--disable", "--json"]).ends(0);
    assert_eq!(ran.json()["enabled"], false);
    assert_eq!(ran.json()["echo"], "same");
    assert_eq!(world.vendor().callback_url(), None);
}

#[test]
fn a_doubtful_url_is_set_and_remarked_upon() {
    let world = World::new();
    let ran = world.run(&["push", "set", "--callback-url", "http://10.0.0.7/cb"]).ends(0);
    ran.says("looks private").says("unencrypted");
}

#[test]
fn a_url_with_a_query_is_refused_because_the_vendor_adds_its_own() {
    let world = World::new();
    for url in ["https://risk.example.com/cb?x=1", "https://risk.example.com/cb?"] {
        let ran = world.run(&["push", "set", "--callback-url", url]).ends(2);
        ran.says("appends `?key=…`").says("into the path");
    }
    assert_eq!(world.vendor().journal().entries().count(), 0, "the vendor was told");
}

#[test]
fn the_push_is_stopped_without_naming_the_url_where_it_is_set() {
    let world = World::new();
    let url = "https://risk.example.com/cb";
    world.run(&["push", "set", "--callback-url", url]).ends(0);
    let ran = world.run(&["push", "set", "--disable"]).ends(2);
    ran.says("by --callback-url, or set QCC_PUBLIC_URL");
    assert_eq!(world.vendor().callback_url(), Some(url));
    let mut command = world.command(&["push", "set", "--disable"]);
    let ran = Ran::from(command.env("QCC_PUBLIC_URL", url).output().unwrap()).ends(0);
    assert_eq!(ran.out, format!("push is off: {url}\n"));
    assert_eq!(world.vendor().callback_url(), None);
}

#[test]
fn an_echo_that_differs_is_shown() {
    let world = World::new();
    let body =
        r#"{"status":"200","msg":"ok","result":{"callbackUrl":"https://Risk.example.com/cb/"}}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let other = crate::doctor::always(answer.leak());
    let base = format!("http://{other}");
    let url = "https://risk.example.com/cb";
    let ran = world.run(&["--base-url", &base, "push", "set", "--callback-url", url]).ends(3);
    let ran = ran.says("sent:      https://risk.example.com/cb\n");
    ran.says("came back: https://Risk.example.com/cb/\n").says("may call the wrong place");
}

#[test]
fn activation_is_one_call() {
    let world = World::new();
    world.run(&["push", "activate"]).ends(0).prints("the vendor calls again");
    assert_eq!(world.run(&["push", "activate", "--json"]).ends(0).json()["activated"], true);
}

#[test]
fn a_refusal_shows_code_and_message() {
    let world = World::new();
    world.fault(Fault::Status109, Rate::ALWAYS);
    let ran = world.run(&["push", "activate"]).ends(3);
    ran.says("the vendor answered 109: 【无效请求】请求超过每日系统限制");
}

#[test]
fn a_wrong_secret_says_what_107_may_mean() {
    let world = World::new();
    let mut command = world.command(&["push", "activate"]);
    let ran = Ran::from(command.env("QCC_SECRET_KEY", "another").output().unwrap()).ends(3);
    ran.says("107").says("the clocks agree").says("address is not allowed");
}

#[test]
fn a_wrong_key_is_101() {
    let world = World::new();
    let mut command = world.command(&["--key", "another", "push", "activate"]);
    Ran::from(command.output().unwrap()).ends(3).says("101");
}

#[test]
fn no_network_and_a_wrong_proxy_are_1() {
    let world = World::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = world.run(&["--base-url", &format!("http://{closed}"), "push", "activate"]);
    ran.ends(1).says("cannot connect to 127.0.0.1:");
    let mut command = world.command(&["push", "activate"]);
    command.env("HTTP_PROXY", format!("http://me:S3CR3T@{closed}"));
    let ran = Ran::from(command.output().unwrap()).ends(1);
    assert!(!ran.err.contains("S3CR3T"), "{}", ran.err);
}

#[test]
fn a_gateways_page_is_1_and_names_the_http_status() {
    let world = World::new();
    world.fault(Fault::Http502Html, Rate::ALWAYS);
    world.run(&["push", "activate"]).ends(1).says("HTTP 502");
}
