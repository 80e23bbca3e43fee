//! `DescribeCluster`: one broker.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use crate::node::NODE_ID;

/// Asks for brokers, where 2 asks for controllers.
const BROKERS: i8 = 1;

pub(super) async fn describe(
    call: &Call<'_>,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    if call.version() >= 1 && request.endpoint_type != BROKERS {
        return DescribeClusterResponse::default()
            .with_error_code(ResponseError::MismatchedEndpointType.code())
            .with_error_message(Some(StrBytes::from_static_str(
                "this is the endpoint of a broker",
            )));
    }
    let broker = call.node.advertised(call.client).map(|(host, port)| {
        DescribeClusterBroker::default()
            .with_broker_id(NODE_ID)
            .with_host(host)
            .with_port(port)
    });
    DescribeClusterResponse::default()
        .with_cluster_id(StrBytes::from_string(
            call.node.catalogue.cluster_id().to_owned(),
        ))
        .with_controller_id(NODE_ID)
        .with_brokers(broker.into_iter().collect())
}
