//! Groups as operators see them: DescribeGroups, ListGroups, DeleteGroups.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    GroupId, ListGroupsRequest, ListGroupsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::coordinator::Coordinator;
use super::entry;
use super::output::{Context, Entry, Output, text};
use super::state::{Group, State};

/// From this version on a group that is not there is an error; before, it was described as dead.
const DESCRIBE_NOT_FOUND: i16 = 6;
const LIST_STATES: i16 = 4;
const LIST_TYPES: i16 = 5;
/// The only type there is here; the newer protocol's groups are `Consumer`.
const CLASSIC: &str = "Classic";

impl Coordinator {
    /// DescribeGroups 0-6.
    pub(crate) fn describe(
        &self,
        context: &Context,
        request: &DescribeGroupsRequest,
    ) -> DescribeGroupsResponse {
        let groups = request
            .groups
            .iter()
            .map(|id| match self.groups.get(id.as_str()) {
                Some(group) => group.describe(),
                None => {
                    let dead = DescribedGroup::default()
                        .with_group_id(id.clone())
                        .with_group_state(StrBytes::from_static_str("Dead"));
                    if context.version < DESCRIBE_NOT_FOUND {
                        dead
                    } else {
                        dead.with_error_code(ResponseError::GroupIdNotFound.code())
                            .with_error_message(Some(text(&format!(
                                "Group {} not found.",
                                id.as_str()
                            ))))
                    }
                }
            });
        DescribeGroupsResponse::default().with_groups(groups.collect())
    }

    /// ListGroups 0-5.
    pub(crate) fn list(
        &self,
        context: &Context,
        request: &ListGroupsRequest,
    ) -> ListGroupsResponse {
        let wanted = |filter: &[StrBytes], name: &str| {
            filter.is_empty() || filter.iter().any(|f| f.eq_ignore_ascii_case(name))
        };
        let groups = self.groups.values().filter(|group| {
            wanted(&request.states_filter, group.state.name())
                && wanted(&request.types_filter, CLASSIC)
        });
        let listed = groups.map(|group| {
            let mut listed = ListedGroup::default()
                .with_group_id(GroupId(text(&group.id)))
                .with_protocol_type(text(group.protocol_type.as_deref().unwrap_or_default()));
            if context.version >= LIST_STATES {
                listed.group_state = StrBytes::from_static_str(group.state.name());
            }
            if context.version >= LIST_TYPES {
                listed.group_type = StrBytes::from_static_str(CLASSIC);
            }
            listed
        });
        ListGroupsResponse::default().with_groups(listed.collect())
    }

    /// DeleteGroups 0-2.
    pub(crate) fn delete(
        &mut self,
        request: &DeleteGroupsRequest,
    ) -> (DeleteGroupsResponse, Output) {
        let mut output = Output::default();
        let mut results = Vec::with_capacity(request.groups_names.len());
        for id in &request.groups_names {
            let error = match self.groups.get(id.as_str()) {
                None => ResponseError::GroupIdNotFound.code(),
                Some(group) if !group.is_empty() => ResponseError::NonEmptyGroup.code(),
                Some(_) => {
                    output.entries.extend(self.forget(id));
                    0
                }
            };
            results.push(
                DeletableGroupResult::default()
                    .with_group_id(id.clone())
                    .with_error_code(error),
            );
        }
        (
            DeleteGroupsResponse::default().with_results(results),
            output,
        )
    }
}

impl Group {
    fn describe(&self) -> DescribedGroup {
        // Before the assignment is made, what members say and have is about to change, and Kafka keeps it to itself.
        let stable = self.state == State::Stable;
        let protocol = self
            .protocol
            .as_deref()
            .filter(|_| stable)
            .unwrap_or_default();
        let members = self.members.values().map(|member| {
            DescribedGroupMember::default()
                .with_member_id(text(&member.id))
                .with_group_instance_id(member.instance.as_deref().map(text))
                .with_client_id(text(&member.client_id))
                .with_client_host(text(&member.client_host))
                .with_member_metadata(if stable {
                    member.metadata(protocol)
                } else {
                    Bytes::new()
                })
                .with_member_assignment(if stable {
                    member.assignment.clone()
                } else {
                    Bytes::new()
                })
        });
        DescribedGroup::default()
            .with_group_id(GroupId(text(&self.id)))
            .with_group_state(StrBytes::from_static_str(self.state.name()))
            .with_protocol_type(text(self.protocol_type.as_deref().unwrap_or_default()))
            .with_protocol_data(text(protocol))
            .with_members(members.collect())
    }

    /// What deletes all that was stored of this group.
    pub(super) fn tombstones(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (topic, partitions) in &self.offsets {
            entries.extend(
                partitions
                    .keys()
                    .map(|partition| entry::deleted_offset(&self.id, topic, *partition)),
            );
        }
        entries.push(entry::deleted_group(&self.id));
        entries
    }
}
