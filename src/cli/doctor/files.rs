//! The files: the API token, the database, the disk below them, and how many may be open.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

use super::findings::Findings;
use crate::cli::output::bytes;
use crate::cli::table::age;
use crate::config::InspectedSettings;
use crate::domain::Timestamp;
use crate::http::{Files, Limits};
use crate::store::inspect::{Inspection, inspect};

/// A log of writes above this was kept from being reused by a long read.
const LARGE_WAL: u64 = 256 * 1024 * 1024;
/// Below this much free space something fails soon, or at once.
const LITTLE_SPACE: u64 = 1024 * 1024 * 1024;
const NO_SPACE: u64 = 64 * 1024 * 1024;
/// A repository that is worked on sends something within this.
const QUIET_SECONDS: i64 = 7 * 24 * 60 * 60;

pub(super) fn token(findings: &mut Findings, inspection: &InspectedSettings, given: bool) {
    const CHECK: &str = "token";
    if given {
        return findings.fine(CHECK, "the API token is given with --token");
    }
    if let Some(place) = inspection.token_place() {
        return findings.fine(CHECK, format!("the API token is set: {place}"));
    }
    let settings = &inspection.settings;
    let file = settings.token_file();
    let shown = file.display();
    let mode = match std::fs::metadata(&file) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mend = "`nudged serve` makes one at its start";
            return findings.doubtful(CHECK, format!("there is no API token yet in {shown}"), mend);
        }
        Err(error) => {
            let mend = "run doctor as the user that serves";
            return findings.broken(CHECK, format!("{shown} cannot be read: {error}"), mend);
        }
    };
    if let Err(error) = settings.token_for_client() {
        let mend = format!("as its owner: rm {shown}; `nudged serve` makes a new one");
        findings.broken(CHECK, error.to_string(), mend);
    } else if mode & 0o077 != 0 {
        let message = format!("others may read the API token: {shown} has mode {mode:04o}");
        findings.broken(CHECK, message, format!("chmod 600 {shown}"));
    } else {
        findings.fine(CHECK, format!("the API token is in {shown}, mode {mode:04o}"));
    }
}

pub(super) async fn database(findings: &mut Findings, db: &Path) -> anyhow::Result<()> {
    const CHECK: &str = "database";
    let shown = db.display();
    if !db.exists() {
        let mend = "`nudged serve` makes it; if there should be one, say with --db where it is";
        findings.doubtful(CHECK, format!("there is no database {shown} yet"), mend);
        return Ok(());
    }
    let path = db.to_owned();
    let inspection = tokio::task::spawn_blocking(move || inspect(&path))
        .await
        .context("the look at the database died")?;
    let inspection = match inspection {
        Ok(inspection) => inspection,
        Err(error) => {
            let mend = "the message says what to do; a damaged file is replaced by a backup";
            findings.broken(CHECK, error.to_string(), mend);
            return Ok(());
        }
    };
    let size = std::fs::metadata(db).map(|file| file.len()).unwrap_or(0);
    let (schema, newest) = inspection.schema;
    match &inspection.damage {
        Some(damage) => {
            let mend =
                "stop the server and serve the newest backup; keep this file for a look at it";
            findings.broken(CHECK, format!("{shown} is damaged: {damage}"), mend);
        }
        None if schema < newest => {
            let message = format!("{shown} is whole, but its schema is {schema} of {newest}");
            let mend = "`nudged serve` brings it up to date at its start; make a backup first";
            findings.doubtful(CHECK, message, mend);
        }
        None => {
            findings.fine(CHECK, format!("{shown} is whole: {}, schema {schema}", bytes(size)));
        }
    }
    if inspection.wal > LARGE_WAL {
        let message = format!("its log of writes has grown to {}", bytes(inspection.wal));
        let mend = "some program reads the file for very long; end it, or restart the server";
        findings.doubtful("wal", message, mend);
    } else {
        findings.fine("wal", format!("its log of writes is small: {}", bytes(inspection.wal)));
    }
    if inspection.damage.is_none() {
        deliveries(findings, &inspection, crate::clock::now());
    }
    Ok(())
}

fn deliveries(findings: &mut Findings, inspection: &Inspection, now: Timestamp) {
    const CHECK: &str = "deliveries";
    match inspection.last_delivery.map(|time| now.duration_since(time).as_secs()) {
        None => findings.doubtful(
            CHECK,
            "nothing has come in yet",
            "look at Recent Deliveries in the webhook settings at GitHub: the URL ends in \
             /webhooks/github",
        ),
        Some(seconds) if seconds < -60 => findings.doubtful(
            CHECK,
            format!("the last one came in the future, in {}", age(-seconds)),
            "set this machine's clock; NTP keeps it right",
        ),
        Some(seconds) if seconds > QUIET_SECONDS => findings.doubtful(
            CHECK,
            format!("the last one came {} ago", age(seconds)),
            "where there was work since, look at Recent Deliveries in the webhook settings at GitHub",
        ),
        Some(seconds) => findings.fine(CHECK, format!("the last one came {} ago", age(seconds))),
    }
    match inspection.quarantined {
        0 => findings.fine("quarantine", "every delivery was understood"),
        count => findings.doubtful(
            "quarantine",
            format!("deliveries that were not understood: {count}"),
            "`nudged deliveries --outcome quarantined` lists them with the reason; upgrade nudged, or \
             report them",
        ),
    }
}

pub(super) fn disk(findings: &mut Findings, db: &Path) {
    const CHECK: &str = "disk";
    let folder = match db.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let shown = folder.display();
    let free = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            let mend = "make the folder, or choose another one with --db";
            return findings.broken(CHECK, format!("cannot look at {shown}: {error}"), mend);
        }
    };
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() {
        let mend = "run doctor as the user that serves, or give that user the folder";
        return findings.broken(CHECK, format!("no files may be made in {shown}"), mend);
    }
    let message = format!("{} free in {shown}", bytes(free));
    let mend = "make room: without it deliveries are refused with 503";
    match free {
        ..NO_SPACE => findings.broken(CHECK, message, mend),
        NO_SPACE..LITTLE_SPACE => findings.doubtful(CHECK, message, mend),
        LITTLE_SPACE.. => findings.fine(CHECK, message),
    }
}

/// The limit of this shell; that of a service is in its unit.
pub(super) fn open_files(findings: &mut Findings) {
    const CHECK: &str = "files";
    let (full, most) = (Limits::default(), Files::look().most);
    let shown = most.map_or_else(|| "any number of".to_owned(), |most| most.to_string());
    let message = format!("a server started here may have {shown} open files");
    let connections = full.clone().fitting(most).connections;
    if connections < full.connections {
        let message = format!("{message}, so it takes {connections} connections at most");
        let needed = full.files();
        let mend = format!("raise the limit to {needed}: ulimit -Hn, or LimitNOFILE in the unit");
        return findings.doubtful(CHECK, message, mend);
    }
    findings.fine(CHECK, message);
}
