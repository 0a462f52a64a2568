//! The ledger of deliveries, and answers that are kept for those who ask again.

use super::*;

fn delivery(hook: &str, guid: &str, verdict: Verdict) -> Delivery {
    Delivery {
        hook: hook.to_owned(),
        guid: guid.to_owned(),
        event: "pull_request".to_owned(),
        action: None,
        repo: None,
        verdict,
        body: Bytes::from_static(b"the body as it came"),
    }
}

/// The ledger: each delivery once, and what became of it after all.
pub(super) async fn keeps_a_ledger(open: impl AsyncFn(&Path) -> Store) {
    use DeliveryOutcome::{Applied, Ignored, Quarantined};
    let play = Play::begin(&open).await;
    let now = play.now;
    let poor = delivery("7", "guid", Verdict::Quarantined("not understood".to_owned()));
    let other = delivery("8", "guid", Verdict::Ignored("of no interest".to_owned()));
    play.writer.begin().expect("begun");
    play.writer.receive(LedgerEntry::of(&poor), now).expect("entered");
    play.writer.roll_back().expect("undone");
    let (first, again, beside) = play.commit(|writer| {
        let receive = |it| writer.receive(LedgerEntry::of(it), now).expect("entered");
        (receive(&poor), receive(&poor), receive(&other))
    });
    assert_eq!((first.before, beside.before), (None, None), "another hook's is another delivery");
    assert_eq!((again.id, again.before), (first.id, Some(Quarantined)));
    assert_ne!(first.id, beside.id);
    let kept = async |id| play.store.kept_delivery(id).await.expect("a read").expect("a row");
    let body = kept(first.id).await.body;
    assert_eq!(body.as_deref(), Some(&b"the body as it came"[..]));
    assert_eq!(kept(beside.id).await.body, None);
    play.commit(|writer| {
        writer.amend(first.id, Ignored, Some("for now"), None).expect("amended");
        assert_eq!(writer.outcome_of(first.id).expect("a read"), Some(Ignored));
        assert_eq!(writer.outcome_of(999).expect("a read"), None);
    });
    assert!(kept(first.id).await.body.is_some(), "it may still be wanted");
    play.commit(|writer| writer.amend(first.id, Applied, None, Some("{}"))).expect("amended");
    let applied = kept(first.id).await;
    assert_eq!((applied.body, applied.observation.as_deref()), (None, Some("{}")));
    let listed = async |outcome: Option<&str>| {
        let items =
            play.store.deliveries(outcome.map(str::to_owned), ALL).await.expect("a read").items;
        items.into_iter().map(|it| (it.id, it.outcome, it.reason)).collect::<Vec<_>>()
    };
    let ignored = (beside.id, "ignored".to_owned(), Some("of no interest".to_owned()));
    assert_eq!(listed(Some("ignored")).await, std::slice::from_ref(&ignored));
    assert_eq!(listed(None).await, [ignored, (first.id, "applied".to_owned(), None)]);
    let later = now.checked_add(SignedDuration::from_secs(1)).expect("an instant");
    let gone = play.commit(|writer| {
        let prune = |before, most| writer.prune_deliveries(before, most).expect("pruned");
        (prune(now, 9), prune(later, 1), prune(later, 9))
    });
    assert_eq!(gone, (0, 1, 1));
}

/// What a client calls its request: the answer is kept with the effect, and told again for a while.
pub(super) async fn keeps_answers(open: impl AsyncFn(&Path) -> Store) {
    let mut play = Play::begin(&open).await;
    let project = configured(&mut play, "mer", "acme/mercury");
    let key = RequestKey { key: "k".to_owned(), request: "PUT /it".to_owned(), body_hash: [7; 32] };
    let view = play.writer.object(&ObjectRef::Project(project)).expect("a read").expect("a view");
    let now = play.now;
    play.writer.begin().expect("begun");
    play.writer.keep_answer(&key, &view, now).expect("kept");
    play.writer.roll_back().expect("undone");
    let known = |key: &RequestKey, oldest| {
        play.commit(|writer| writer.known_request(key, oldest)).expect("a read")
    };
    assert_eq!(known(&key, now), KnownRequest::No);
    play.commit(|writer| writer.keep_answer(&key, &view, now)).expect("kept");
    assert_eq!(known(&key, now), KnownRequest::Same(Box::new(view.clone())));
    let later = now.checked_add(SignedDuration::from_millis(1)).expect("an instant");
    assert_eq!(known(&key, later), KnownRequest::No);
    for other in [
        RequestKey { request: "PUT /other".to_owned(), ..key.clone() },
        RequestKey { body_hash: [8; 32], ..key.clone() },
    ] {
        assert_eq!(known(&other, now), KnownRequest::Other);
    }
    let forgotten = |oldest| play.commit(|writer| writer.forget_requests(oldest, 9)).expect("done");
    assert_eq!((forgotten(now), forgotten(later), forgotten(later)), (0, 1, 0));
    assert_eq!(known(&key, now), KnownRequest::No);
}
