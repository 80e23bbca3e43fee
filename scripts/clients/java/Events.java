import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A consumer and a producer of the sample's events in Java: Kafka's client and Apicurio's Avro serdes, through a registry.
 *
 * <pre>
 * Events read BOOTSTRAP REGISTRY TOPIC...        every event from the beginning to the end, one JSON object a line
 * Events write BOOTSTRAP REGISTRY CE_ID SCHEMA   an OrderCreated, from stdin as JSON; says where it stands
 * </pre>
 */
public final class Events {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    // consumer: begin
    /** kolo's own records, which are fences, markers and parked records, are no Avro: they are null. */
    public static final class EventDeserializer extends AvroKafkaDeserializer<GenericRecord> {
        @Override
        public GenericRecord deserialize(String topic, Headers headers, byte[] value) {
            return text(headers, "ce_type").startsWith("kolo.") ? null : super.deserialize(topic, headers, value);
        }
    }

    static void read(String bootstrap, String registry, List<String> topics) throws Exception {
        var settings = new HashMap<String, Object>();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", "reports");
        settings.put("enable.auto.commit", false);
        settings.put("key.deserializer", StringDeserializer.class);
        settings.put("value.deserializer", EventDeserializer.class);
        settings.put("apicurio.registry.url", registry); // ends in /apis/registry/v3
        settings.put("apicurio.registry.use-id", "contentId"); // the ids that Confluent's clients see
        settings.put("apicurio.registry.id-handler", "io.apicurio.registry.serde.Default4ByteIdHandler");
        try (var consumer = new KafkaConsumer<String, GenericRecord>(settings)) {
            for (var record : fromBeginningToEnd(consumer, topics)) {
                if (record.value() != null) {
                    take(record, text(record.headers(), "ce_type"), text(record.headers(), "ce_id"), record.value());
                }
            }
        }
    }

    static String text(Headers headers, String name) {
        return new String(headers.lastHeader(name).value(), java.nio.charset.StandardCharsets.UTF_8);
    }
    // consumer: end

    /** The records that stand in the topics now. A consumer that stays would subscribe and poll for ever. */
    static List<ConsumerRecord<String, GenericRecord>> fromBeginningToEnd(
            KafkaConsumer<String, GenericRecord> consumer, List<String> topics) {
        var partitions = new ArrayList<TopicPartition>();
        for (var topic : topics) {
            consumer.partitionsFor(topic).forEach(each -> partitions.add(new TopicPartition(topic, each.partition())));
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        var ends = consumer.endOffsets(partitions);
        var records = new ArrayList<ConsumerRecord<String, GenericRecord>>();
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
            for (var record : consumer.poll(Duration.ofMillis(200))) {
                deadline = System.nanoTime() + PATIENCE.toNanos();
                if (record.offset() < ends.get(new TopicPartition(record.topic(), record.partition()))) {
                    records.add(record);
                }
            }
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("nothing has come for " + PATIENCE + ", and not all is read to " + ends);
            }
        }
        return records;
    }

    static void take(ConsumerRecord<String, ?> record, String type, String id, GenericRecord event) throws Exception {
        var line = new LinkedHashMap<String, Object>();
        line.put("topic", record.topic());
        line.put("partition", record.partition());
        line.put("offset", record.offset());
        line.put("type", type);
        line.put("id", id);
        line.put("value", plain(event));
        System.out.println(JSON.writeValueAsString(line));
    }

    /** Generic records hold what stands in the bytes: logical types need nothing here. */
    static Object plain(Object value) {
        if (value instanceof GenericRecord record) {
            var fields = new LinkedHashMap<String, Object>();
            record.getSchema().getFields().forEach(field -> fields.put(field.name(), plain(record.get(field.pos()))));
            return fields;
        }
        if (value instanceof List<?> list) {
            return list.stream().map(Events::plain).toList();
        }
        if (value == null || value instanceof Integer || value instanceof Long) {
            return value;
        }
        if (value instanceof CharSequence) {
            return value.toString();
        }
        throw new IllegalStateException("no event of the sample has a " + value.getClass() + ": say here how it is written");
    }

    // producer: begin
    static void write(String bootstrap, String registry, String eventId, Schema schema, JsonNode order) throws Exception {
        var settings = new HashMap<String, Object>();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("acks", "all");
        settings.put("key.serializer", StringSerializer.class);
        settings.put("value.serializer", AvroKafkaSerializer.class);
        settings.put("apicurio.registry.url", registry);
        settings.put("apicurio.registry.use-id", "contentId");
        settings.put("apicurio.registry.id-handler", "io.apicurio.registry.serde.Default4ByteIdHandler");
        // The subject is the event's full name, in the group of all that Confluent's clients register.
        settings.put(
                "apicurio.registry.artifact-resolver-strategy",
                "io.apicurio.registry.serde.avro.strategy.QualifiedRecordIdStrategy");
        settings.put("apicurio.registry.artifact.group-id", "default");
        settings.put("apicurio.registry.find-latest", true);
        var record = new ProducerRecord<>("orders", order.get("order_id").asText(), event(schema, order));
        Map.of(
                        "ce_specversion", "1.0",
                        "ce_id", eventId, // the same when it is sent again
                        "ce_source", "/web-shop",
                        "ce_type", "shop.order.OrderCreated")
                .forEach((name, value) -> record.headers().add(name, value.getBytes()));
        try (var producer = new KafkaProducer<String, GenericRecord>(settings)) {
            var stands = producer.send(record).get();
            System.out.println(JSON.writeValueAsString(Map.of("partition", stands.partition(), "offset", stands.offset())));
        }
    }

    static GenericRecord event(Schema schema, JsonNode order) {
        var lines = new ArrayList<GenericRecord>();
        for (var line : order.get("lines")) {
            lines.add(new GenericRecordBuilder(schema.getField("lines").schema().getElementType())
                    .set("sku", line.get("sku").asText())
                    .set("quantity", line.get("quantity").asInt())
                    .set("unit_price_cents", line.get("unit_price_cents").asLong())
                    .build());
        }
        return new GenericRecordBuilder(schema)
                .set("order_id", order.get("order_id").asText())
                .set("customer_id", order.get("customer_id").asText())
                .set("lines", lines)
                .set("currency", order.get("currency").asText())
                .set("total_cents", order.get("total_cents").asLong())
                .set("answer_within_seconds", order.get("answer_within_seconds").asInt())
                .build();
    }
    // producer: end

    public static void main(String[] arguments) throws Exception {
        var rest = List.of(arguments).subList(3, arguments.length);
        if (arguments[0].equals("read")) {
            read(arguments[1], arguments[2], rest);
        } else {
            var schema = new Schema.Parser().parse(Files.readString(Path.of(rest.get(1))));
            write(arguments[1], arguments[2], rest.get(0), schema, JSON.readTree(System.in));
        }
    }
}
