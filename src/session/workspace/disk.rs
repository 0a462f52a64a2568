//! How much disk a folder takes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Counts blocks, as `du` does; links are not followed, and what cannot be read counts nothing. A file with several
/// names counts once for each.
pub(super) async fn used(folder: PathBuf) -> u64 {
    tokio::task::spawn_blocking(move || count(folder)).await.unwrap_or(0)
}

fn count(folder: PathBuf) -> u64 {
    let (mut folders, mut bytes) = (vec![folder], 0_u64);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            // Of the entry itself, never of what a link points to.
            let Ok(found) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(found.blocks().saturating_mul(512));
            if found.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bytes
}
