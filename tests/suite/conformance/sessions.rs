//! Sessions: random ones by the rules, and rows that no rule makes yet.

use super::*;

/// The same of sessions that are started here, are looked at, and hear what there is to hear.
pub(super) async fn follows_sessions(open: impl AsyncFn(&Path) -> Store) {
    let mut states = BTreeSet::new();
    for seed in 0..STORIES {
        let (mut random, mut play) = (Random::new(9_000 + seed), Play::begin(&open).await);
        for _ in 0..LENGTH {
            let observation =
                if random.below(3) == 0 { random.next(&play) } else { random.of_sessions(&play) };
            if random.below(6) == 0 {
                undo(&mut play, &observation);
            }
            play.observe(&observation);
            play.pass(random.below(40) as i64);
            if random.below(4) == 0 {
                ring(&mut play);
            }
        }
        play.compare_all();
        reads_agree(&play).await;
        let at_work = play.store.sessions_at_work().await.expect("a read");
        for view in store_sessions(&play).await {
            states.insert((view.state, view.operation));
            let row = play.model.session(&SessionId(view.id.as_str().into())).expect("a session");
            assert_eq!(view.launch_id.as_deref(), row.launch_id.as_deref());
            assert_eq!(view.operation, row.operation.map(|operation| operation.kind));
            assert_eq!(
                (&view.memory, view.failure.as_deref()),
                (&row.memory, row.failure.as_deref())
            );
            let works =
                row.operation.is_some() || (row.runtime.is_some() && !row.state.is_terminal());
            assert_eq!(at_work.iter().any(|it| it.id == view.id), works, "{row:?}");
        }
        let mut play = play.reopen(&open).await;
        play.compare_all();
    }
    assert!(states.len() >= 10, "{states:?}");
}

async fn store_sessions(play: &Play) -> Vec<nudged::store::views::SessionView> {
    play.store.sessions(SessionFilter::default(), ALL).await.expect("a read").items
}

/// Rows that no rule makes yet: a session with all that belongs to it.
pub(super) fn sessions_of_ours(play: &mut Play, note: &mut impl FnMut(&Play)) {
    let project = configured(play, "mer", "acme/mercury");
    let id = SessionId::new(&project, 1);
    let subject = Subject::Session(id.clone());
    let session = Session {
        id: id.clone(),
        project_id: project.clone(),
        num: 1,
        issue_id: Some("ISSUE-7".into()),
        kind: SessionKind::Worker,
        harness: "claude-code".into(),
        state: SessionState::Detecting,
        termination_reason: None,
        is_alive: true,
        activity: Activity {
            state: ActivityState::WaitingInput,
            last_at: play.now,
            source: ActivitySource::Hook,
        },
        detecting: Some(Detecting {
            attempts: 2,
            started_at: play.now,
            evidence_hash: "e5".into(),
        }),
        nudges_paused: true,
        branch: Some("a/branch".into()),
        workspace_path: Some("/srv/it".into()),
        runtime: Some(Runtime { name: "tmux".into(), handle: "mer-1".into() }),
        agent_session_id: Some("0f3a".into()),
        transcript_path: Some("/home/it/0f3a.jsonl".into()),
        launch_id: Some("l-1".into()),
        operation: Some(Operation { kind: OperationKind::Kill, since: play.now }),
        failure: Some("it broke".into()),
        token_hash: Some("e3b0".into()),
        freed_bytes: Some(4096),
        prompt: "Mend it.".into(),
        memory: SessionMemory::default(),
        created_at: play.now,
        updated_at: play.now,
    };
    let keys = vec![
        Key::Session(id.clone()),
        Key::SessionsOfBranch(project.clone(), "a/branch".into()),
        Key::PullsOfSession(id.clone()),
        Key::OpenNudges(subject.clone()),
        Key::OpenNudgesOfProject(project.clone()),
        Key::Timers(subject.clone()),
        Key::Counters,
    ];
    play.compare(keys.clone());
    play.model.put_session(session.clone());
    play.apply_changes();
    play.compare(keys.clone());
    let number = play.model.next(|counters| &mut counters.nudge);
    let nudge = Nudge {
        class: None,
        evidence: None,
        id: NudgeId(number),
        project_id: project.clone(),
        session_id: Some(id.clone()),
        subject: subject.clone(),
        kind: NudgeKind::AgentIdle,
        state: NudgeState::Held,
        held_because: Some(HeldReason::NeedsInput),
        is_budgeted: true,
        signature: "idle".into(),
        body: "Go on.".into(),
        attempts: 3,
        created_at: play.now,
        handed_at: None,
        delivered_at: None,
        acknowledged_at: None,
    };
    play.compare(vec![Key::Nudge(nudge.id)]);
    play.model.put_nudge(nudge.clone());
    play.model.put_timer(&subject, TimerKind::GreenSettle, Some(play.now));
    play.apply_changes();
    play.compare_all();
    assert_eq!(play.model.open_nudges_of_project(&project).len(), 1);
    let due = TimerDue { subject: subject.clone(), kind: TimerKind::GreenSettle };
    assert_eq!(play.writer.due_timers(play.now, 9).expect("timers"), [due]);
    // It ends, and is nobody's any more.
    let (state, termination_reason) =
        (SessionState::Terminated, Some(TerminationReason::RuntimeLost));
    let ended = Session {
        state,
        termination_reason,
        is_alive: false,
        detecting: None,
        branch: None,
        runtime: None,
        ..session
    };
    play.model.put_session(ended);
    let delivered_at = Some(play.now);
    let handed_at = delivered_at;
    let state = NudgeState::Delivered;
    play.model.put_nudge(Nudge { state, held_because: None, handed_at, delivered_at, ..nudge });
    play.model.put_timer(&subject, TimerKind::GreenSettle, None);
    play.apply_changes();
    play.compare_all();
    assert_eq!(play.writer.next_timer().expect("a read"), None);
    note(play);
}
