//! What the machine can do at best: read the body, check the signature, answer.

use std::convert::Infallible;

use anyhow::Result;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpListener;

pub(super) async fn serve(secret: &'static str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    super::say(
        &serde_json::json!({"url": format!("http://{}", listener.local_addr()?)}).to_string(),
    );
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(secret, request));
            // The client closes when it has what it wants.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    secret: &str,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let signature = request
        .headers()
        .get("x-hub-signature-256")
        .and_then(|value| hex::decode(value.to_str().ok()?.strip_prefix("sha256=")?).ok());
    let trusted = match (request.into_body().collect().await, signature) {
        (Ok(body), Some(signature)) => Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|mac| mac.chain_update(body.to_bytes()).verify_slice(&signature).is_ok()),
        _ => false,
    };
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"outcome\":\"applied\"}")));
    if !trusted {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    Ok(response)
}
