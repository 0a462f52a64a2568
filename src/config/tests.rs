//! Which layer wins, and what errors say.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn load(file: &str, env: &[(Key, &str)], flags: Flags) -> Result<Settings, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, file).map_err(|error| error.to_string())?;
    let env: Vec<_> = env.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let flags = Flags { config: Some(path), ..flags };
    Settings::from_layers(&flags, &env).map_err(|error| error.to_string())
}

#[test]
fn flags_beat_environment_beats_file_beats_defaults() {
    let file = "settle = 10\nadopt = \"none\"\nlisten = \"127.0.0.1:1\"";
    let env = [(SETTLE, "20s"), (LISTEN, "127.0.0.1:2")];
    let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    let settings = load(file, &env, flags).unwrap();
    assert_eq!(settings.listen.port(), 3);
    assert_eq!(settings.settle, Duration::from_secs(20));
    assert_eq!(settings.adopt, Adopt::None);
    assert!(settings.auto_register);
    assert_eq!(settings.db, Path::new("nudged.db"));
}

#[test]
fn settle_takes_units_or_plain_seconds() {
    for (text, seconds) in [("0s", 0), ("0", 0), ("30s", 30), ("2m", 120), ("45", 45)] {
        let settings = load("", &[(SETTLE, text)], Flags::default()).unwrap();
        assert_eq!(settings.settle, Duration::from_secs(seconds), "{text}");
    }
    for text in ["soon", "-1", "25h", "18446744073709551615"] {
        assert!(load("", &[(SETTLE, text)], Flags::default()).is_err(), "{text}");
    }
}

#[test]
fn what_is_kept_is_kept_for_a_time_or_for_ever() {
    let kept = |text| {
        let settings = load("", &[(RETAIN_CHANGES, text)], Flags::default())?;
        Ok::<_, String>((settings.retain_changes, settings.retain_deliveries))
    };
    let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
    assert_eq!(kept("7d"), Ok((days(7), days(30))));
    assert_eq!(kept("forever"), Ok((None, days(30))));
    assert_eq!(load("", &[], Flags::default()).unwrap().retain_changes, days(90));
    for text in ["59m", "0", "always", "-1d", "2000y"] {
        assert!(kept(text).is_err_and(|error| error.contains("NUDGED_RETAIN_CHANGES")), "{text}");
    }
}

#[test]
fn secrets_of_digits_stay_text_and_are_never_shown() {
    let settings = load("", &[(WEBHOOK_SECRET, "007, 1e3,,")], Flags::default()).unwrap();
    let exposed: Vec<_> = settings.webhook_secrets.iter().map(Secret::expose).collect();
    assert_eq!(exposed, ["007", "1e3"]);
    let listed = load("webhook_secret = [\"a\", \"b\"]", &[], Flags::default()).unwrap();
    assert_eq!(listed.webhook_secrets.len(), 2);
    assert!(format!("{settings:?}").contains("[…, …]"), "{settings:?}");
    let wrong = load("", &[(API_TOKEN, "zeitgeist über")], Flags::default()).unwrap_err();
    assert!(!wrong.contains("zeitgeist"), "{wrong}");
}

#[test]
fn errors_name_the_setting_its_place_and_what_it_wants() {
    let check = |result: Result<Settings, String>, parts: &[&str]| {
        let error = result.unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{error}: lacks {part}");
        }
    };
    check(load("", &[(ADOPT, "some")], Flags::default()), &["NUDGED_ADOPT", "all or none", "some"]);
    check(
        load("auto_register = \"maybe\"", &[], Flags::default()),
        &["settings.toml", "auto_register"],
    );
    let flags = Flags { listen: Some("nowhere".into()), ..Flags::default() };
    check(load("", &[], flags), &["--listen", "127.0.0.1:8787", "nowhere"]);
    check(load("setle = 3", &[], Flags::default()), &["settings.toml", "\"setle\"", "settle"]);
    check(load("[settle]\na = 1", &[], Flags::default()), &["settle in", "table"]);
    check(load("webhook_secret = hunter2", &[], Flags::default()), &["settings.toml", "not TOML"]);
    let error = load("webhook_secret = \"hunter2", &[], Flags::default()).unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
    check(
        load("", &[(DB, "/nowhere/at/all/x.db")], Flags::default()),
        &["NUDGED_DB", "/nowhere/at/all"],
    );
}

#[test]
fn serving_without_a_secret_is_refused_with_the_way_to_make_one() {
    let settings = load("", &[], Flags::default()).unwrap();
    let error = settings.required_webhook_secrets().unwrap_err().to_string();
    assert!(error.contains("openssl rand -hex 32") && error.contains("NUDGED_WEBHOOK_SECRET"));
}

