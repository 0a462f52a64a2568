//! Worktrees in real repositories: made, found, made anew and given back, with nothing lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nudged::session::environment::Environment;
use nudged::session::workspace::{
    Branch, Found, Git, Returning, Setup, Wanted, Workspace, WorkspaceError, Worktrees,
};
use tempfile::TempDir;

struct Place {
    home: TempDir,
    worktrees: Worktrees,
}

fn environment() -> Environment {
    super::pane::environment()
        .with("GIT_CONFIG_COUNT", "3")
        .with("GIT_CONFIG_KEY_0", "protocol.file.allow")
        .with("GIT_CONFIG_VALUE_0", "always")
        .with("GIT_CONFIG_KEY_1", "user.name")
        .with("GIT_CONFIG_VALUE_1", "Mer")
        .with("GIT_CONFIG_KEY_2", "user.email")
        .with("GIT_CONFIG_VALUE_2", "mer@example.com")
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut git = Command::new("git");
    let said = git.env_clear().envs(environment().iter()).args(words).current_dir(folder).output();
    let said = said.expect("git");
    assert!(said.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).trim_end().to_owned()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

impl Place {
    /// A remote, and a clone of it with one commit on `main`, in a folder with an awkward name.
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        git(home.path(), &["init", "--quiet", "--bare", "-b", "main", "remote"]);
        let root = home.path().join("worktrees");
        let worktrees = Worktrees::within(&root, Git::new("git", environment())).expect("a root");
        let place = Self { home, worktrees };
        git(place.home.path(), &["clone", "--quiet", "remote", "it's a \"repo\""]);
        let repo = place.repo();
        git(&repo, &["checkout", "--quiet", "-b", "main"]);
        write(&repo.join("src/a.txt"), "one\n");
        write(&repo.join(".gitignore"), "*.env\nnode_modules/\n");
        place.commit(&repo, "first");
        git(&repo, &["push", "--quiet", "-u", "origin", "main"]);
        git(&repo, &["remote", "set-head", "origin", "main"]);
        place
    }

    fn repo(&self) -> PathBuf {
        self.home.path().join("it's a \"repo\"")
    }

    fn commit(&self, folder: &Path, message: &str) {
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "-m", message]);
    }

    fn wanted(&self, session: &str, name: &str) -> Wanted {
        Wanted {
            repository: self.repo(),
            project: "mer".to_owned(),
            session: session.to_owned(),
            name: name.to_owned(),
            branch: Branch::New { from: None },
        }
    }

    async fn made(&self) -> Workspace {
        self.worktrees.make(&self.wanted("mer-1", "fix/a-bug")).await.expect("a worktree").0
    }

    fn worktree_count(&self) -> usize {
        git(&self.repo(), &["worktree", "list"]).lines().count()
    }

    fn branches(&self) -> String {
        git(&self.repo(), &["for-each-ref", "--format=%(refname:short)", "refs/heads"])
    }
}

#[tokio::test]
async fn a_worktree_is_on_its_own_branch_and_locked() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    assert!(work.path.ends_with("worktrees/mer/mer-1"));
    assert_eq!(git(&work.path, &["branch", "--show-current"]), "fix/a-bug");
    assert_eq!(read(&work.path.join("src/a.txt")), "one\n");
    let list = git(&place.repo(), &["worktree", "list", "--porcelain"]);
    assert!(list.contains("locked nudged session mer-1"), "{list}");
    let upstream = git(&place.repo(), &["for-each-ref", "--format=%(upstream)", "refs/heads/fix"]);
    assert_eq!(upstream, "");
    write(&work.path.join(".nudged/nudge-1.md"), "x");
    write(&work.path.join(".claude/settings.local.json"), "{}");
    assert_eq!(git(&work.path, &["status", "--porcelain"]), "");
    assert_eq!(place.worktrees.find(&work).await.expect("an answer"), Found::There);
    assert!(place.worktrees.disk(&work).await > 0);
}

