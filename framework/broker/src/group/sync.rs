//! SyncGroup: the leader brings the assignment, the others fetch theirs.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::coordinator::Coordinator;
use super::output::{Context, Output, Token, Turn, text};
use super::state::{Group, State};

/// From this version on a sync says which protocol it takes the group to run.
const NAMES_PROTOCOL: i16 = 5;

impl Coordinator {
    /// SyncGroup 0-5.
    pub(crate) fn sync(
        &mut self,
        now: Instant,
        token: Token,
        context: &Context,
        request: &SyncGroupRequest,
    ) -> Output {
        let mut turn = Turn::new(now, &self.config);
        let nameless = request.protocol_type.is_none() || request.protocol_name.is_none();
        if request.group_id.is_empty() {
            turn.refuse_sync(token, ResponseError::InvalidGroupId);
        } else if context.version >= NAMES_PROTOCOL && nameless {
            turn.refuse_sync(token, ResponseError::InconsistentGroupProtocol);
        } else if let Some(group) = self.groups.get_mut(request.group_id.as_str()) {
            match group.check_sync(request) {
                Ok(()) => group.sync(&mut turn, token, request),
                Err(error) => turn.refuse_sync(token, error),
            }
        } else {
            turn.refuse_sync(token, ResponseError::UnknownMemberId);
        }
        let output = turn.output;
        self.settle(&request.group_id);
        output
    }
}

impl Group {
    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ResponseError> {
        let differs = |said: &Option<_>, is: &Option<String>| {
            said.is_some() && said.as_deref() != is.as_deref()
        };
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        if self.is_preparing() {
            Err(ResponseError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    fn sync(&mut self, turn: &mut Turn<'_>, token: Token, request: &SyncGroupRequest) {
        let id = request.member_id.as_str();
        self.synced(id);
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        if self.state == State::Stable {
            let assignment = member.assignment.clone();
            turn.answer_sync(token, self.assigned(assignment));
            return;
        }
        if let Some(earlier) = member.syncing.replace(token) {
            turn.refuse_sync(earlier, ResponseError::RebalanceInProgress);
        }
        if self.is_leader(id) {
            let mut brought: HashMap<&str, &Bytes> = request
                .assignments
                .iter()
                .map(|a| (a.member_id.as_str(), &a.assignment))
                .collect();
            for member in self.members.values_mut() {
                let assignment = brought.remove(member.id.as_str());
                member.assignment = assignment
                    .map(|a| Bytes::copy_from_slice(a))
                    .unwrap_or_default();
            }
            self.state = State::Stable;
            turn.output.entries.push(self.to_entry());
            self.hand_out(turn);
        }
    }

    /// Answers everybody who waits for an assignment.
    fn hand_out(&mut self, turn: &mut Turn<'_>) {
        let mut waiting = Vec::new();
        for member in self.members.values_mut() {
            if let Some(token) = member.syncing.take() {
                member.keep_alive(turn.now);
                waiting.push((token, member.assignment.clone()));
            }
        }
        for (token, assignment) in waiting {
            turn.answer_sync(token, self.assigned(assignment));
        }
    }

    fn assigned(&self, assignment: Bytes) -> SyncGroupResponse {
        SyncGroupResponse::default()
            .with_protocol_type(self.protocol_type.as_deref().map(text))
            .with_protocol_name(self.protocol.as_deref().map(text))
            .with_assignment(assignment)
    }
}
