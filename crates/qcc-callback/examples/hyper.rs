//! A complete receiver: `cargo run -p qcc-callback --features server --example hyper`.
//!
//! It keeps order numbers in memory, which is not durable. A real receiver stores them
//! in a database and returns once the transaction is committed.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;

use qcc_callback::{CallbackService, MemoryInbox, Paths, Receiver, ServerLimits, serve};
use tokio::{net::TcpListener, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let inbox = MemoryInbox::default();
    let receiver = Receiver::new("AppKey".parse()?);
    let service =
        CallbackService::builder(receiver, inbox.clone(), Paths::new("/callback")?).build();

    let listener = TcpListener::bind("127.0.0.1:8090").await?;
    println!("listening on http://{}/callback; Ctrl-C stops it", listener.local_addr()?);
    let shutdown = async {
        // If the signal handler cannot be installed, the receiver stops at once.
        let _ = signal::ctrl_c().await;
    };
    serve(listener, service, ServerLimits::default(), shutdown).await;
    println!("orders received: {:?}", inbox.orders());
    Ok(())
}