#[tokio::test]
async fn bad_wishes_are_refused_and_leave_nothing() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let plain = place.home.path().join("plain");
    fs::create_dir(&plain).expect("a folder");
    let mut wanted = place.wanted("mer-1", "b");
    for folder in [plain, place.home.path().join("nowhere"), PathBuf::from("relative")] {
        wanted.repository = folder;
        let error = place.worktrees.make(&wanted).await.expect_err("no repository");
        assert!(matches!(error, WorkspaceError::NotARepository(_)), "{error}");
    }
    for name in [
        "",
        "-x",
        "--help",
        "a b",
        "a\nb",
        "a..b",
        "a~b",
        "@{-1}",
        "-",
        "@",
        "HEAD",
        "a.lock",
        "x\u{1b}[31m",
    ] {
        let error = place.worktrees.make(&place.wanted("mer-1", name)).await.expect_err(name);
        assert!(matches!(error, WorkspaceError::BadBranch(_)), "{name:?}: {error}");
    }
    for session in ["../x", "a/b", "", "-x", "a b", "."] {
        let error = place.worktrees.make(&place.wanted(session, "b")).await.expect_err(session);
        assert!(matches!(error, WorkspaceError::BadName(_)), "{session:?}: {error}");
    }
    let there = place.worktrees.make(&place.wanted("mer-1", "main")).await.expect_err("in use");
    assert!(matches!(there, WorkspaceError::BranchInUse { .. }), "{there}");
    git(&place.repo(), &["branch", "old"]);
    let there = place.worktrees.make(&place.wanted("mer-1", "old")).await.expect_err("there");
    assert_eq!(there.to_string(), "the branch old is there already");
    let mut wanted = place.wanted("mer-1", "b");
    for from in ["no-such-commit", "--output=/tmp/x", "HEAD:src"] {
        wanted.branch = Branch::New { from: Some(from.to_owned()) };
        let error = place.worktrees.make(&wanted).await.expect_err(from);
        assert!(matches!(error, WorkspaceError::NoBase(_)), "{error}");
    }
    wanted.branch = Branch::Known;
    let error = place.worktrees.make(&wanted).await.expect_err("no branch");
    assert_eq!(error.to_string(), "there is no branch b");
    assert_eq!((place.worktree_count(), place.branches().as_str()), (1, "main\nold"));
}

#[tokio::test]
async fn names_with_quotes_are_safe_and_two_on_one_branch_refused() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let name = "it's/\"quoted\";$(id)";
    let (work, _) = place.worktrees.make(&place.wanted("mer-1", name)).await.expect("safe");
    assert_eq!(git(&work.path, &["branch", "--show-current"]), name);
    let mut second = place.wanted("mer-2", name);
    second.branch = Branch::Known;
    let error = place.worktrees.make(&second).await.expect_err("a second one");
    assert!(
        matches!(&error, WorkspaceError::BranchInUse { at, .. } if at.ends_with("mer-1")),
        "{error}"
    );
    let taken = place.worktrees.make(&place.wanted("mer-1", "other")).await.expect_err("taken");
    assert!(matches!(taken, WorkspaceError::PathTaken(_)), "{taken}");
}

#[tokio::test]
async fn a_failed_step_takes_everything_back() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    // The submodule's remote is gone.
    write(
        &place.repo().join(".gitmodules"),
        "[submodule \"s\"]\n\tpath = s\n\turl = /no/such/place\n",
    );
    let commit = git(&place.repo(), &["rev-parse", "HEAD"]);
    git(&place.repo(), &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},s")]);
    git(&place.repo(), &["add", ".gitmodules"]);
    git(&place.repo(), &["commit", "--quiet", "-m", "a submodule"]);
    let mut wanted = place.wanted("mer-1", "b");
    wanted.branch = Branch::New { from: Some("main".to_owned()) };
    let error = place.worktrees.make(&wanted).await.expect_err("no submodule").to_string();
    assert!(error.contains("/no/such/place"), "{error}");
    assert_eq!((place.worktree_count(), place.branches().as_str()), (1, "main"));
    assert!(!place.home.path().join("worktrees/mer/mer-1").exists());
    assert!(git(&place.repo(), &["worktree", "list"]).lines().count() == 1);
}

