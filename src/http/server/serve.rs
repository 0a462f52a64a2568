//! Connections: accepted up to a cap, given up on when silent, finished when the server ends.
//!
//! HTTP/1.1 alone: one connection is one request at a time, so the cap bounds everything, and a reader
//! that does not read is cut off with its connection. An HTTP/2 stream whose window is closed would
//! hear of nothing, and whoever kept its connection alive could leave any number of them behind.
//! Proxies speak HTTP/2 to the outside and HTTP/1.1 to us.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use super::limits::Limits;
use super::linger::Lingering;

/// What one connection reads ahead.
const BUFFER: usize = 64 * 1024;

/// After `accept` failed (no file handles left, say), before it is tried again.
const BREATH: Duration = Duration::from_millis(100);

/// Ends the connection of the request that carries it, whatever waits to be written there.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Hangup(Arc<Notify>);

impl Hangup {
    pub(in crate::http) fn now(&self) {
        self.0.notify_one();
    }
}

/// Serves until `shutdown` becomes `true` (or its sender is gone), then takes no new connections,
/// finishes the requests that were accepted within [`Limits::finish_within`], and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    mut shutdown: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let builder = builder(limits);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            _ = shutdown.wait_for(|down| *down) => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let (builder, router) = (builder.clone(), router.clone());
                let (watcher, limits) = (graceful.watcher(), limits.clone());
                connections.spawn(async move {
                    connection(stream, &builder, router, watcher, &limits).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.finish_within, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and are cut off");
    }
    connections.shutdown().await;
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_within)
        .max_buf_size(BUFFER);
    builder
}

async fn connection(
    stream: TcpStream,
    builder: &Builder,
    router: Router,
    watcher: Watcher,
    limits: &Limits,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let linger = Arc::new(AtomicBool::new(false));
    let asked = AtomicBool::new(false);
    // Twice: readers of the event stream are cut off, and counted, before their connection is.
    let patience = limits.stalled_within * 2;
    let stream = TokioIo::new(Lingering::new(stream, Arc::clone(&linger), patience));
    let routes = TowerToHyperService::new(router);
    let hangup = Hangup::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(hangup.clone());
        let (answer, linger) = (routes.call(request), Arc::clone(&linger));
        async move {
            let answer = answer.await?;
            if answer.headers().contains_key(header::CONNECTION) {
                linger.store(true, Ordering::Relaxed);
            }
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut served = pin!(watcher.watch(builder.serve_connection(stream, service)));
    // Whoever opens a connection and asks nothing is given up; the builder's own timeout may start
    // only with the first bytes.
    let done = tokio::select! {
        result = served.as_mut() => Some(result),
        () = hangup.0.notified() => return,
        () = tokio::time::sleep(limits.headers_within) => None,
    };
    let result = match done {
        Some(result) => result,
        None if asked.load(Ordering::Relaxed) => tokio::select! {
            result = served.as_mut() => result,
            () = hangup.0.notified() => return,
        },
        None => return,
    };
    if let Err(error) = result {
        tracing::debug!(error = %error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream as Client};

    use axum::routing::get;

    use super::*;

    /// Asks, and returns the open connection once the answer has come.
    fn ask(server: SocketAddr) -> std::io::Result<Client> {
        let mut client = Client::connect(server)?;
        client.set_read_timeout(Some(Duration::from_millis(300)))?;
        client.write_all(b"GET / HTTP/1.1\r\nHost: nudged\r\n\r\n")?;
        let mut answer = [0; 256];
        let length = client.read(&mut answer)?;
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
        Ok(client)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_asks_and_does_not_read_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let patience = Duration::from_millis(300);
        let limits = Limits { connections: 1, stalled_within: patience, ..Limits::default() };
        let router = Router::new()
            .route("/", get(async || "here"))
            .route("/large", get(async || vec![b'x'; 32 * 1024 * 1024]));
        tokio::spawn(async move { serve(listener, router, &limits, stopped).await });
        let asking = tokio::task::spawn_blocking(move || {
            let mut deaf = Client::connect(server).unwrap();
            deaf.write_all(b"GET /large HTTP/1.1\r\nHost: nudged\r\n\r\n").unwrap();
            // Its place is the only one.
            let began = std::time::Instant::now();
            while ask(server).is_err() {
                assert!(began.elapsed() < Duration::from_secs(20), "its place is never given up");
            }
            let mut rest = Vec::new();
            let end = deaf.read_to_end(&mut rest);
            assert!(end.is_err() || rest.len() < 32 * 1024 * 1024, "it got everything");
        });
        asking.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn connections_beyond_the_cap_wait_and_shutdown_does_not_wait_for_the_idle() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let limits = Limits { connections: 2, ..Limits::default() };
        let router = Router::new().route("/", get(async || "here"));
        let serving = tokio::spawn(async move { serve(listener, router, &limits, stopped).await });
        let idle = tokio::task::spawn_blocking(move || {
            let (first, second) = (ask(server).unwrap(), ask(server).unwrap());
            assert!(ask(server).is_err(), "the third waits");
            drop(first);
            (second, ask(server).unwrap())
        });
        let _idle = idle.await.unwrap();
        stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    }
}
