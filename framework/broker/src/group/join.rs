//! JoinGroup: a member comes, comes again, or takes the place of its former self.

use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::JoinGroupRequest;
use uuid::Uuid;

use super::coordinator::Coordinator;
use super::member::{Member, millis};
use super::output::{Context, Output, Token, Turn, text};
use super::rebalance::NEW_MEMBER_JOIN;
use super::state::{Group, State};

/// From this version on a dynamic member is told its id first and joins with it, so that a lost answer leaves no ghost.
const MEMBER_ID_REQUIRED: i16 = 4;
/// From this version on the leader can be told that the assignment stands.
const SKIP_ASSIGNMENT: i16 = 9;

/// One join on its way.
struct Join<'a> {
    token: Token,
    context: &'a Context,
    request: &'a JoinGroupRequest,
}

impl Coordinator {
    /// JoinGroup 0-9.
    pub(crate) fn join(
        &mut self,
        now: Instant,
        token: Token,
        context: &Context,
        request: &JoinGroupRequest,
    ) -> Output {
        let mut turn = Turn::new(now, &self.config);
        let (group_id, member_id) = (request.group_id.as_str(), request.member_id.as_str());
        let session = millis(request.session_timeout_ms);
        if group_id.is_empty() {
            turn.refuse_join(token, member_id, ResponseError::InvalidGroupId);
            return turn.output;
        }
        if session < self.config.min_session_timeout || session > self.config.max_session_timeout {
            turn.refuse_join(token, member_id, ResponseError::InvalidSessionTimeout);
            return turn.output;
        }
        if !member_id.is_empty() && !self.groups.contains_key(group_id) {
            turn.refuse_join(token, member_id, ResponseError::UnknownMemberId);
            return turn.output;
        }
        let group = self
            .groups
            .entry(group_id.to_owned())
            .or_insert_with(|| Group::new(group_id, now));
        let join = Join {
            token,
            context,
            request,
        };
        if !group.supports(request) {
            turn.refuse_join(token, member_id, ResponseError::InconsistentGroupProtocol);
        } else if member_id.is_empty() {
            self.ids += 1;
            let unique = Uuid::new_v5(&self.config.id_namespace, &self.ids.to_be_bytes());
            let name = request
                .group_instance_id
                .as_ref()
                .unwrap_or(&context.client_id);
            group.join_new(&mut turn, &join, format!("{name}-{unique}"));
        } else {
            group.join_known(&mut turn, &join);
        }
        let output = turn.output;
        self.settle(group_id);
        output
    }
}

impl Group {
    fn join_new(&mut self, turn: &mut Turn<'_>, join: &Join<'_>, id: String) {
        let former = join
            .request
            .group_instance_id
            .as_deref()
            .and_then(|instance| self.member_of_instance(instance));
        if let Some(former) = former.map(ToOwned::to_owned) {
            self.replace(turn, join, &former, &id);
        } else if join.request.group_instance_id.is_none()
            && join.context.version >= MEMBER_ID_REQUIRED
        {
            turn.refuse_join(join.token, &id, ResponseError::MemberIdRequired);
            self.pending
                .insert(id, turn.now + millis(join.request.session_timeout_ms));
        } else {
            self.join_as(turn, join, id);
        }
    }

    fn join_known(&mut self, turn: &mut Turn<'_>, join: &Join<'_>) {
        let id = join.request.member_id.as_str();
        let instance = join.request.group_instance_id.as_deref();
        if self.pending.contains_key(id) {
            if instance.is_some() {
                // Ids are held for dynamic members alone; Kafka, too, takes this for a broken client.
                turn.refuse_join(join.token, id, ResponseError::UnknownServerError);
            } else {
                self.join_as(turn, join, id.to_owned());
            }
            return;
        }
        if let Err(error) = self.check_member(id, instance) {
            turn.refuse_join(join.token, id, error);
            return;
        }
        let says_the_same = self
            .members
            .get(id)
            .is_some_and(|m| m.says_the_same(join.request));
        let nothing_new = match &self.state {
            // It may have missed the answer to its join.
            State::Completing => says_the_same,
            // A leader that joins again has seen something that its metadata does not tell, such as new partitions.
            State::Stable => says_the_same && !self.is_leader(id),
            State::Preparing { .. } | State::Empty => false,
        };
        if nothing_new {
            turn.answer_join(join.token, self.generation_for(id));
        } else {
            self.wait_for_join(turn, join, id);
            self.rebalance(turn);
        }
    }

    /// Adds a member and rebalances.
    fn join_as(&mut self, turn: &mut Turn<'_>, join: &Join<'_>, id: String) {
        if let State::Preparing {
            initial: Some(initial),
            ..
        } = &mut self.state
        {
            initial.joined_meanwhile = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(join.request.protocol_type.to_string());
        }
        let mut member = Member::new(id, join.context, join.request);
        member.joining = Some(join.token);
        member.session = Some(turn.now + NEW_MEMBER_JOIN);
        self.add(member);
        self.rebalance(turn);
    }

    /// A static member is back under a new id. The former one is fenced: whatever it still sends is refused.
    fn replace(&mut self, turn: &mut Turn<'_>, join: &Join<'_>, former: &str, id: &str) {
        let Some(mut member) = self.members.remove(former) else {
            return;
        };
        if let Some(token) = member.joining.take() {
            turn.refuse_join(token, former, ResponseError::FencedInstanceId);
        }
        if let Some(token) = member.syncing.take() {
            turn.refuse_sync(token, ResponseError::FencedInstanceId);
        }
        let led = self.is_leader(former);
        if led {
            self.leader = Some(id.to_owned());
        }
        id.clone_into(&mut member.id);
        self.members.insert(id.to_owned(), member);
        self.wait_for_join(turn, join, id);
        if let Some(member) = self.members.get_mut(id) {
            member.keep_alive(turn.now);
        }
        match &self.state {
            State::Stable if self.select_protocol() == self.protocol => {
                // The assignment stands, and moves on with the instance id: nobody else notices the restart.
                turn.output.entries.push(self.to_entry());
                let mut response = self.generation_for(id);
                if join.context.version >= SKIP_ASSIGNMENT {
                    response.skip_assignment = led;
                } else if led {
                    // It cannot be told to skip, so it is not told that it leads: it would assign anew for nobody.
                    response.leader = text(former);
                    response.members.clear();
                }
                if let Some(member) = self.members.get_mut(id) {
                    member.joining = None;
                }
                turn.answer_join(join.token, response);
            }
            // Also while the leader assigns: it would do so for the former id.
            State::Stable | State::Completing => self.prepare(turn),
            State::Preparing { .. } | State::Empty => self.maybe_complete_join(turn),
        }
    }

    /// A member's join waits from here on. One that waited before was given up by its client, who sent another.
    fn wait_for_join(&mut self, turn: &mut Turn<'_>, join: &Join<'_>, id: &str) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.update(join.context, join.request);
        if let Some(earlier) = member.joining.replace(join.token) {
            turn.refuse_join(earlier, id, ResponseError::RebalanceInProgress);
        }
    }
}