#[tokio::test]
async fn a_full_disk_takes_everything_back() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    // What git says when it cannot write a file, by a filter that fails as a full disk does.
    write(&place.repo().join(".gitattributes"), "*.big filter=full\n");
    write(&place.repo().join("x.big"), "x");
    place.commit(&place.repo(), "big");
    git(
        &place.repo(),
        &["config", "filter.full.smudge", "echo No space left on device >&2; false"],
    );
    git(&place.repo(), &["config", "filter.full.required", "true"]);
    let mut wanted = place.wanted("mer-1", "b");
    wanted.branch = Branch::New { from: Some("main".to_owned()) };
    let error = place.worktrees.make(&wanted).await.expect_err("full").to_string();
    assert!(error.contains("No space left on device"), "{error}");
    assert_eq!((place.worktree_count(), place.branches().as_str()), (1, "main"));
    assert!(!place.home.path().join("worktrees/mer/mer-1").exists());
}

#[tokio::test]
async fn ignored_files_that_are_named_come_along() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let repo = place.repo();
    write(&repo.join(".worktreeinclude"), "*.env\nnotes.txt\nnode_modules/\nlink\n");
    place.commit(&repo, "list");
    git(&repo, &["push", "--quiet"]);
    write(&repo.join("config/local.env"), "KEY=1");
    write(&repo.join("a b\nc.env"), "odd");
    write(&repo.join("node_modules/x/index.js"), "x");
    write(&repo.join("notes.txt"), "not ignored: a person's");
    std::os::unix::fs::symlink("/etc/hostname", repo.join("link.env")).expect("a link");
    let (work, included) = place.worktrees.make(&place.wanted("mer-1", "b")).await.expect("made");
    assert_eq!(included.files, 4);
    assert_eq!(included.left_out, Vec::<String>::new());
    assert_eq!(read(&work.path.join("config/local.env")), "KEY=1");
    assert_eq!(read(&work.path.join("a b\nc.env")), "odd");
    assert_eq!(read(&work.path.join("node_modules/x/index.js")), "x");
    assert!(!work.path.join("notes.txt").exists());
    assert!(work.path.join("link.env").is_symlink());
    assert_eq!(git(&work.path, &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn the_setup_command_is_logged_and_has_a_limit() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    let log = place.home.path().join("setup.log");
    let setup = |script: &str, limit: u64| Setup {
        command: vec!["sh".into(), "-c".into(), script.into()],
        environment: environment(),
        limit: Duration::from_millis(limit),
        log: log.clone(),
    };
    place.worktrees.set_up(&work, &setup("pwd; echo oops >&2", 5_000)).await.expect("done");
    let said = read(&log);
    assert!(said.contains("worktrees/mer/mer-1") && said.contains("oops"), "{said}");
    let error = place.worktrees.set_up(&work, &setup("echo bad news; exit 4", 5_000)).await;
    let error = error.expect_err("failed").to_string();
    assert!(error.contains("exit status: 4") && error.contains("bad news"), "{error}");
    let hung = place.worktrees.set_up(&work, &setup("echo busy; sleep 60 & wait", 200)).await;
    let error = hung.expect_err("hung").to_string();
    assert!(error.contains("did not end within 0.2 s") && error.contains("busy"), "{error}");
    let missing = Setup { command: vec!["no-such-command".into()], ..setup("", 1) };
    assert!(place.worktrees.set_up(&work, &missing).await.is_err());
}

#[tokio::test]
async fn a_removed_folder_is_made_anew_and_a_moved_one_is_left() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    write(&work.path.join("b.txt"), "work");
    place.commit(&work.path, "work");
    fs::remove_dir_all(&work.path).expect("removed");
    assert_eq!(place.worktrees.find(&work).await.expect("an answer"), Found::Gone);
    place.worktrees.make_anew(&work, "mer-1").await.expect("anew");
    assert_eq!(read(&work.path.join("b.txt")), "work");
    assert_eq!(git(&work.path, &["branch", "--show-current"]), "fix/a-bug");
    assert!(git(&place.repo(), &["worktree", "list", "--porcelain"]).contains("locked nudged"));
    place.worktrees.make_anew(&work, "mer-1").await.expect("nothing to do");
    // git forgot it, too.
    fs::remove_dir_all(&work.path).expect("removed");
    git(&place.repo(), &["worktree", "unlock", work.path.to_str().expect("text")]);
    git(&place.repo(), &["worktree", "prune"]);
    place.worktrees.make_anew(&work, "mer-1").await.expect("anew");
    let (path, moved) = (work.path.to_str().expect("text"), place.home.path().join("moved"));
    git(&place.repo(), &["worktree", "unlock", path]);
    git(&place.repo(), &["worktree", "move", path, moved.to_str().expect("text")]);
    let found = place.worktrees.find(&work).await.expect("an answer");
    assert!(matches!(&found, Found::Moved(at) if at.ends_with("moved")), "{found:?}");
    let error = place.worktrees.make_anew(&work, "mer-1").await.expect_err("in use there");
    assert!(matches!(error, WorkspaceError::BranchInUse { .. }), "{error}");
    let back = place.worktrees.give_back(&work, "mer-1", Returning::Salvaged).await.expect("left");
    assert!(back.left.is_some_and(|at| at.ends_with("moved")));
    assert_eq!(read(&moved.join("b.txt")), "work");
    // Somebody else's folder at the path is not ours.
    fs::create_dir_all(&work.path).expect("a folder");
    write(&work.path.join("theirs"), "x");
    let error = place.worktrees.give_back(&work, "mer-1", Returning::Salvaged).await;
    assert!(matches!(error, Err(WorkspaceError::NotOurs(_))), "{error:?}");
    assert_eq!(read(&work.path.join("theirs")), "x");
}

