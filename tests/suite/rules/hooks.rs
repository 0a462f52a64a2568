//! What agents' hooks say: the table of events, and the rules behind it.

use nudged::domain::{ActivitySeen, ActivitySource, ActivityState, HookEvent, SessionFact, Wait};
use nudged::lifecycle::read_hook;

use crate::core::Core;
use crate::core::live::{FIRST, hook};
use crate::stories::root;

/// A session whose agent was last seen doing this; `waiting_input TOOL`: that tool asks.
fn last_seen(before: &str) -> Core {
    let (state, tool) = before.split_once(' ').unwrap_or((before, ""));
    let mut core = Core::new();
    core.spawned("branch-1");
    core.does(state.parse().expect("an activity"));
    core.change_session(FIRST, |session| {
        if let Some(wait) = &mut session.memory.wait {
            let tool = (!tool.is_empty()).then(|| tool.into());
            *wait = Wait { tool, ..Wait::default() };
        }
    });
    core
}

#[test]
fn events_are_read_as_the_table_says() {
    let path = root().join("fixtures/hooks/events.tsv");
    let table = std::fs::read_to_string(path).expect("the table");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let &[agent, before, name, tool, detail, of_subagent, tasks, "=>", reported, after] =
            &cells[..]
        else {
            panic!("{row}: not ten cells");
        };
        let event = HookEvent {
            name: name.to_owned(),
            of_subagent: of_subagent == "1",
            detail: detail.to_owned(),
            tool: tool.to_owned(),
            background_tasks: tasks.parse().expect("a number"),
            message: String::new(),
        };
        let mut core = last_seen(before);
        let reading = read_hook(agent, &event);
        if let Some(reading) = &reading {
            core.live(SessionFact::Active(ActivitySeen {
                event: Some(name.into()),
                tool: reading.tool.as_deref().map(Into::into),
                reason: reading.reason.as_deref().map(Into::into),
                ..ActivitySeen::new(reading.state, ActivitySource::Hook)
            }));
        }
        let said = reading.map_or("-", |reading| reading.state.as_str());
        let is_now = core.the_session(FIRST).activity.state.as_str();
        if (said, is_now) != (reported, after) {
            wrong.push(format!("{row} but found {said} {is_now}"));
        }
        count += 1;
    }
    assert!(count > 60, "only {count} rows");
    assert!(wrong.is_empty(), "{} of {count} rows: {wrong:#?}", wrong.len());
}

#[test]
fn what_is_asked_for_after_the_end_of_a_turn_is_over_by_itself() {
    let mut core = last_seen("active");
    core.fires(hook("Stop"));
    core.fires(hook("Notification").about("permission_prompt"));
    assert_eq!(core.session(FIRST), "needs_input needs_input alive");
    assert_eq!(core.told_of("agent-needs-input"), ["agent-needs-input pending"]);
    core.advance(59);
    assert_eq!(core.the_session(FIRST).state.as_str(), "needs_input");
    core.advance(1);
    assert_eq!(core.session(FIRST), "idle idle alive");
    assert_eq!(core.told_of("agent-needs-input"), ["agent-needs-input superseded"]);
    // Within a turn it lasts.
    let mut core = last_seen("active");
    core.fires(hook("Notification").about("permission_prompt"));
    core.advance(100_000);
    assert_eq!(core.the_session(FIRST).state.as_str(), "needs_input");
}

#[test]
fn a_wait_tells_what_is_asked_for_and_keeps_its_tool() {
    let mut core = last_seen("active");
    core.fires(hook("PermissionRequest").tool("Bash").saying("rm -rf ./build"));
    core.fires(hook("Notification").about("permission_prompt"));
    core.fires(hook("PostToolUse").tool("Read"));
    assert_eq!(core.the_session(FIRST).state.as_str(), "needs_input");
    assert!(
        core.said().contains("`Bash`") && core.said().contains("> rm -rf ./build"),
        "{}",
        core.said()
    );
    core.fires(hook("PostToolUse").tool("Bash"));
    assert_eq!(core.the_session(FIRST).state.as_str(), "working");
    assert_eq!(core.the_session(FIRST).memory.wait, None);
}

#[test]
fn a_usage_limit_blocks_until_it_is_reset_and_the_human_hears_when() {
    let mut core = last_seen("active");
    let at = core.now.checked_add(jiff::SignedDuration::from_hours(2)).expect("an instant");
    let message = format!("Usage limit reached|{}", at.as_second());
    core.fires(hook("StopFailure").about("rate_limit").saying(&message));
    assert_eq!(core.session(FIRST), "stuck stuck alive");
    assert_eq!(core.told(), ["agent-stuck pending"]);
    assert!(core.said().contains(&format!("reset at {at}")), "{}", core.said());
    assert!(core.said().contains("> rate_limit: Usage limit reached"), "{}", core.said());
    core.advance(2 * 3_600 - 1);
    assert_eq!(core.the_session(FIRST).state.as_str(), "stuck");
    core.advance(1);
    assert_eq!(core.the_session(FIRST).state.as_str(), "idle");
    // It left its work undone, and is told to go on.
    assert_eq!(core.told(), ["agent-stuck superseded", "agent-idle pending"]);
}

#[test]
fn hooks_of_an_earlier_start_change_nothing() {
    let mut core = last_seen("active");
    core.change_session(FIRST, |session| session.launch_id = Some("second".into()));
    core.pass(5);
    for late in [hook("Stop"), hook("SessionEnd"), hook("StopFailure")] {
        let seen = late.of_launch("first").seen().expect("it says something");
        assert_eq!(core.live(SessionFact::Active(seen)), []);
    }
    core.fires(hook("Stop").of_launch("second"));
    assert_eq!(core.the_session(FIRST).state.as_str(), "idle");
}

#[test]
fn the_conversation_is_learned_whenever_it_is_named() {
    let mut core = last_seen("active");
    for id in ["a-1", "a-2"] {
        core.live(SessionFact::Active(ActivitySeen {
            event: Some("SessionStart".into()),
            agent_session_id: Some(id.into()),
            transcript_path: Some(format!("/it/{id}.jsonl").into()),
            ..ActivitySeen::new(ActivityState::Ready, ActivitySource::Hook)
        }));
        assert_eq!(core.the_session(FIRST).agent_session_id.as_deref(), Some(id));
    }
    core.fires(hook("UserPromptSubmit"));
    let session = core.the_session(FIRST);
    assert_eq!(session.agent_session_id.as_deref(), Some("a-2"));
    assert_eq!(session.transcript_path.as_deref(), Some("/it/a-2.jsonl"));
}
