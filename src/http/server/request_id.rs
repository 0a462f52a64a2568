//! A name for each request that may change something: its answer, its changes and the log bear it.

use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Of a path, the characters that are logged.
const LONGEST_PATH: usize = 200;

/// The server's name for a request; its changes bear it as their cause.
#[derive(Debug, Clone)]
pub(in crate::http) struct RequestId(pub(in crate::http) String);

/// Names each request that may change something.
pub(in crate::http) async fn name_request(mut request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let id = format!("{:012x}", rand::random::<u64>() >> 16);
    // The whole path, of which the router has cut off the beginning; whoever asks for a long one fills no log.
    let uri =
        request.extensions().get::<OriginalUri>().map_or(request.uri(), |OriginalUri(uri)| uri);
    let path: String = uri.path().chars().take(LONGEST_PATH).collect();
    let span = tracing::info_span!("request", id, method = %request.method(), path);
    request.extensions_mut().insert(RequestId(id.clone()));
    let answer = async {
        let answer = next.run(request).await;
        tracing::info!(status = answer.status().as_u16(), "answered");
        answer
    };
    let mut answer = answer.instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}