#[tokio::test]
async fn what_is_saved_elsewhere_can_go() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    write(&work.path.join("node_modules/big.js"), &"x".repeat(100_000));
    write(&work.path.join(".nudged/nudge-1.md"), "x");
    let back = place.worktrees.give_back(&work, "mer-1", Returning::IfSaved).await.expect("back");
    assert!(back.bytes > 100_000 && back.salvaged.is_none(), "{back:?}");
    assert!(!work.path.exists());
    assert_eq!((place.worktree_count(), place.branches().as_str()), (1, "fix/a-bug\nmain"));
    let again = place.worktrees.give_back(&work, "mer-1", Returning::IfSaved).await.expect("gone");
    assert_eq!(again.bytes, 0);
}

#[tokio::test]
async fn work_is_refused_or_kept_and_never_lost() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    write(&work.path.join("new file.txt"), "new");
    write(&work.path.join("src/a.txt"), "staged\n");
    git(&work.path, &["add", "src/a.txt"]);
    write(&work.path.join("src/a.txt"), "changed\n");
    let status = git(&work.path, &["status", "--porcelain"]);
    let refused = place.worktrees.give_back(&work, "mer-1", Returning::IfSaved).await;
    let said = refused.expect_err("work").to_string();
    assert!(said.contains("2 uncommitted files") && said.contains("new file.txt"), "{said}");
    assert_eq!(git(&work.path, &["status", "--porcelain"]), status, "a look changes nothing");
    let back = place.worktrees.give_back(&work, "mer-1", Returning::Salvaged).await.expect("kept");
    let kept = back.salvaged.expect("a ref");
    assert_eq!(kept, "refs/nudged/salvage/mer-1/1");
    let show = |what: &str| git(&place.repo(), &["show", &format!("{kept}{what}")]);
    assert_eq!((show(":src/a.txt").as_str(), show(":new file.txt").as_str()), ("changed", "new"));
    assert_eq!(show("^2:src/a.txt"), "staged");
    assert!(!work.path.exists());
}

#[tokio::test]
async fn commits_and_operations_count_as_work() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    write(&work.path.join("b.txt"), "b");
    place.commit(&work.path, "mine");
    let give_back = || place.worktrees.give_back(&work, "mer-1", Returning::IfSaved);
    let said = give_back().await.expect_err("unpushed").to_string();
    assert!(said.contains("1 commits that are nowhere else"), "{said}");
    git(&work.path, &["push", "--quiet", "origin", "HEAD"]);
    git(&work.path, &["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    write(&work.path.join("b.txt"), "other");
    place.commit(&work.path, "side");
    git(&work.path, &["push", "--quiet", "origin", "HEAD"]);
    let merge = Command::new("git").args(["merge", "fix/a-bug"]).current_dir(&work.path).output();
    assert!(!merge.expect("git").status.success(), "a conflict");
    let said = give_back().await.expect_err("a merge").to_string();
    assert!(said.contains("a merge that has not ended"), "{said}");
    let kept = place.worktrees.give_back(&work, "mer-1", Returning::Salvaged).await.expect("kept");
    let kept = kept.salvaged.expect("a ref");
    assert!(git(&place.repo(), &["show", &format!("{kept}:b.txt")]).contains("<<<<<<<"));
}

#[tokio::test]
async fn a_detached_head_is_kept_by_a_ref() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let work = place.made().await;
    git(&work.path, &["checkout", "--quiet", "--detach"]);
    write(&work.path.join("b.txt"), "b");
    place.commit(&work.path, "on no branch");
    let commit = git(&work.path, &["rev-parse", "HEAD"]);
    let back = place.worktrees.give_back(&work, "mer-1", Returning::Salvaged).await.expect("kept");
    let kept = back.salvaged.expect("a ref");
    git(&place.repo(), &["merge-base", "--is-ancestor", &commit, &kept]);
}

