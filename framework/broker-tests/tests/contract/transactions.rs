//! What the embedded broker does not serve. Apache Kafka does, so these cases run on the embedded broker only.

use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, InitProducerIdRequest, TransactionalId,
};
use rdkafka::producer::{BaseProducer, Producer};

use crate::common::broker::is_embedded;
use crate::common::calls::text;
use crate::common::errors::NONE;
use crate::common::raw::Raw;
use crate::common::{PATIENCE, client, unique};

/// Embedded broker only: the calls of a transaction are not told of, and a transactional id is refused, for good.
#[test]
fn transactions_are_refused() {
    if !is_embedded() {
        return;
    }
    let mut raw = Raw::connect();
    let told = raw.call(0, &ApiVersionsRequest::default()).api_keys;
    for api in [
        ApiKey::AddPartitionsToTxn,
        ApiKey::AddOffsetsToTxn,
        ApiKey::EndTxn,
        ApiKey::TxnOffsetCommit,
    ] {
        assert!(
            told.iter().all(|one| one.api_key != api as i16),
            "{api:?} is told of"
        );
    }
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(text(&unique("transactional")))))
        .with_transaction_timeout_ms(10_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1);
    let answer = raw.call(4, &request);
    assert_ne!(answer.error_code, NONE);
    let error = kafka_protocol::ResponseError::try_from_code(answer.error_code).expect("an error");
    assert!(
        !error.is_retriable(),
        "{error:?} makes a client try again for ever"
    );
}

/// Embedded broker only: librdkafka's transactional producer is told so at once instead of trying until its time is up.
#[test]
fn a_transactional_producer_is_told_at_once() {
    if !is_embedded() {
        return;
    }
    let producer: BaseProducer = client()
        .set("transactional.id", unique("transactional"))
        .create()
        .expect("a producer");
    let asked = std::time::Instant::now();
    let error = producer.init_transactions(PATIENCE).expect_err("refused");
    assert!(
        asked.elapsed() < PATIENCE / 4,
        "{error:?} after {:?}",
        asked.elapsed()
    );
}
