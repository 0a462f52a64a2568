//! The composition root: settings in, a running server out. Everything is wired here and nowhere else.

mod agents;
mod github;
mod metrics;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{NotifyFormat, Secret, Settings, SigningSecret, TokenSource};
use crate::engine::{Engine, Retention};
use crate::github::webhook::signature::Secrets;
use crate::http::{self, ApiToken, AppState, Limits};
use crate::lifecycle::Policy;
use crate::outbox::{self, DeliverNudge, LookAgain, NotifyHuman, Outbox, Performer, Receiver};
use crate::session::Manager;
use crate::store::{ServerLock, Store};
pub use agents::socket;
pub use github::GithubWork;

/// A server at work. Dropping it does not stop it; [`Running::stop`] does.
pub struct Running {
    /// Where it listens, with the port it got.
    pub addr: SocketAddr,
    /// What its API wants as bearer token.
    pub token: Secret,
    /// Where the token came from.
    pub token_source: TokenSource,
    /// The engine behind it.
    pub engine: Engine,
    /// What performs tasks: telling the human, where an address is set.
    pub outbox: Outbox,
    /// What asks GitHub, where there are App credentials.
    pub github: Option<GithubWork>,
    shutdown: watch::Sender<bool>,
    done: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Takes nothing new, finishes what was accepted, and lets go of the database.
    pub async fn stop(self) -> anyhow::Result<()> {
        // No receiver is left only when the server has ended by itself.
        let _ = self.shutdown.send(true);
        self.done.await.context("the server's task died")?
    }

    /// Ends when the server ends by itself, which it should not; the reason.
    pub async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.done).await {
            Ok(Ok(())) => anyhow::anyhow!("the server ended unasked"),
            Ok(Err(error)) => error,
            Err(error) => anyhow::Error::new(error).context("the server's task died"),
        }
    }
}

/// Opens the store under its lock, starts the engine, and serves.
///
/// # Errors
/// A setting is missing, the database is not usable or already served, or the address is taken.
pub async fn start(settings: &Settings, clock: Clock) -> anyhow::Result<Running> {
    start_within(settings, clock, Limits::default()).await
}

