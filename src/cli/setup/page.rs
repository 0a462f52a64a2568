//! The page that sends the browser to GitHub, and where GitHub sends it back to. On loopback, below a path that nobody
//! can guess, for as long as it takes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, REFERRER_POLICY,
    X_FRAME_OPTIONS,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::config::Secret;
use crate::github::api::Site;

/// A browser takes no longer to fetch an answer that is there.
const FETCHED: Duration = Duration::from_secs(2);

/// The browser came back from GitHub.
pub(super) struct Back {
    /// What the App is fetched with.
    pub(super) code: String,
    /// Where to send the browser, or what went wrong.
    pub(super) answer: oneshot::Sender<Result<String, String>>,
}

/// The page, while it is served.
pub(super) struct Page {
    address: String,
    shown: Arc<OnceLock<Shown>>,
    backs: mpsc::Receiver<Back>,
    said: mpsc::Receiver<()>,
    serving: JoinHandle<()>,
}

/// What is on it.
struct Shown {
    html: String,
    /// Where its form may go.
    web: String,
    state: Secret,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Page {
    /// Listens; nothing is shown yet.
    pub(super) async fn open(at: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).await.with_context(|| {
            format!("cannot listen on {at}; choose another address with --page")
        })?;
        let at = listener.local_addr()?;
        let path = format!("/{}", &Secret::random().expose()[..32]);
        let address = format!("http://{at}{path}");
        let shown = Arc::new(OnceLock::new());
        let (tell, backs) = mpsc::channel(1);
        let (say, said) = mpsc::channel(1);
        let desk = Desk { at, path, shown: Arc::clone(&shown), tell, say };
        let serving = tokio::spawn(serve(listener, Arc::new(desk)));
        Ok(Self { address, shown, backs, said, serving })
    }

    /// Where GitHub sends the browser back to.
    pub(super) fn back(&self) -> String {
        format!("{}/done", self.address)
    }

    /// Shows the form; where it is.
    pub(super) fn show(&self, site: &Site, form: &str, manifest: &str, state: Secret) -> String {
        let html = HTML
            .replace("{form}", &escaped(form))
            .replace("{site}", &escaped(&site.web))
            .replace("{manifest}", &escaped(manifest));
        // It is shown once only.
        let _ = self.shown.set(Shown { html, web: site.web.clone(), state });
        self.address.clone()
    }

    /// Waits until the browser comes back with a code and the right state.
    pub(super) async fn came_back(&mut self) -> anyhow::Result<Back> {
        self.backs.recv().await.context("the page has ended")
    }

    /// Waits until the last answer was given, for a moment.
    pub(super) async fn said(&mut self) {
        let _ = tokio::time::timeout(FETCHED, self.said.recv()).await;
    }
}

struct Desk {
    at: SocketAddr,
    path: String,
    shown: Arc<OnceLock<Shown>>,
    tell: mpsc::Sender<Back>,
    say: mpsc::Sender<()>,
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            // Set once this connection has carried a code.
            let carried = Arc::new(AtomicBool::new(false));
            let service = service_fn(|request| {
                let (desk, carried) = (Arc::clone(&desk), Arc::clone(&carried));
                async move { Ok::<_, Infallible>(desk.answer(request, &carried).await) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            http.keep_alive(false);
            // A browser that goes away has nothing to be told.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            if carried.load(Ordering::SeqCst) {
                let _ = desk.say.send(()).await;
            }
        });
    }
}

impl Desk {
    async fn answer(
        &self,
        request: Request<Incoming>,
        carried: &AtomicBool,
    ) -> Response<Full<Bytes>> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let port = self.at.port();
        let own = [self.at.to_string(), format!("localhost:{port}")];
        // Another name for this address is a stranger's page that reaches for ours.
        if !host.is_some_and(|host| own.iter().any(|it| it == host)) {
            return self.say(StatusCode::FORBIDDEN, "This page has another address.");
        }
        let Some(shown) = self.shown.get() else {
            return self.say(StatusCode::SERVICE_UNAVAILABLE, "In a moment.");
        };
        if request.method() != Method::GET {
            return self.say(StatusCode::METHOD_NOT_ALLOWED, "This is only to be read.");
        }
        match request.uri().path().strip_prefix(&self.path) {
            Some("" | "/") => self.html(StatusCode::OK, shown.html.clone()),
            Some("/done") => {
                self.done(shown, request.uri().query().unwrap_or_default(), carried).await
            }
            Some(_) | None => self.say(StatusCode::NOT_FOUND, "There is nothing here."),
        }
    }

    async fn done(
        &self,
        shown: &Shown,
        query: &str,
        carried: &AtomicBool,
    ) -> Response<Full<Bytes>> {
        let value = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let state = value("state").unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(shown.state.expose().as_bytes())) {
            let text = "This answer belongs to no question of ours: nothing was done. Begin at the page again.";
            return self.say(StatusCode::BAD_REQUEST, text);
        }
        let Some(code) = value("code").filter(|code| !code.is_empty()) else {
            return self.say(StatusCode::BAD_REQUEST, "GitHub sent no code: nothing was done.");
        };
        let (answer, told) = oneshot::channel();
        if self.tell.send(Back { code, answer }).await.is_err() {
            return self.say(StatusCode::GONE, "The set-up has ended.");
        }
        let told = told.await;
        carried.store(matches!(told, Ok(Ok(_))), Ordering::SeqCst);
        match told {
            Ok(Ok(install)) => {
                let mut response = self.say(StatusCode::SEE_OTHER, "Now install it.");
                if let Ok(install) = install.parse() {
                    response.headers_mut().insert(LOCATION, install);
                }
                response
            }
            Ok(Err(reason)) => self.say(StatusCode::BAD_GATEWAY, &reason),
            Err(_) => self.say(StatusCode::GONE, "The set-up has ended."),
        }
    }

    fn say(&self, status: StatusCode, text: &str) -> Response<Full<Bytes>> {
        let html = format!("<!DOCTYPE html><title>nudged</title><p>{}</p>", escaped(text));
        self.html(status, html)
    }

    fn html(&self, status: StatusCode, html: String) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(html));
        *response.status_mut() = status;
        let web = self.shown.get().map_or("'none'", |shown| &shown.web);
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action {web}"
        );
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (X_FRAME_OPTIONS, "DENY"),
            (CONTENT_SECURITY_POLICY, &policy),
        ] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
        response
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HTML: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>nudged: register the GitHub App</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 36em; margin: 4em auto; padding: 0 1em }
button { font: inherit; padding: .5em 1em }</style>
<h1>nudged</h1>
<p>This registers a GitHub App for your server at {site}. It reads pull requests, checks and logs; GitHub shows
all of its permissions before you agree, and lets you change its name.</p>
<form action="{form}" method="post">
<input type="hidden" name="manifest" value="{manifest}">
<button type="submit">Register the App at GitHub</button>
</form>
</html>
"#;
