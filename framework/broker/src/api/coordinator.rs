//! `FindCoordinator` and `InitProducerId`: there is one broker for everything, and there are no transactions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{
    BrokerId, FindCoordinatorRequest, FindCoordinatorResponse, InitProducerIdRequest,
    InitProducerIdResponse, ProducerId,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use crate::node::NODE_ID;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// The error that transactional producers take for final, where others make them try for ever.
const NO_TRANSACTIONS: ResponseError = ResponseError::TransactionalIdAuthorizationFailed;

pub(super) async fn find(
    call: &Call<'_>,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let place = call.node.advertised(call.client);
    let error = match request.key_type {
        GROUP if place.is_none() => Some((
            ResponseError::CoordinatorNotAvailable,
            "nobody names the broker",
        )),
        GROUP => None,
        TRANSACTION => Some((NO_TRANSACTIONS, "this embedded broker has no transactions")),
        _ => Some((
            ResponseError::InvalidRequest,
            "only groups have a coordinator here",
        )),
    };
    let (error_code, error_message) = match error {
        Some((error, message)) => (error.code(), Some(StrBytes::from_static_str(message))),
        None => (0, None),
    };
    let (node_id, (host, port)) = match place {
        Some(place) if error.is_none() => (NODE_ID, place),
        _ => (BrokerId(-1), (StrBytes::default(), -1)),
    };
    if call.version() < 4 {
        return FindCoordinatorResponse::default()
            .with_error_code(error_code)
            .with_error_message(error_message)
            .with_node_id(node_id)
            .with_host(host)
            .with_port(port);
    }
    let coordinators = request.coordinator_keys.into_iter().map(|key| {
        Coordinator::default()
            .with_key(key)
            .with_error_code(error_code)
            .with_error_message(error_message.clone())
            .with_node_id(node_id)
            .with_host(host.clone())
            .with_port(port)
    });
    FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
}

pub(super) async fn init_producer_id(
    call: &Call<'_>,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let refuse = |error: ResponseError| {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    };
    if request.transactional_id.is_some() {
        return refuse(NO_TRANSACTIONS);
    }
    match call.node.catalogue.producer_id().await {
        Ok(id) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(0),
        Err(refusal) => refuse(refusal.code),
    }
}
