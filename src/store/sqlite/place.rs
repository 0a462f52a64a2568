//! Where the served file is, and whether it still is there: what is written to a file that has lost its
//! name is lost with the process.

use std::path::{Path, PathBuf};

use super::file_lock::identity;
use super::open::beside;
use crate::store::Fault;

/// Below this much free space the disk counts as full.
const FULL: u64 = 1024 * 1024;

/// The database and its log of writes, as they were when they were opened.
#[derive(Debug, Clone)]
pub(super) struct Place {
    files: Vec<(PathBuf, (u64, u64))>,
}

impl Place {
    /// The files that are there now.
    ///
    /// # Errors
    /// There is no database.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let Self { mut files } = Self::of_database(path)?;
        let log = beside(path, "-wal");
        if let Ok(there) = std::fs::metadata(&log) {
            files.push((log, identity(&there)));
        }
        Ok(Self { files })
    }

    /// The database alone: its log of writes comes and goes while others open and close the same file.
    ///
    /// # Errors
    /// There is no database.
    pub(super) fn of_database(path: &Path) -> std::io::Result<Self> {
        Ok(Self { files: vec![(path.to_owned(), identity(&std::fs::metadata(path)?))] })
    }

    /// # Errors
    /// The database, or its log, is not there any more, or is another one.
    pub(super) fn check(&self) -> Result<(), Fault> {
        for (path, known) in &self.files {
            let what = match std::fs::metadata(path) {
                Ok(there) if identity(&there) == *known => continue,
                Ok(_) => "was replaced",
                Err(_) => "was removed",
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Err(Fault::Store(format!(
                "the file {name} {what} while it is served: put the one that was there back, or \
                 stop the server and start it again"
            )));
        }
        Ok(())
    }

    /// # Errors
    /// There is no space left on the disk.
    pub(super) fn room(&self) -> Result<(), Fault> {
        let folder = self.files.first().and_then(|(path, _)| path.parent());
        // Where that cannot be asked, writing will show it.
        let disk = folder.and_then(|folder| rustix::fs::statvfs(folder).ok());
        disk.map_or(Ok(()), |disk| enough(disk.f_bavail.saturating_mul(disk.f_frsize)))
    }
}

fn enough(free: u64) -> Result<(), Fault> {
    if free >= FULL {
        return Ok(());
    }
    Err(Fault::Store(format!("the disk of the database is full: {free} bytes are free; make room")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told() {
        assert!(enough(FULL).is_ok());
        let told = enough(4_096).unwrap_err().to_string();
        assert!(told.contains("full") && told.contains("4096"), "{told}");
    }

    #[test]
    fn a_file_is_known_by_what_it_is_and_not_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("n.db"), "1").unwrap();
        let place = Place::of(&at("n.db")).unwrap();
        std::fs::write(at("n.db"), "2").unwrap();
        assert!(place.check().is_ok());
        std::fs::rename(at("n.db"), at("away")).unwrap();
        assert!(place.check().unwrap_err().to_string().contains("removed"));
        std::fs::write(at("n.db"), "2").unwrap();
        assert!(place.check().unwrap_err().to_string().contains("replaced"));
        std::fs::rename(at("away"), at("n.db")).unwrap();
        assert!(place.check().is_ok());
    }
}
