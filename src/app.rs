//! The composition root: settings in, a running server out. Everything is wired here and nowhere else.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Secret, Settings, TokenSource};
use crate::store::{ServerLock, Store};

/// A server at work. Dropping it does not stop it; [`Running::stop`] does.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the port it got.
    pub addr: SocketAddr,
    /// What its API wants as bearer token.
    pub token: Secret,
    /// Where the token came from.
    pub token_source: TokenSource,
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
pub async fn start(settings: &Settings) -> anyhow::Result<Running> {
    settings.required_webhook_secrets()?;
    let store = Store::open(&settings.db).await?;
    let holder = format!("process {} at {}", std::process::id(), settings.listen);
    let lock = ServerLock::take(&settings.db, &holder)?;
    let (token, token_source) = settings.token_or_make()?;
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another address with --listen", settings.listen)
    })?;
    let addr = listener.local_addr()?;

    let (shutdown, mut stopping) = watch::channel(false);
    let done = tokio::spawn(async move {
        // The engine and the routes are started here.
        let _held = (store, lock, listener);
        let _ = stopping.wait_for(|stop| *stop).await;
        Ok(())
    });
    Ok(Running { addr, token, token_source, shutdown, done })
}
