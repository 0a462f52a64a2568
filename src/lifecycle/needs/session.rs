//! What the rules of sessions may look at.

use super::Wants;
use crate::domain::{
    ActivitySeen, NudgeId, ProjectId, Session, SessionCommand, SessionFact, SessionId,
    SessionObservation, Subject, TaskName, Text,
};
use crate::lifecycle::session_commands::own_branch;
use crate::lifecycle::sessions::changes_hearing;
use crate::lifecycle::working_set::{Key, Record};

impl<'k> Wants<'k> {
    pub(super) fn session_fact(&mut self, seen: &SessionObservation) {
        let SessionObservation { session, fact } = seen;
        self.life(session, |known| changes_hearing(known, fact));
        if let SessionFact::Active(ActivitySeen { mark: Some(mark), .. }) = fact
            && let Some(nudge) = NudgeId::marked(mark)
        {
            self.nudge_told(nudge);
        }
    }

    pub(super) fn session_command(&mut self, asked: &SessionCommand) {
        let (id, changes) = match asked {
            SessionCommand::Spawn(wanted) => {
                if let Some(project) = self.project(&wanted.project) {
                    let id = SessionId::new(&project.id, project.next_session);
                    let branch = wanted.branch.clone().unwrap_or_else(|| own_branch(&id));
                    self.session(&id);
                    self.sessions_on(&project.id, branch);
                }
                return;
            }
            SessionCommand::Kill { session } => (session, true),
            SessionCommand::Restore { session, .. } | SessionCommand::Cleanup { session } => {
                (session, false)
            }
        };
        let known = self.life(id, |_| changes);
        if let Some((project, branch)) =
            known.and_then(|known| Some((&known.project_id, known.branch.clone()?)))
        {
            self.sessions_on(project, branch);
        }
    }

    fn sessions_on(&mut self, project: &ProjectId, branch: Text) {
        let of = Key::SessionsOfBranch(project.clone(), branch);
        if let Some(Record::Sessions(ids)) = self.want(of) {
            for id in ids {
                self.session(id);
            }
        }
    }

    /// What is looked at whenever something of a session may have changed. `changes`: whether what waits for its
    /// agent goes out, is held back, or is taken back.
    pub(super) fn life(
        &mut self,
        id: &SessionId,
        changes: impl Fn(&Session) -> bool,
    ) -> Option<&'k Session> {
        let session = self.session(id)?;
        self.spending(&session.project_id);
        self.about_session(id);
        for pull in self.pulls(Key::PullsOfSession(id.clone())) {
            if pull.row.core.state.is_open() && changes(session) {
                self.follow(pull, &[], false);
            }
        }
        Some(session)
    }

    /// What was said about a session itself.
    pub(super) fn about_session(&mut self, id: &SessionId) {
        self.spoken(Subject::Session(id.clone()));
        self.want(Key::Task(TaskName::look_again(id)));
    }
}
