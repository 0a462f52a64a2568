//! A check's whole log, streamed from GitHub.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;

use crate::api::{Api, LogPart, LogText, TAILS};
use crate::http::server::{HttpError, Named, Params};

/// `GET /v1/pulls/{owner}/{repo}/{number}/checks/{id}/log`: as clean text, without colours and timestamps. `id` is a
/// check's `id` or its name.
///
/// `step` wants the steps whose name holds it, `grep` the lines that hold it, `tail` the last so many lines.
/// `X-Log-Truncated: true` where it is known beforehand that a limit cuts it.
#[utoipa::path(get, path = "/pulls/{owner}/{repo}/{number}/checks/{id}/log", operation_id = "getCheckLog", tag = "pulls", params(("owner" = String, Path), ("repo" = String, Path), ("number" = i64, Path), ("id" = String, Path), ("step" = Option<String>, Query), ("grep" = Option<String>, Query), ("tail" = Option<i64>, Query, minimum = 1, maximum = 10000)), responses((status = 200, description = "the log", body = String, content_type = "text/plain")))]
pub(in crate::http) async fn log(
    State(api): State<Arc<Api>>,
    Named((owner, repo, number, check)): Named<(String, String, i64, String)>,
    query: RawQuery,
) -> Result<Response, HttpError> {
    let params = Params::read(&query, &["step", "grep", "tail"])?;
    let tail = params.number("tail", &TAILS)?;
    let part = LogPart::new(params.text("step")?, params.text("grep")?, tail)?;
    let LogText { truncated, pieces } =
        api.check_log(format!("{owner}/{repo}"), number, &check, part).await?;
    let mut response = Body::new(Pieces(pieces)).into_response();
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    if truncated {
        let name = HeaderName::from_static("x-log-truncated");
        headers.insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A body that is made while it is read.
struct Pieces(mpsc::Receiver<Result<Bytes, String>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| Some(piece?.map(Frame::data).map_err(io::Error::other)))
    }
}
