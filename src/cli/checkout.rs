//! Which repository and branch the git checkout around us is of, as the git program says.

use std::path::PathBuf;
use std::process::Command;

use super::output::Misuse;

/// `owner/name` of the remote `origin`, or of the only one there is.
///
/// # Errors
/// This is no checkout, or nothing in it names a repository.
pub(super) fn repository() -> Result<String, Misuse> {
    let url = match git(&["remote", "get-url", "origin"]) {
        Ok(url) => url,
        Err(reason) => {
            let remotes = git(&["remote"]).unwrap_or_default();
            match remotes.lines().collect::<Vec<_>>().as_slice() {
                [only] => git(&["remote", "get-url", only]).map_err(|it| lacking("--repo", &it))?,
                _ => return Err(lacking("--repo OWNER/REPO", &reason)),
            }
        }
    };
    owner_and_name(&url).ok_or_else(|| {
        // An address may hold a password: it is not shown.
        lacking("--repo OWNER/REPO", "the address of its remote names no OWNER/REPO")
    })
}

/// The branch that is checked out, with or without a commit.
///
/// # Errors
/// This is no checkout, or no branch is checked out.
pub(super) fn branch() -> Result<String, Misuse> {
    git(&["symbolic-ref", "--short", "HEAD"]).map_err(|reason| lacking("--branch NAME", &reason))
}

/// The folder in which the checkout begins.
///
/// # Errors
/// This is no checkout.
pub(super) fn top() -> Result<PathBuf, Misuse> {
    let none = |reason| Misuse(format!("this is no git checkout ({reason})"));
    git(&["rev-parse", "--show-toplevel"]).map(PathBuf::from).map_err(none)
}

fn lacking(flag: &str, reason: &str) -> Misuse {
    Misuse(format!("give {flag}: the git checkout here does not tell it ({reason})"))
}

/// What git answers, or what it complains of.
fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").args(arguments).output();
    let output = output.map_err(|error| format!("git cannot be run: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match text(&output.stdout) {
        answer if output.status.success() && !answer.is_empty() => Ok(answer),
        _ => Err(match text(&output.stderr) {
            said if said.is_empty() => format!("git {} says nothing", arguments.join(" ")),
            said => said,
        }),
    }
}

/// `owner/name` of a remote's address: an URL, or `HOST:PATH` as for scp, of whatever host.
/// <https://git-scm.com/docs/git-clone#_git_urls>
fn owner_and_name(address: &str) -> Option<String> {
    let address = address.trim();
    let path = match address.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        // A slash before the first colon makes it a path.
        None => match address.split_once(':') {
            Some((host, path)) if !host.contains('/') => path,
            _ => return None,
        },
    };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, name) = path.rsplit_once('/')?;
    let owner = owner.rsplit('/').next()?;
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    (plain(owner) && plain(name)).then(|| format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_remote_names_its_repository() {
        for address in [
            "https://github.com/octo/rocket.git",
            "https://github.com/octo/rocket",
            "https://github.com/octo/rocket/",
            "https://me:secret@github.example.com/octo/rocket.git",
            "https://ghe.example:8443/octo/rocket.git",
            "http://127.0.0.1:4000/git/octo/rocket",
            "ssh://git@github.com/octo/rocket.git",
            "ssh://git@ssh.github.com:443/octo/rocket.git",
            "git://github.com/octo/rocket.git",
            "git@github.com:octo/rocket.git",
            "org-1234@github.com:octo/rocket.git",
            "work:octo/rocket",
            "git@ghe.example:/octo/rocket.git\n",
        ] {
            assert_eq!(owner_and_name(address).as_deref(), Some("octo/rocket"), "{address}");
        }
        assert_eq!(owner_and_name("git@h:o/r.s.git").as_deref(), Some("o/r.s"));
        for address in [
            "",
            "/srv/git/rocket.git",
            "../rocket",
            "file:///srv/octo/rocket.git",
            "https://h/rocket",
            "h:rocket",
            "./a:b/c/d",
        ] {
            assert_eq!(owner_and_name(address), None, "{address}");
        }
    }
}
