//! The daemon: everything that can fail is tried first, then calls are answered.

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::Timestamp;
use qcc_callback::{
    AccessLog, CallbackService, Guards, Paths, Probe, RateLimit, Receiver, ServerLimits,
};
use qcc_http::AnyTransport;
use qcc_sync::{AccountExt as _, EngineError, Event, Follow, Observer, Report, Store, Wake};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
    time::timeout,
};

use super::{
    admin,
    calls::Calls,
    descriptors::{self, Shares},
    heartbeat,
    own_url::OwnUrl,
    random, renew,
    secret_key::SecretKeyRenewal,
    secret_path::{self, Secrets},
    settings::Settings,
    state::State,
    stop::{Asked, Signals, Stop, Stopper, stop},
    systemd::{self, Inherited},
    tally::Tally,
    tls::Certificate,
};
use crate::{
    app::App,
    exit::Exit,
    wiring::{self, Works},
};

/// A shutdown takes no longer than this.
const GRACE: Duration = Duration::from_secs(10);

/// How long the engine may take to finish the current order.
const ENGINE_GRACE: Duration = Duration::from_secs(7);

/// The parts, put together and not yet at work.
pub(super) struct Daemon {
    settings: Settings,
    works: Arc<Works>,
    state: Arc<State>,
    service: CallbackService<Calls>,
    secrets: Secrets,
    wake: Wake,
    follow: Follow<OwnUrl>,
    calls: TcpListener,
    admin: Option<TcpListener>,
    certificate: Option<Arc<Certificate>>,
    secret_key: SecretKeyRenewal,
    hangup: Asked,
    user: Asked,
}

impl Daemon {
    /// Opens, binds and reads everything there is to open, bind and read.
    pub(super) async fn wire(
        app: &App,
        settings: Settings,
        inherited: Inherited,
    ) -> anyhow::Result<Self> {
        // First of all, so that a reload during the start does not end the process.
        let (hangup, user) = (Asked::hangup()?, Asked::user()?);
        let certificate = match settings.tls.clone() {
            Some((chain, key)) => Some(Arc::new(Certificate::load(chain, key)?)),
            None => None,
        };
        let works = Arc::new(wiring::engine(&app.config).await?);
        let store = Arc::clone(&works.store);
        store.expect_calls(Timestamp::now()).await?;

        let paths = Paths::new(&settings.path)?;
        let secrets =
            Secrets::new(Arc::clone(&store), paths.clone(), settings.secret_path.as_ref());
        secrets.refresh().await?;

        let errors = store.overview().await?.callbacks.errors.map_or(0, |errors| errors.in_a_row);
        let (tally, wake) = (Arc::new(Tally::new(errors)), Wake::new());
        let inbox = Calls::new(Arc::clone(&store), wake.clone(), Arc::clone(&tally));
        let receiver = Receiver::new(app.config.app_key()?).with_status_form(settings.form);
        let probe = Probe::new(random()?);
        let service = CallbackService::builder(receiver, inbox, paths)
            .guards(guards(&settings))
            .probe(probe.clone())
            .errors(errors)
            .observer((Arc::clone(&tally), AccessLog::default()))
            .build();

        let http = AnyTransport::new(wiring::api_transport(&app.config)?);
        let own_url = OwnUrl::new(settings.public_url.clone(), probe, http, secrets.clone());
        let mut follow = Follow::default().healing(own_url);
        follow.heal = settings.heal;
        follow.poll_interval = settings.poll_interval;
        follow.grace = ENGINE_GRACE;
        if let Some(patience) = settings.heal_after {
            follow.delivery.patience = patience;
        }
        let state = State::new(
            store,
            tally,
            settings.poll_interval,
            follow.delivery.clone(),
            works.worker.clone(),
        );

        let secret_key = SecretKeyRenewal::new(
            app.config.sources(),
            works.client.clone(),
            works.credentials.clone(),
            Arc::clone(&works.store),
            wake.clone(),
        );
        let calls =
            listener(inherited.callback, Some(settings.listen)).await.with_context(|| {
                cannot_listen("the vendor's calls", settings.listen, &settings.listen_setting)
            })?;
        let calls = calls.context("there is nothing to listen on")?;
        // `off` closes it, even if the service manager opened it.
        let passed = inherited.admin.filter(|_| settings.admin.is_some());
        let admin = listener(passed, settings.admin).await.with_context(|| {
            let address = settings.admin.map(|admin| admin.to_string()).unwrap_or_default();
            cannot_listen("health and metrics", address, &settings.admin_setting)
        })?;
        let state = Arc::new(state);
        Ok(Self {
            settings,
            works,
            state,
            service,
            secrets,
            wake,
            follow,
            calls,
            admin,
            certificate,
            secret_key,
            hangup,
            user,
        })
    }

