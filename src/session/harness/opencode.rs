//! opencode: its server's port and password, and the plugin that tells what it does.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use serde_json::{Value, json};

use super::{hooks, notes};
use crate::session::environment::Environment;

const CONFIG: &str = "OPENCODE_CONFIG_CONTENT";

/// A port of loopback that nobody listens at now.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// What opens its server: for this start alone.
pub(super) fn password() -> String {
    (0..4).map(|_| format!("{:08x}", rand::random::<u32>())).collect()
}

/// The arguments that open its server.
pub(super) fn arguments(port: u16) -> Vec<OsString> {
    ["--port".to_owned(), port.to_string(), "--hostname".to_owned(), "127.0.0.1".to_owned()]
        .map(OsString::from)
        .to_vec()
}

/// Writes the plugin, and names it in the settings that opencode reads from its environment, beside those that
/// stand there already.
pub(super) fn set_hooks(
    environment: &mut Environment,
    folder: &Path,
    nudged: &Path,
) -> io::Result<()> {
    let path = folder.join("opencode-plugin.js");
    notes::replace(&path, hooks::opencode(nudged).as_bytes(), 0o600)?;
    let known = environment.get(CONFIG).map(|text| text.to_string_lossy().into_owned());
    let mut config: Value = match known.as_deref() {
        Some(text) if !text.trim().is_empty() => serde_json::from_str(text)?,
        _ => json!({}),
    };
    let object = config.as_object_mut().ok_or(io::ErrorKind::InvalidData)?;
    let plugins = object.entry("plugin").or_insert_with(|| json!([]));
    let plugins = plugins.as_array_mut().ok_or(io::ErrorKind::InvalidData)?;
    plugins.push(Value::from(format!("file://{}", path.display())));
    environment.set(CONFIG, config.to_string());
    Ok(())
}