#[tokio::test]
async fn repositories_inside_are_looked_into() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let (home, repo) = (place.home.path(), place.repo());
    git(home, &["init", "--quiet", "-b", "main", "lib"]);
    write(&home.join("lib/l.txt"), "l");
    place.commit(&home.join("lib"), "lib");
    let lib = home.join("lib");
    git(&repo, &["submodule", "--quiet", "add", lib.to_str().expect("text"), "deps/lib"]);
    place.commit(&repo, "a submodule");
    git(&repo, &["push", "--quiet"]);
    let work = place.made().await;
    assert_eq!(read(&work.path.join("deps/lib/l.txt")), "l");
    let give_back = |how| place.worktrees.give_back(&work, "mer-1", how);
    let inside = work.path.join("deps/lib");
    write(&inside.join("l.txt"), "changed");
    for how in [Returning::IfSaved, Returning::Salvaged] {
        let said = give_back(how).await.expect_err("work inside").to_string();
        assert!(said.contains("the submodule deps/lib"), "{said}");
    }
    place.commit(&inside, "only here");
    assert!(give_back(Returning::Salvaged).await.is_err(), "a commit that no remote has");
    git(&inside, &["checkout", "--quiet", "HEAD~1"]);
    git(&inside, &["push", "--quiet", "origin", "HEAD@{1}:refs/heads/side"]);
    git(&inside, &["fetch", "--quiet"]);
    // A clone that was made inside by hand.
    git(&work.path, &["clone", "--quiet", lib.to_str().expect("text"), "clone"]);
    let said = give_back(Returning::Salvaged).await.expect_err("a clone").to_string();
    assert!(said.contains("the work in clone"), "{said}");
    fs::remove_dir_all(work.path.join("clone")).expect("removed");
    give_back(Returning::IfSaved).await.expect("clean, with a submodule");
    assert!(!work.path.exists());
}

#[tokio::test]
async fn nothing_outside_the_folder_is_touched() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let outside = place.home.path().join("outside");
    write(&outside.join("precious"), "x");
    let made = place.made().await;
    fs::remove_dir_all(&made.path).expect("removed");
    std::os::unix::fs::symlink(&outside, &made.path).expect("a link");
    let at = |path: PathBuf| Workspace { path, ..made.clone() };
    for path in [
        made.path.clone(),
        outside.clone(),
        place.home.path().join("worktrees"),
        place.home.path().join("worktrees/mer"),
        place.home.path().join("worktrees/mer/../.."),
        place.home.path().join("worktrees/mer/.."),
    ] {
        let work = at(path);
        let refused = place.worktrees.give_back(&work, "mer-1", Returning::Salvaged).await;
        assert!(matches!(refused, Err(WorkspaceError::NotOurs(_))), "{refused:?}");
        assert!(place.worktrees.take_back(&work, None).await.is_err());
    }
    assert_eq!(read(&outside.join("precious")), "x");
    assert!(place.repo().is_dir());
}

#[tokio::test]
async fn an_old_git_is_named() {
    if !super::is_possible() {
        return;
    }
    let place = Place::new();
    let old = place.home.path().join("old");
    fs::write(&old, "#!/bin/sh\necho git version 2.20.1\n").expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&old, mode).expect("a script");
    let old = Worktrees::within(&place.home.path().join("w"), Git::new(old, environment()));
    let error = old.expect("a root").version().await.expect_err("old").to_string();
    assert_eq!(error, "git 2.20.1 is too old: 2.36 or newer is needed");
    assert!(place.worktrees.version().await.expect("a version").starts_with("git version "));
}
