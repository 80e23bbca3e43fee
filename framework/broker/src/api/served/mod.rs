//! What faults need to know of a request: which topics and partitions it names, and how it is refused.

mod groups;
mod records;
mod topics;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;

use crate::faults::Touched;
use crate::topics::Index;

/// A request that is served.
pub(super) trait Served: Request {
    /// The topics that it names, with the partition where it names one.
    fn touched(&self, _index: &Index) -> Touched {
        Touched::new()
    }

    /// The answer that carries an error and nothing else.
    fn refuse(&self, error: ResponseError) -> Self::Response;
}

fn numbered(name: &str, partitions: impl IntoIterator<Item = i32>) -> Vec<(String, Option<i32>)> {
    let mut touched: Touched = partitions
        .into_iter()
        .map(|partition| (name.to_owned(), Some(partition)))
        .collect();
    if touched.is_empty() {
        touched.push((name.to_owned(), None));
    }
    touched
}

/// The name that stands in the request, or that its id stands for.
fn name_of(index: &Index, name: &str, id: &uuid::Uuid) -> String {
    if name.is_empty() {
        index
            .by_id(id)
            .map_or_else(String::new, |topic| topic.name.to_string())
    } else {
        name.to_owned()
    }
}

impl Served for ApiVersionsRequest {
    fn refuse(&self, error: ResponseError) -> ApiVersionsResponse {
        ApiVersionsResponse::default().with_error_code(error.code())
    }
}

impl Served for FindCoordinatorRequest {
    fn refuse(&self, error: ResponseError) -> FindCoordinatorResponse {
        if self.coordinator_keys.is_empty() {
            return FindCoordinatorResponse::default().with_error_code(error.code());
        }
        let keys = self.coordinator_keys.iter();
        let coordinators = keys.map(|key| {
            Coordinator::default()
                .with_key(key.clone())
                .with_error_code(error.code())
        });
        FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
    }
}

impl Served for InitProducerIdRequest {
    fn refuse(&self, error: ResponseError) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
    }
}

impl Served for DescribeClusterRequest {
    fn refuse(&self, error: ResponseError) -> DescribeClusterResponse {
        DescribeClusterResponse::default().with_error_code(error.code())
    }
}
