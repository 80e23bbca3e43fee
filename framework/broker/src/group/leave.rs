//! LeaveGroup: members go, or are sent away by the instance id.

use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::coordinator::Coordinator;
use super::output::{Context, Output, Turn};
use super::state::{Group, State};

/// From this version on several members may leave at once; before, one does, and its error is the answer's.
const BATCHED: i16 = 3;

impl Coordinator {
    /// LeaveGroup 0-5.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        context: &Context,
        request: &LeaveGroupRequest,
    ) -> (LeaveGroupResponse, Output) {
        let mut turn = Turn::new(now, &self.config);
        let response = LeaveGroupResponse::default();
        if request.group_id.is_empty() {
            return (
                response.with_error_code(ResponseError::InvalidGroupId.code()),
                turn.output,
            );
        }
        let one = [MemberIdentity::default().with_member_id(request.member_id.clone())];
        let leaving = if context.version < BATCHED {
            &one[..]
        } else {
            &request.members
        };
        let errors = match self.groups.get_mut(request.group_id.as_str()) {
            Some(group) => group.leave(&mut turn, leaving),
            None => vec![ResponseError::UnknownMemberId.code(); leaving.len()],
        };
        let output = turn.output;
        self.settle(&request.group_id);
        if context.version < BATCHED {
            return (response.with_error_code(errors[0]), output);
        }
        let answered = leaving.iter().zip(errors).map(|(identity, error)| {
            MemberResponse::default()
                .with_member_id(identity.member_id.clone())
                .with_group_instance_id(identity.group_instance_id.clone())
                .with_error_code(error)
        });
        (response.with_members(answered.collect()), output)
    }
}

impl Group {
    /// Answers with one error code for each who leaves.
    fn leave(&mut self, turn: &mut Turn<'_>, leaving: &[MemberIdentity]) -> Vec<i16> {
        let errors: Vec<i16> = leaving
            .iter()
            .map(|identity| match self.who_leaves(identity) {
                Ok(id) => {
                    self.remove(turn, &id);
                    0
                }
                Err(error) => error.code(),
            })
            .collect();
        if errors.contains(&0) {
            match &self.state {
                State::Stable | State::Completing => self.prepare(turn),
                State::Preparing { .. } | State::Empty => self.maybe_complete_join(turn),
            }
        }
        errors
    }

    fn who_leaves(&self, identity: &MemberIdentity) -> Result<String, ResponseError> {
        let id = identity.member_id.as_str();
        let instance = identity.group_instance_id.as_deref();
        if id.is_empty() {
            // An operator sends a static member away, whose member id he need not know.
            let id = instance.and_then(|instance| self.member_of_instance(instance));
            return id
                .map(ToOwned::to_owned)
                .ok_or(ResponseError::UnknownMemberId);
        }
        if !self.pending.contains_key(id) {
            self.check_member(id, instance)?;
        }
        Ok(id.to_owned())
    }
}
