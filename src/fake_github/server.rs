//! The two hosts: the API with its pages, and the other host, where logs are and redirects lead to.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::auth::Caller;
use super::body::{Body, Paced, full};
use super::hub::{Hub, Seen, locked};
use super::logs::LogBody;
use super::pipeline;
use super::state::JobLog;

/// Which of the two hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    Api,
    Other,
}

/// A listener on a free port of loopback, or on this one.
pub(super) async fn listen(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// Serves until it is dropped.
pub(super) async fn serve(hub: Arc<Hub>, listener: TcpListener, host: Host) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else { continue };
        if locked(&hub.faults).turns_away() {
            continue;
        }
        let hub = Arc::clone(&hub);
        connections.spawn(async move {
            let service = service_fn(|request| {
                let hub = Arc::clone(&hub);
                async move {
                    match host {
                        Host::Api => pipeline::answer(&hub, request).await,
                        Host::Other => other_host(&hub, request).await,
                    }
                }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new());
            // A client that goes away, or that is hung up on, is none of our business.
            let served = builder.serve_connection(TokioIo::new(stream), service).await;
            drop(served);
        });
    }
}

/// Logs, by the address that the API redirects to. Whoever comes with credentials is refused, and seen.
async fn other_host(
    hub: &Hub,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::io::Error> {
    let credentials = request.headers().contains_key("authorization");
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let (status, body) = if credentials {
        (400, full("<Error><Code>InvalidAuthenticationInfo</Code></Error>"))
    } else {
        log(hub, &path)
    };
    locked(&hub.seen).push(Seen {
        at: hub.now(),
        method: request.method().to_string(),
        path,
        caller: Caller::Nobody,
        credentials,
        conditional: false,
        inside_penalty: false,
        status,
        other_host: true,
        points: 0,
    });
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response
        .headers_mut()
        .insert("content-type", "text/plain".parse().map_err(std::io::Error::other)?);
    Ok(response)
}

fn log(hub: &Hub, path: &str) -> (u16, Body) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let until = pairs.find(|(name, _)| name == "se").and_then(|(_, it)| it.parse::<i64>().ok());
    let numbers: Option<Vec<i64>> = path
        .strip_prefix("/logs/")
        .and_then(|rest| rest.split('/').map(|part| part.parse().ok()).collect());
    let Some([repo, job]) = numbers.as_deref() else {
        return (200, full("{}"));
    };
    if until.is_none_or(|until| until < hub.now().as_second()) {
        return (403, full("<Error><Code>AuthenticationFailed</Code></Error>"));
    }
    let state = locked(&hub.state);
    let found = state.repositories.get(repo).and_then(|repo| repo.jobs.get(job));
    match found.map(|job| &job.log) {
        Some(JobLog::Kept(log)) => {
            let fault = locked(&hub.faults).strike(path);
            let body = LogBody::new(log.clone()).map_err(|never| match never {}).boxed();
            match fault.map(|fault| Paced::of(fault, body)) {
                Some(Ok(body)) => (200, body),
                Some(Err((status, body))) => (status, body),
                None => {
                    let body = LogBody::new(log.clone()).map_err(|never| match never {});
                    (200, body.boxed())
                }
            }
        }
        Some(JobLog::Missing | JobLog::Expired) | None => {
            (404, full("<Error><Code>BlobNotFound</Code></Error>"))
        }
    }
}
