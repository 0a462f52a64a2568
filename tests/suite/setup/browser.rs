//! A person with a browser: presses buttons, follows redirects, sees no script.

use std::collections::BTreeMap;

use reqwest::header::{HOST, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

pub struct Browser(Client);

/// A page with a form.
pub struct Form {
    pub action: String,
    pub fields: BTreeMap<String, String>,
}

impl Browser {
    pub fn new() -> Self {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self(client.build().expect("a client"))
    }

    pub async fn send(&self, request: RequestBuilder) -> (StatusCode, String, String) {
        let answer: Response = request.send().await.expect("an answer");
        let to = answer.headers().get(LOCATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let (status, to) = (answer.status(), to.to_owned());
        (status, to, answer.text().await.expect("text"))
    }

    pub async fn open(&self, url: &str) -> (StatusCode, String, String) {
        self.send(self.0.get(url)).await
    }

    pub async fn open_as(&self, host: &str, url: &str) -> StatusCode {
        self.send(self.0.get(url).header(HOST, host)).await.0
    }

    pub async fn post(&self, url: &str) -> (StatusCode, String, String) {
        self.send(self.0.request(Method::POST, url)).await
    }

    /// Opens a page and reads its form.
    pub async fn form(&self, url: &str) -> Form {
        let (status, _, html) = self.open(url).await;
        assert_eq!(status, StatusCode::OK, "{html}");
        let attribute = |tag: &str, name: &str| {
            let rest = &html[html.find(tag).expect("a tag")..];
            let rest = rest.split_once(&format!("{name}=\"")).expect("an attribute").1;
            unescaped(rest.split_once('"').expect("its end").0)
        };
        let fields = [("manifest".to_owned(), attribute("<input", "value"))];
        Form { action: attribute("<form", "action"), fields: fields.into() }
    }

    /// Presses the form's button; where GitHub sends the browser.
    pub async fn press(&self, form: &Form) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&form.fields);
        let request = self.0.post(&form.action).body(body.finish());
        let (status, to, text) = self.send(request).await;
        assert_eq!(status, StatusCode::FOUND, "{text}");
        to
    }
}

impl Form {
    pub fn manifest(&self) -> Value {
        serde_json::from_str(&self.fields["manifest"]).expect("JSON")
    }
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}
