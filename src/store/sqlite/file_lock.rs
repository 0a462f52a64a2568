//! Locks on files (flock(2)): each is on the file that the name stands for, and says who has it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Symbolic links that lead to a file, at most, as Linux has it.
const MOST_LINKS: usize = 40;

/// The one path of a file, whatever symbolic links lead there. The file itself need not exist.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match path.canonicalize() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            known => return known,
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        match (std::fs::read_link(&path), path.file_name()) {
            (Ok(target), _) => path = folder.join(target),
            (Err(_), Some(name)) => return Ok(folder.canonicalize()?.join(name)),
            (Err(error), None) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A lock file, made where there is none.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)
}

/// Which file it is, whatever its name.
pub(super) fn identity(file: &std::fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Whether the path still names the file: who made it may have removed it between opening and locking.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(there) => Ok(identity(&there) == identity(&file.metadata()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes into a lock file who has it.
pub(super) fn describe(mut file: &File, holder: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{holder}")?;
    file.flush()
}

/// Who has the lock of a lock file: what it wrote, or else what the system knows.
pub(super) fn described(mut file: &File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.take(1_000).read_to_string(&mut text)?;
    match text.trim() {
        "" => Ok(holder(&file.metadata()?).unwrap_or_else(|| UNSEEN.to_owned())),
        text => Ok(text.to_owned()),
    }
}

/// How often the list of locks is read.
const LOOKS: usize = 8;

const UNSEEN: &str = "a process that cannot be seen from here";

/// The process that has a lock on the whole file, as Linux lists it (proc_locks(5)); `None` where none is
/// known.
pub(super) fn holder(file: &std::fs::Metadata) -> Option<String> {
    // The list may lack lines while locks come and go.
    let pid = (0..LOOKS).find_map(|_| {
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| holder_in(line, file.ino()))
    })?;
    if pid <= 0 {
        return Some(UNSEEN.to_owned());
    }
    Some(match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("process {pid} ({})", name.trim()),
        Err(_) => format!("process {pid}"),
    })
}

/// The process of a line such as `7: FLOCK  ADVISORY  WRITE 4321 fe:01:1234 0 EOF`, if it is about the
/// inode. Devices are not compared: layered file systems number them otherwise there.
fn holder_in(line: &str, inode: u64) -> Option<i64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    // Who waits for the lock stands there too, behind an arrow.
    let [_, "FLOCK", _, _, pid, place, ..] = words.as_slice() else { return None };
    let (_, found) = place.rsplit_once(':')?;
    (found.parse() == Ok(inode)).then(|| pid.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_among_all_locks() {
        let line = "7: FLOCK  ADVISORY  WRITE 4321 fe:01:1234 0 EOF";
        assert_eq!(holder_in(line, 1_234), Some(4_321));
        assert_eq!(holder_in(line, 34), None);
        assert_eq!(holder_in("8: POSIX  ADVISORY  WRITE 4321 fe:01:1234 0 EOF", 1_234), None);
        assert_eq!(holder_in("7: -> FLOCK  ADVISORY  WRITE 99 fe:01:1234 0 EOF", 1_234), None);
        assert_eq!(holder_in("", 0), None);
    }

    #[test]
    fn a_path_is_one_whatever_links_lead_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().canonicalize().unwrap();
        let at = |name: &str| place.join(name);
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        std::os::unix::fs::symlink(at("link"), at("link-2")).unwrap();
        assert_eq!(real(&at("link-2")).unwrap(), at("file"), "not there yet");
        std::fs::write(at("file"), "").unwrap();
        assert_eq!(real(&at("link-2")).unwrap(), at("file"));
        std::os::unix::fs::symlink("ring", at("ring")).unwrap();
        assert!(real(&at("ring")).is_err());
    }
}