#[test]
fn the_token_is_made_once_and_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("n.db").display().to_string();
    let settings = load("", &[(DB, &db)], Flags::default()).unwrap();
    assert!(settings.token_for_client().is_err());
    let (made, source) = settings.token_or_make().unwrap();
    assert_eq!(source, TokenSource::Made(settings.token_file()));
    assert_eq!(made.expose().len(), 64);
    let mode = std::fs::metadata(settings.token_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (kept, source) = settings.token_or_make().unwrap();
    assert_eq!((kept.expose(), source), (made.expose(), TokenSource::Kept(settings.token_file())));
    assert_eq!(settings.token_for_client().unwrap().expose(), made.expose());
}

#[test]
fn where_the_human_is_told_is_a_secret_and_has_to_be_an_address() {
    let url = "https://hooks.slack.com/services/T0/B0/hush";
    let settings = load("", &[(NOTIFY_URL, url)], Flags::default()).unwrap();
    assert_eq!(settings.notify_url.as_ref().map(Secret::expose), Some(url));
    assert!(!format!("{settings:?}").contains("hush"));
    for wrong in ["hush.example/x", "ftp://hush.example/", "file:///hush"] {
        let error = load("", &[(NOTIFY_URL, wrong)], Flags::default()).unwrap_err();
        assert!(error.contains("NUDGED_NOTIFY_URL") && !error.contains("hush"), "{error}");
    }
    for wrong in ["whsec_hush", "aHVzaA==", "whsec_aHVzaA=="] {
        let error = load("", &[(NOTIFY_SECRET, wrong)], Flags::default()).unwrap_err();
        assert!(error.contains("NUDGED_NOTIFY_SECRET") && error.contains("openssl"), "{error}");
        assert!(!error.contains(wrong), "{error}");
    }
    assert!(load("", &[(NOTIFY_TIMEOUT, "0s")], Flags::default()).is_err());
}

#[test]
fn the_signing_secret_is_made_once_and_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("n.db").display().to_string();
    let settings = load("", &[(DB, &db)], Flags::default()).unwrap();
    let made = settings.notify_secret_or_make().unwrap();
    assert_eq!(made.bytes().len(), 32);
    let file = settings.notify_secret_file();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(settings.notify_secret_or_make().unwrap() == made);
    std::fs::write(&file, "nonsense").unwrap();
    let error = settings.notify_secret_or_make().unwrap_err().to_string();
    assert!(error.contains("notify-secret") && !error.contains("nonsense"), "{error}");
}

#[test]
fn what_is_shipped_names_every_setting() {
    let (file, readme) =
        (include_str!("../../deploy/nudged.toml"), include_str!("../../README.md"));
    for key in KEYS {
        assert!(file.contains(&format!("\n#{} = ", key.name)), "nudged.toml lacks {}", key.name);
        assert!(file.contains(&format!("nvironment {}", key.env)), "nudged.toml lacks {}", key.env);
        for name in [key.name, key.env] {
            assert!(readme.contains(&format!("`{name}`")), "the README lacks {name}");
        }
    }
    // Each line as it stands, but for what has no default: the default is spelled as it is parsed.
    let own =
        ["webhook_secret", "api_token", "notify_url", "notify_secret", "github_app_id", "data"];
    let secret =
        |line: &&str| own.iter().chain(&["github_private_key"]).any(|name| line.starts_with(name));
    let lines: Vec<_> = file
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.contains(" = ") && !line.starts_with(' ') && !secret(line))
        .collect();
    let (shown, bare) = (lines.join("\n"), Flags::default());
    let shown = load(&shown, &[], bare.clone()).unwrap();
    assert_eq!(format!("{shown:?}"), format!("{:?}", load(file, &[], bare).unwrap()));
}

#[test]
fn harnesses_and_projects_are_tables_of_the_file() {
    let file = "[harness.mine]\nstart = [\"a\", \"{prompt}\"]\nenv = { A = \"b\" }\n\
                [project.rocket]\non_boot = \"restore\"\nsetup = [\"npm\", \"ci\"]\nsetup_limit = \"2m\"\n";
    let agents = load(file, &[], Flags::default()).unwrap().agents;
    assert_eq!(agents.harnesses["mine"]["start"], serde_json::json!(["a", "{prompt}"]));
    let project = &agents.projects["rocket"];
    assert!(project.restores_on_boot && project.setup == ["npm", "ci"]);
    assert_eq!(project.setup_limit, Some(Duration::from_secs(120)));
    for (file, words) in [
        ("[project.rocket]\non_boot = \"maybe\"", "[project.rocket]"),
        ("[project.rocket]\nsteup = []", "steup"),
        ("[project.rocket]\nsetup_limit = \"soon\"", "setup_limit"),
        ("[projects.rocket]\nsetup = []", "projects"),
        ("harness = 3", "harness"),
        ("probe_every = 0", "probe_every"),
    ] {
        let error = load(file, &[], Flags::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{file}: {error}");
    }
}
