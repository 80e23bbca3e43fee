"""A consumer and a producer of the sample's events in Python: Confluent's client and its Avro serdes, through a registry.

    events.py read BOOTSTRAP REGISTRY TOPIC...        every event from the beginning to the end, one JSON object a line
    events.py write BOOTSTRAP REGISTRY CE_ID SCHEMA   an OrderCreated, from stdin as JSON; says where it stands
"""

import datetime
import json
import sys
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient, record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SECONDS = 30


# consumer: begin
def read(bootstrap, registry, topics):
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reports", "enable.auto.commit": False})
    for message in from_beginning_to_end(consumer, topics):
        headers = dict(message.headers() or [])
        kind = headers["ce_type"].decode()
        if kind.startswith("kolo."):
            continue  # fences, markers, parked records: kolo's own, and no Avro
        event = deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
        take(message, kind, headers["ce_id"].decode(), event)
    consumer.close()
# consumer: end


def from_beginning_to_end(consumer, topics):
    """The records that stand in the topics now. A consumer that stays would subscribe and poll for ever."""
    ends = {}
    for topic in topics:
        for partition in consumer.list_topics(topic, timeout=SECONDS).topics[topic].partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
            if first < end:
                ends[topic, partition] = (first, end)
    consumer.assign([TopicPartition(topic, partition, first) for (topic, partition), (first, _) in ends.items()])
    while ends:
        message = consumer.poll(SECONDS)
        if message is None:
            sys.exit(f"nothing has come for {SECONDS} s, and these are not read to their ends: {ends}")
        if message.error():
            sys.exit(f"{message.topic()}[{message.partition()}]: {message.error()}")
        place = message.topic(), message.partition()
        if place not in ends:
            continue
        if message.offset() < ends[place][1]:
            yield message
        if message.offset() + 1 >= ends[place][1]:
            del ends[place]


def take(message, kind, event_id, event):
    place = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
    print(json.dumps(place | {"type": kind, "id": event_id, "value": event}, default=plain))


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    """What a logical type was made of, as it stands in the bytes: `kolo tail` and Java's generic records show that, and
    only this deserializer goes further. This is the one place where values are made alike."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    raise TypeError(f"no event of the sample has a {type(value).__name__}: say here how it is written")


# producer: begin
def write(bootstrap, registry, event_id, schema, order):
    serialize = AvroSerializer(
        SchemaRegistryClient({"url": registry}),
        schema,
        conf={"auto.register.schemas": False, "subject.name.strategy": record_subject_name_strategy},
    )
    # librdkafka's own partitioner is another one than Java's, which kolo's topics are partitioned by.
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "partitioner": "murmur2_random"})
    producer.produce(
        "orders",
        key=order["order_id"],
        value=serialize(order, SerializationContext("orders", MessageField.VALUE)),
        headers={
            "ce_specversion": "1.0",
            "ce_id": event_id,  # the same when it is sent again
            "ce_source": "/web-shop",
            "ce_type": "shop.order.OrderCreated",
        },
        on_delivery=delivered,
    )
    producer.flush(SECONDS)
# producer: end


def delivered(error, message):
    if error is not None:
        sys.exit(f"it is not delivered: {error}")
    print(json.dumps({"partition": message.partition(), "offset": message.offset()}))


if __name__ == "__main__":
    command, bootstrap, registry, *rest = sys.argv[1:]
    if command == "read":
        read(bootstrap, registry, rest)
    else:
        event_id, schema_file = rest
        with open(schema_file, encoding="utf-8") as file:
            write(bootstrap, registry, event_id, file.read(), json.load(sys.stdin))