    /// Answers, polls and applies until it is told to stop or cannot continue.
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let mut signals = Signals::listen()?;
        self.announce()?;
        let (stopper, stop) = stop();
        let mut parts = self.start(&stop);
        systemd::ready();
        let first = tokio::select! {
            () = signals.next() => None,
            ended = parts.join_next() => ended,
        };
        systemd::stopping();
        wind_up(parts, first, &stopper, &mut signals).await
    }

    fn announce(&self) -> anyhow::Result<()> {
        let admin = self.admin.as_ref().and_then(|admin| admin.local_addr().ok());
        tracing::info!(
            callback = %self.calls.local_addr()?,
            admin = admin.map(tracing::field::display),
            tls = self.certificate.is_some(),
            "listening"
        );
        Ok(())
    }

    /// Starts every part. No part ends before it is told to, unless it fails.
    fn start(self, stop: &Stop) -> JoinSet<Ended> {
        let Self { settings, works, state, service, secrets, wake, follow, .. } = self;
        let wanted = Shares { calls: settings.connections, admin: admin::CONNECTIONS };
        let shares = descriptors::share(wanted);
        let tally = Arc::clone(&state.tally);
        let renewed = renew::renew(
            self.certificate.clone(),
            self.secret_key,
            Arc::clone(&tally),
            self.hangup,
            stop.clone(),
        );
        let ears = Arc::new(Ears { tally, service: service.clone() });
        let mut parts = JoinSet::new();
        if let Some(admin) = self.admin {
            let state = Arc::clone(&state);
            parts.spawn(well(admin::serve(admin, shares.admin, state, stop.clone())));
        }
        parts.spawn(well(heartbeat::beat(
            Arc::clone(&works),
            Arc::clone(&state),
            service.clone(),
            stop.clone(),
        )));
        parts.spawn(well(renewed));
        let limits = limits(&settings, shares);
        parts.spawn(well(receive(self.calls, self.certificate, service, limits, stop.clone())));
        let path = secret_path::keep(
            Arc::clone(&works),
            secrets,
            settings.secret_path,
            self.user,
            Arc::clone(&ears) as Arc<dyn Observer>,
            stop.clone(),
        );
        parts.spawn(well(path));
        let stop = stop.clone();
        parts.spawn(async move {
            let ended = works.engine.follow(&follow, &wake, stop.asked(), &*ears).await;
            state.engine_ended();
            ended
        });
        parts
    }
}

/// How a part ended.
type Ended = Result<(), EngineError>;

/// A part that has nothing to fail at.
async fn well(part: impl Future<Output = ()>) -> Ended {
    part.await;
    Ok(())
}

/// Gives the word to stop and waits for everybody, but not for ever.
async fn wind_up(
    mut parts: JoinSet<Ended>,
    first: Option<Result<Ended, JoinError>>,
    stopper: &Stopper,
    signals: &mut Signals,
) -> anyhow::Result<Exit> {
    let began = Instant::now();
    tracing::info!("stopping");
    stopper.stop();
    let mut outcome = match first {
        None => Ok(()),
        Some(Ok(Ok(()))) => {
            Err(anyhow::anyhow!("a part of the daemon ended by itself; this is a bug"))
        }
        Some(ended) => verdict(ended),
    };
    let all = async {
        while let Some(ended) = parts.join_next().await {
            if outcome.is_ok() {
                outcome = verdict(ended);
            }
        }
    };
    tokio::select! {
        ended = timeout(GRACE, all) => match ended {
            Ok(()) => {
                let took_ms = began.elapsed().as_millis();
                tracing::info!(took_ms, "stopped; the next start continues from here");
            }
            Err(_) => tracing::warn!("shutdown took too long; the next start continues the work"),
        },
        () = signals.next() => {
            tracing::warn!("second signal; the next start continues the work");
        }
    }
    outcome.map(|()| Exit::Done)
}

fn verdict(ended: Result<Ended, JoinError>) -> anyhow::Result<()> {
    Ok(ended.context("a part of the daemon failed; this is a bug")??)
}

/// Hears the engine for the counts, and for the vendor's count of our errors.
struct Ears {
    tally: Arc<Tally>,
    service: CallbackService<Calls>,
}

impl Observer for Ears {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Activated) {
            self.service.forget_errors();
        }
        self.tally.event(event);
    }

    fn round(&self, report: Report, failure: Option<EngineError>) {
        self.tally.round(report, failure);
    }
}

async fn receive(
    calls: TcpListener,
    certificate: Option<Arc<Certificate>>,
    service: CallbackService<Calls>,
    limits: ServerLimits,
    stop: Stop,
) {
    let Some(certificate) = certificate else {
        return qcc_callback::serve(calls, service, limits, stop.asked()).await;
    };
    let handshake = move |stream: TcpStream| certificate.acceptor().accept(stream);
    qcc_callback::serve_with(calls, handshake, service, limits, stop.asked()).await;
}

fn guards(settings: &Settings) -> Guards {
    let per_minute = settings.unknown_per_minute;
    let in_all = settings.unknown_per_minute_in_all;
    Guards::default()
        .with_sources(settings.sources.iter().copied())
        .with_proxies(settings.proxies.iter().copied())
        .with_unknown_orders(Some(RateLimit::new(per_minute, per_minute)))
        .with_unknown_orders_in_all(Some(RateLimit::new(in_all, in_all)))
}

fn limits(settings: &Settings, shares: Shares) -> ServerLimits {
    let mut limits = ServerLimits::default();
    limits.connections = shares.calls;
    limits.head = settings.header_timeout;
    limits.idle = settings.idle_timeout;
    limits
}

fn cannot_listen(what: &str, address: impl fmt::Display, setting: &str) -> String {
    format!(
        "cannot listen on {address} for {what}: stop the program that uses the address, or set \
         {setting} to another one"
    )
}

/// A socket that was passed on, else one bound here, else none.
async fn listener(
    passed: Option<TcpListener>,
    address: Option<SocketAddr>,
) -> io::Result<Option<TcpListener>> {
    let Some(address) = address.filter(|_| passed.is_none()) else { return Ok(passed) };
    TcpListener::bind(address).await.map(Some)
}
