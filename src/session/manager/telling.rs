//! Telling agents: nudges, with what is known of each written down step by step, and words of people.

use std::sync::Arc;

use jiff::SignedDuration;

use super::tools::{Halt, Line, Tools, text};
use crate::domain::{
    ActivitySeen, ActivitySource, ActivityState, NudgeId, NudgeState, Observation, Receipt, Report,
    SessionFact, Timestamp,
};
use crate::session::channel::{Doing, Message, Record, Told, Voice, summary};
use crate::store::views::{NudgeView, SessionView};

/// The proof that a nudge began a turn is looked for again after so many seconds.
const LOOK_AGAIN: u32 = 10;
/// Something is being done to the session.
const BUSY: u32 = 5;

/// Brings a nudge to its agent, or finds out what became of it. `None`: there is nothing to tell of it now.
pub(super) async fn deliver(
    tools: &Arc<Tools>,
    id: NudgeId,
    mark: &str,
) -> Result<Option<Receipt>, Halt> {
    let Some(nudge) = tools.store.nudge(id.0).await? else { return Ok(Some(gone())) };
    let row = match &nudge.session_id {
        Some(session) => tools.store.session(session.clone()).await?,
        None => None,
    };
    let Some(row) = row else { return Ok(Some(gone())) };
    match nudge.state {
        NudgeState::Pending | NudgeState::Handed => {}
        // It is not on its way any more.
        NudgeState::Held
        | NudgeState::Delivered
        | NudgeState::Acknowledged
        | NudgeState::Superseded
        | NudgeState::Unconfirmed
        | NudgeState::Failed => return Ok(Some(gone())),
    }
    let Some(line) = Line::to(tools, &row) else { return Ok(Some(gone())) };
    if nudge.state == NudgeState::Handed {
        return look(tools, &line, &nudge, mark).await.map(Some);
    }
    if row.state.is_terminal() || row.operation.is_some() {
        let reason = text("something is being done to the session");
        return Ok(Some(Receipt::NotNow { reason, retry_after: BUSY }));
    }
    hand_over(tools, &line, &nudge, mark).await
}

async fn hand_over(
    tools: &Arc<Tools>,
    line: &Line,
    nudge: &NudgeView,
    mark: &str,
) -> Result<Option<Receipt>, Halt> {
    let message = Message { mark: mark.to_owned(), ..Message::of_nudge(nudge.id, &nudge.body) };
    let id = NudgeId(nudge.id);
    let leaving = Arc::clone(tools);
    // Written before it leaves. Where that cannot be stored, nothing leaves.
    let leave = move || {
        let tools = Arc::clone(&leaving);
        async move {
            let report = Report::NudgeTold { nudge: id, receipt: Receipt::Handed };
            let taken =
                tools.store(Observation::Report(report), &format!("deliver:{}", id.0)).await;
            matches!(taken, Ok(Ok(())))
        }
    };
    let addressee = line.addressee(tools)?;
    let told = tools.channels.deliver(&addressee, &message, &leave).await;
    Ok(match told {
        Told::Handed => Some(Receipt::Waits { retry_after: LOOK_AGAIN }),
        Told::Delivered => Some(Receipt::Delivered),
        Told::Unconfirmed { reason } => Some(Receipt::Unconfirmed { reason: text(&reason) }),
        Told::NotNow { reason, retry_after } => {
            Some(Receipt::NotNow { reason: text(&reason), retry_after })
        }
        Told::Refused => None,
    })
}

/// What became of a nudge that was handed over before.
async fn look(tools: &Tools, line: &Line, nudge: &NudgeView, mark: &str) -> Result<Receipt, Halt> {
    let since = nudge.handed_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
    let handed_for = since.map_or(SignedDuration::ZERO, |at| tools.clock.now().duration_since(at));
    let handed_for = std::time::Duration::try_from(handed_for).unwrap_or_default();
    let addressee = line.addressee(tools)?;
    Ok(match tools.channels.look(&addressee, mark, handed_for).await {
        Record::Begun => Receipt::Delivered,
        Record::Waiting => Receipt::Waits { retry_after: LOOK_AGAIN },
        Record::Absent => {
            let reason = text("it was not taken");
            Receipt::NotNow { reason, retry_after: 1 }
        }
        Record::Unknown { reason } => Receipt::Unconfirmed { reason: text(&reason) },
    })
}

/// Looks at an agent of which nothing was heard for long.
pub(super) async fn look_again(tools: &Tools, session: &str) -> Result<(), Halt> {
    let row = tools.row(session).await?;
    let line = Line::to(tools, &row);
    let doing = match &line {
        Some(line) => tools.channels.doing(&line.addressee(tools)?).await,
        None => Doing::Unknown { shown: String::new() },
    };
    let seen = |state, shown: Option<String>| ActivitySeen {
        reason: shown.as_deref().map(text),
        launch_id: row.launch_id.as_deref().map(text),
        ..ActivitySeen::new(state, ActivitySource::Terminal)
    };
    let found = match doing {
        Doing::Working => Some(seen(ActivityState::Active, None)),
        Doing::Idle => Some(seen(ActivityState::Idle, None)),
        Doing::Waiting { shown } => Some(seen(ActivityState::WaitingInput, Some(shown))),
        Doing::Unknown { .. } => None,
    };
    // Where it was ended meanwhile, this is of no interest.
    tools.observe(session, SessionFact::LookedAt(found), "look").await?.ok();
    Ok(())
}

/// What came of telling an agent something in the words of a person.
pub(super) async fn say(tools: &Tools, row: &SessionView, words: &str) -> Result<Told, Halt> {
    let Some(line) = Line::to(tools, row) else {
        let reason = "its agent does not run here".to_owned();
        return Ok(Told::NotNow { reason, retry_after: 0 });
    };
    let message = Message {
        mark: format!("[message {}]", rand::random::<u32>()),
        voice: Voice::Person,
        summary: summary(words),
        text: words.to_owned(),
        place: String::new(),
    };
    Ok(tools.channels.deliver(&line.addressee(tools)?, &message, &|| async { true }).await)
}

fn gone() -> Receipt {
    Receipt::Failed { reason: text("there is nobody to tell it to") }
}
