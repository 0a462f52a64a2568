//! What an agent's hooks tell of it.

use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::commands::{Answer, Origin};
use super::errors::ApiError;
use super::sessions::{SessionJson, shown};
use crate::domain::{
    ActivitySeen, ActivitySource, ActivityState, SessionFact, SessionId, SessionObservation, Text,
};
use crate::engine::Request;
use crate::lifecycle::Refusal;
use crate::store::views::ObjectRef;

/// The longest text of a report; what is longer is cut, since a hook cannot mend it.
const LONGEST: usize = 4_000;

/// What an agent does. Fields that are not known here are left aside: hooks may be of a later release.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActivityBody {
    pub state: ActivityState,
    pub source: ActivitySource,
    /// The hook's event, such as `Stop`.
    pub event: Option<String>,
    /// How the agent itself calls the conversation now.
    pub agent_session_id: Option<String>,
    /// The file in which the agent keeps the conversation.
    pub transcript_path: Option<String>,
    /// `[nudge 17]`: this nudge has begun a turn.
    pub mark: Option<String>,
    /// The tool that it is about.
    pub tool: Option<String>,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// Which start of the agent it is of: one of an earlier start changes nothing.
    pub launch_id: Option<String>,
}

impl ActivityBody {
    fn seen(self) -> ActivitySeen {
        ActivitySeen {
            state: self.state,
            source: self.source,
            event: text(self.event),
            agent_session_id: text(self.agent_session_id),
            transcript_path: text(self.transcript_path),
            mark: text(self.mark),
            tool: text(self.tool),
            reason: text(self.reason),
            launch_id: text(self.launch_id),
        }
    }
}

/// An empty text tells nothing.
fn text(given: Option<String>) -> Option<Text> {
    let given = given.filter(|text| !text.is_empty())?;
    Some(crate::excerpt::truncate(&given, LONGEST).into())
}

impl Api {
    /// Takes down what an agent does.
    ///
    /// # Errors
    /// There is no such session, it has ended, or nothing can be stored now.
    pub async fn report_activity(
        &self,
        id: String,
        body: ActivityBody,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        let session = SessionId(id.into());
        let fact = SessionFact::Active(body.seen());
        let seen = SessionObservation { session: session.clone(), fact };
        let request = Request::Observe(seen.into());
        self.carry_out(request, ObjectRef::Session(session), origin, Refusal::NoSession, shown)
            .await
    }
}
