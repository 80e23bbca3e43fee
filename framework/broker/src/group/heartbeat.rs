//! Heartbeat: a member lives, and learns whether it must join again.

use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::coordinator::Coordinator;
use super::state::Group;

impl Coordinator {
    /// Heartbeat 0-4.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        request: &HeartbeatRequest,
    ) -> HeartbeatResponse {
        let result = if request.group_id.is_empty() {
            Err(ResponseError::InvalidGroupId)
        } else if let Some(group) = self.groups.get_mut(request.group_id.as_str()) {
            group.heartbeat(now, request)
        } else {
            Err(ResponseError::UnknownMemberId)
        };
        self.settle(&request.group_id);
        HeartbeatResponse::default().with_error_code(result.err().map_or(0, |error| error.code()))
    }
}

impl Group {
    fn heartbeat(&mut self, now: Instant, request: &HeartbeatRequest) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        if let Some(member) = self.members.get_mut(request.member_id.as_str()) {
            member.keep_alive(now);
        }
        if self.is_preparing() {
            Err(ResponseError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }
}