/// The same with other limits.
///
/// # Errors
/// As [`start`].
pub async fn start_within(
    settings: &Settings,
    clock: Clock,
    limits: Limits,
) -> anyhow::Result<Running> {
    let secrets = settings.required_webhook_secrets()?;
    let secrets = Secrets::new(secrets.iter().map(Secret::expose))?;
    let lock = ServerLock::take(&settings.db, &holder(settings.listen))?;
    // Under the lock: what comes to be from now on is made by this start.
    let mut made = vec![settings.token_file(), settings.notify_secret_file()];
    made.retain(|file| !file.exists());
    agents::check(settings)?;
    let foundation = match lay(settings, clock.clone(), &lock).await {
        Ok(foundation) => foundation,
        Err(error) => {
            lock.abandon(&made);
            return Err(error);
        }
    };
    let Foundation { listener, addr, store, engine, token, token_source, receiver, github } =
        foundation;

    let recorder = metrics::METRICS.clone();
    let (shutdown, stopping) = watch::channel(false);
    let end = shutdown.clone();
    let api_token = ApiToken::new(token.expose()).context("the API token is empty")?;
    let notifies = receiver.map(|to| {
        let (store, clock) = (store.clone(), clock.clone());
        Arc::new(NotifyHuman::new(store, clock, to)) as Arc<dyn Performer>
    });
    // Where the clock stands still, nothing happens by itself.
    let manager = match clock.runs() {
        true => agents::manager(settings, addr, &store, &engine, &clock, &stopping),
        false => None,
    };
    let asks = github.iter().flat_map(|github| github.performers(&clock, &stopping));
    let mut performers: Vec<_> = notifies.into_iter().chain(asks).collect();
    if let Some(manager) = &manager {
        performers.push(Arc::new(DeliverNudge(manager.clone())) as Arc<dyn Performer>);
        performers.push(Arc::new(LookAgain(manager.clone())));
    }
    let outbox =
        Outbox::new(store.clone(), engine.clone(), clock.clone(), performers, stopping.clone());
    let router = http::router(AppState {
        store,
        engine: engine.clone(),
        agents: manager.as_ref().map(Manager::agents),
        clock: clock.clone(),
        secrets,
        token: api_token,
        metrics: recorder.clone(),
        limits: limits.clone(),
        shutdown: stopping.clone(),
        github: github.as_ref().map(GithubWork::door),
    });
    let asking = github.clone().filter(|_| clock.runs());
    let every = settings.reconcile_every;
    let working = engine.clone();
    let performing = clock.runs().then(|| outbox.clone());
    let done = tokio::spawn(async move {
        let performing = async {
            let ended = match performing {
                Some(outbox) => outbox.run().await,
                None => Ok(()),
            };
            if ended.is_err() {
                // Where nobody is told anything any more, the rest must not go on looking well.
                end.send_replace(true);
            }
            ended
        };
        let failing = async {
            let mut stopping = stopping.clone();
            tokio::select! {
                _ = working.failed() => {
                    end.send_replace(true);
                }
                _ = stopping.wait_for(|down| *down) => {}
            }
        };
        let asking = async {
            let Some(asking) = asking else { return };
            if let Err(error) = asking.run(every, stopping.clone()).await {
                tracing::error!(error = format!("{error:#}"), "GitHub is asked nothing any more");
                end.send_replace(true);
            }
        };
        let counting = metrics::keep_up(recorder, stopping.clone());
        let managing = async {
            if let Some(manager) = manager {
                manager.run().await;
            }
        };
        let beside = async {
            tokio::join!(asking, managing);
        };
        let serving = http::serve(listener, router, &limits, stopping.clone());
        let ((), performed, (), (), ()) =
            tokio::join!(serving, performing, counting, failing, beside);
        // Whatever was accepted is answered; now the writer may finish and let go of the file.
        working.close().await;
        drop(lock);
        if let Some(reason) = working.failure() {
            return Err(anyhow::Error::msg(reason).context("the engine has failed"));
        }
        performed.context("the runner of tasks died")
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        address = %addr,
        database = %settings.db.display(),
        "the server has started"
    );
    warn_of_weakness(settings, addr);
    Ok(Running { addr, token, token_source, engine, outbox, github, shutdown, done })
}

/// Beyond this machine anybody may try secrets.
fn warn_of_weakness(settings: &Settings, addr: SocketAddr) {
    if addr.ip().to_canonical().is_loopback() {
        return;
    }
    let secrets = settings.webhook_secrets.iter().map(|secret| ("NUDGED_WEBHOOK_SECRET", secret));
    let tokens = settings.api_token.iter().map(|token| ("NUDGED_API_TOKEN", token));
    for (setting, secret) in secrets.chain(tokens) {
        if let Some(weakness) = secret.weakness() {
            tracing::warn!(
                setting,
                address = %addr,
                "it {weakness}, and others reach this address: make one with `openssl rand -hex 32`"
            );
        }
    }
}

fn holder(addr: SocketAddr) -> String {
    format!("process {} at {addr}", std::process::id())
}

/// All that may fail, before anything runs.
struct Foundation {
    listener: TcpListener,
    addr: SocketAddr,
    store: Store,
    engine: Engine,
    token: Secret,
    token_source: TokenSource,
    receiver: Option<Receiver>,
    github: Option<GithubWork>,
}

async fn lay(settings: &Settings, clock: Clock, lock: &ServerLock) -> anyhow::Result<Foundation> {
    let (policy, retention) = (policy(settings)?, retention(settings)?);
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another address with --listen", settings.listen)
    })?;
    let addr = listener.local_addr()?;
    // Port 0 has become a port.
    lock.describe(&holder(addr)).context("cannot write the lock file")?;
    let (token, token_source) = settings.token_or_make()?;
    let receiver = receiver(settings)?;
    // Last: an open database cannot be let go of at once.
    let store = Store::open(&settings.db).await?;
    let engine = Engine::start(&store, policy, retention, clock.clone()).await?;
    let github = GithubWork::new(settings, &store, &engine, &clock)?;
    Ok(Foundation { listener, addr, store, engine, token, token_source, receiver, github })
}

/// Where nudges to the human go. The address itself is never shown: its path may be a secret.
///
/// # Errors
/// The address is none, or the secret to sign with cannot be read or kept.
pub fn receiver(settings: &Settings) -> anyhow::Result<Option<Receiver>> {
    let Some(url) = &settings.notify_url else { return Ok(None) };
    let slack = match settings.notify_format {
        NotifyFormat::Auto => outbox::is_slack(url.expose()),
        NotifyFormat::Standard => false,
        NotifyFormat::Slack => true,
    };
    let secret = if slack { None } else { Some(settings.notify_secret_or_make()?) };
    let key = secret.as_ref().map(SigningSecret::bytes);
    let receiver = Receiver::new(url.expose(), key, settings.notify_timeout)?;
    let made = settings.notify_secret.is_none() && !slack;
    let file = made.then(|| settings.notify_secret_file().display().to_string());
    tracing::info!(host = receiver.host(), slack, secret_file = file, "the human is told by POST");
    Ok(Some(receiver))
}

fn policy(settings: &Settings) -> anyhow::Result<Policy> {
    let settle =
        jiff::SignedDuration::try_from(settings.settle).context("the settle time is too long")?;
    let cancel_wait = jiff::SignedDuration::try_from(settings.cancel_wait)
        .context("the time to wait after something was cancelled is too long")?;
    let quiet_after = jiff::SignedDuration::try_from(settings.quiet_after)
        .context("the time after which a quiet agent is looked at is too long")?;
    Ok(Policy {
        settle,
        cancel_wait,
        quiet_after,
        adopt: settings.adopt,
        auto_register: settings.auto_register,
        notify: settings.notify_url.is_some(),
        github: settings.github_app.is_some(),
    })
}

fn retention(settings: &Settings) -> anyhow::Result<Retention> {
    let span = |time: Option<std::time::Duration>| {
        time.map(jiff::SignedDuration::try_from)
            .transpose()
            .context("the time of keeping is too long")
    };
    let (changes, deliveries) = (span(settings.retain_changes)?, span(settings.retain_deliveries)?);
    Ok(Retention { changes, deliveries })
}
