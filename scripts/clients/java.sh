# shellcheck shell=bash
# The tools of Apache Kafka, which are its Java clients. Sourced, never run.

readonly TOPICS=org.apache.kafka.tools.TopicCommand
readonly CONFIGS=kafka.admin.ConfigCommand
readonly PRODUCER=org.apache.kafka.tools.ConsoleProducer
readonly CONSUMER=org.apache.kafka.tools.consumer.ConsoleConsumer
readonly GROUPS_TOOL=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
readonly OFFSETS=org.apache.kafka.tools.GetOffsetShell
readonly DELETE_RECORDS=org.apache.kafka.tools.DeleteRecordsCommand

# Short-lived, so without the optimising compiler.
JAVA_TOOL=("$(java_command)" -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$KAFKA_JARS/*")

# java_here CLASS ARG...: one of the tools, on the broker.
java_here() { run "${JAVA_TOOL[@]}" "$1" --bootstrap-server "$BOOTSTRAP" "${@:2}"; }

# java_fails WORDS CLASS ARG...: it is to say these words.
java_fails() {
    # Some of the tools say what is wrong and exit with 0 all the same: the words are what counts.
    quietly "${JAVA_TOOL[@]}" "$2" --bootstrap-server "$BOOTSTRAP" "${@:3}" || true
    says "$1"
}

java_consume() {
    java_here "$CONSUMER" --timeout-ms 30000 --formatter-property print.key=true --formatter-property print.headers=true \
        --formatter-property print.partition=true --formatter-property print.offset=true "$@"
}

with_java() {
    java_topics
    java_records
    java_and_kcat
    java_groups
    java_live_group
    java_offsets
    java_deletions
}

# What describe prints of so many partitions; an id is whatever it is.
described() {
    local partition
    printf 'Topic: java-tea\tTopicId: ID\tPartitionCount: %s\tReplicationFactor: 1\tConfigs: %s' "$1" "$2"
    for ((partition = 0; partition < $1; partition++)); do
        printf '\n\tTopic: java-tea\tPartition: %s\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: %s\tLastKnownElr: %s' \
            "$partition" "$ELR" "$ELR"
    done
}

java_describe() {
    java_here "$TOPICS" --describe --topic java-tea
    # Settings of the broker of scripts/kafka are told beside those of the topic.
    OUT=$(sed -E 's/TopicId: [A-Za-z0-9_-]{22}\t/TopicId: ID\t/; s/[[:space:]]+$//
        s/min.insync.replicas=1,|,retention.bytes=-1//g' <<<"$OUT")
}

java_topics() {
    # Apache Kafka knows replicas that may lead again; where nobody can say, the tool prints N/A, as with its older brokers.
    ELR='N/A'
    $EMBEDDED || ELR=''

    step 'kafka-topics: create'
    java_here "$TOPICS" --create --topic java-tea --partitions 3 --config retention.ms=600000
    is 'Created topic java-tea.'
    java_here "$TOPICS" --create --if-not-exists --topic java-tea
    is ''
    java_fails "Topic 'java-tea' already exists" "$TOPICS" --create --topic java-tea
    java_fails 'Unknown topic config name: retentoin.ms' "$TOPICS" --create --topic java-x --config retentoin.ms=1

    step 'kafka-topics: list'
    java_here "$TOPICS" --list --exclude-internal --topic 'java-.*'
    is java-tea

    step 'kafka-topics: describe'
    java_describe
    is "$(described 3 retention.ms=600000 | sed -E 's/[[:space:]]+$//')"
    java_fails "Topic 'java-x' does not exist" "$TOPICS" --describe --topic java-x

    step 'kafka-topics: more partitions'
    java_here "$TOPICS" --alter --topic java-tea --partitions 5
    is ''
    java_describe
    is "$(described 5 retention.ms=600000 | sed -E 's/[[:space:]]+$//')"
    java_fails 'currently has 5 partition(s); 2 would not be an increase' "$TOPICS" --alter --topic java-tea --partitions 2

    step 'kafka-configs: alter, describe, delete'
    local topic=(--entity-type topics --entity-name java-tea)
    java_here "$CONFIGS" "${topic[@]}" --alter --add-config 'max.message.bytes=2000000,retention.ms=700000'
    is 'Completed updating config for topic java-tea.'
    java_here "$CONFIGS" "${topic[@]}" --alter --delete-config retention.ms
    java_here "$CONFIGS" "${topic[@]}" --describe
    is $'Dynamic configs for topic java-tea are:\n  max.message.bytes=2000000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000000, DEFAULT_CONFIG:message.max.bytes=1048588}'
}

java_records() {
    step 'kafka-console-producer: keys, headers, a null, an empty value'
    printf 'origin:a,n:1\tk1\tv1\nNULL\tk2\tNULL\norigin:c\tk3\t\n' >"$WORK/lines"
    java_here "$PRODUCER" --topic java-tea --reader-property parse.key=true --reader-property parse.headers=true \
        --reader-property null.marker=NULL <"$WORK/lines"
    is ''

    step 'kafka-console-consumer: everything, in a group'
    java_consume --topic java-tea --from-beginning --max-messages 3 --group java-readers
    says 'Processed a total of 3 messages'
    is_in_any_order $'Partition:2\tOffset:0\torigin:a,n:1\tk1\tv1\nPartition:3\tOffset:0\tNO_HEADERS\tk2\tnull\nPartition:1\tOffset:0\torigin:c\tk3\t'

    step 'kafka-console-consumer: one partition, from an offset'
    java_consume --topic java-tea --partition 2 --offset 0 --max-messages 1
    is $'Partition:2\tOffset:0\torigin:a,n:1\tk1\tv1'
}

java_and_kcat() {
    local codec
    for codec in gzip snappy lz4 zstd; do
        step "kcat reads what the Java producer compressed with $codec"
        java_here "$TOPICS" --create --topic "java-$codec" --partitions 1
        java_here "$PRODUCER" --topic "java-$codec" --compression-codec "$codec" <"$WORK/numbers"
        kcat_here -C -t "java-$codec" -o beginning -e
        is "$(cat "$WORK/numbers")"
    done

    step 'the Java consumer reads what kcat compressed'
    java_here "$CONSUMER" --topic kcat-zstd --from-beginning --max-messages 2000 --timeout-ms 30000
    is "$(cat "$WORK/numbers")"
}

# A console consumer that is given no group has one all the same, which nobody deletes.
list_groups() {
    java_here "$GROUPS_TOOL" --list
    OUT=$(sed '/^console-consumer-/d' <<<"$OUT")
}

# group_rows: topic, partition, offset, end and lag of each row of a group's description.
group_rows() { OUT=$(awk '$1 == "java-readers" { print $2, $3, $4, $5, $6 }' <<<"$OUT"); }

java_groups() {
    local group=(--group java-readers)
    step 'kafka-consumer-groups: list'
    list_groups
    is_in_any_order $'java-readers\nkcat-pair\nkcat-readers'
    java_here "$GROUPS_TOOL" --list --state --type
    OUT=$(awk '$1 == "java-readers" { print $1, $2, $3 }' <<<"$OUT")
    is 'java-readers Classic Empty'

    step 'kafka-consumer-groups: describe'
    java_here "$GROUPS_TOOL" --describe "${group[@]}"
    says "Consumer group 'java-readers' has no active members."
    group_rows
    is_in_any_order $'java-tea 0 0 0 0\njava-tea 1 1 1 0\njava-tea 2 1 1 0\njava-tea 3 1 1 0\njava-tea 4 0 0 0'
    java_here "$GROUPS_TOOL" --describe "${group[@]}" --state
    OUT=$(awk '$1 == "java-readers" { print $2, $3, $4, $5, $6 }' <<<"$OUT")
    is "$BOOTSTRAP (1) - Empty 0"

    step 'kafka-consumer-groups: reset offsets, and consume again'
    java_here "$GROUPS_TOOL" --reset-offsets "${group[@]}" --topic java-tea --to-earliest --dry-run
    java_here "$GROUPS_TOOL" --describe "${group[@]}"
    group_rows
    is_in_any_order $'java-tea 0 0 0 0\njava-tea 1 1 1 0\njava-tea 2 1 1 0\njava-tea 3 1 1 0\njava-tea 4 0 0 0'
    java_here "$GROUPS_TOOL" --reset-offsets "${group[@]}" --topic java-tea:2,3 --to-earliest --execute
    java_here "$GROUPS_TOOL" --reset-offsets "${group[@]}" --topic java-tea:3 --shift-by 1 --execute
    java_here "$GROUPS_TOOL" --describe "${group[@]}"
    group_rows
    is_in_any_order $'java-tea 0 0 0 0\njava-tea 1 1 1 0\njava-tea 2 0 1 1\njava-tea 3 1 1 0\njava-tea 4 0 0 0'
    java_consume --topic java-tea --max-messages 1 "${group[@]}"
    is $'Partition:2\tOffset:0\torigin:a,n:1\tk1\tv1'
    java_here "$GROUPS_TOOL" --reset-offsets "${group[@]}" --topic java-tea:2 --to-datetime 2001-01-01T00:00:00.000 --execute
    java_here "$GROUPS_TOOL" --describe "${group[@]}"
    group_rows
    is_in_any_order $'java-tea 0 0 0 0\njava-tea 1 1 1 0\njava-tea 2 0 1 1\njava-tea 3 1 1 0\njava-tea 4 0 0 0'
}

is_stable() {
    java_here "$GROUPS_TOOL" --describe --group java-live --state
    [[ $(awk '$1 == "java-live" { print $5, $6 }' <<<"$OUT") == 'Stable 1' ]]
}

java_live_group() {
    step 'kafka-consumer-groups: a group with a member'
    "${JAVA_TOOL[@]}" "$CONSUMER" --bootstrap-server "$BOOTSTRAP" --topic java-tea --group java-live \
        >"$WORK/live.out" 2>"$WORK/live.err" &
    local live=$!
    LEFT+=("$live")
    await is_stable
    java_here "$GROUPS_TOOL" --describe --group java-live --members
    OUT=$(awk '$1 == "java-live" { print $4, $5 }' <<<"$OUT")
    is 'console-consumer 5'
    java_fails 'only be reset if the group' "$GROUPS_TOOL" --reset-offsets --group java-live --topic java-tea --to-earliest --execute
    java_fails 'The group is not empty' "$GROUPS_TOOL" --delete --group java-live
    kill "$live"
    wait "$live" || true

    step 'kafka-consumer-groups: delete offsets, delete the group'
    java_here "$GROUPS_TOOL" --delete-offsets --group java-live --topic java-tea
    java_here "$GROUPS_TOOL" --delete --group java-live
    is "Deletion of requested consumer groups ('java-live') was successful."
    list_groups
    is_in_any_order $'java-readers\nkcat-pair\nkcat-readers'
    java_fails 'Group java-live not found' "$GROUPS_TOOL" --describe --group java-live

    if $EMBEDDED; then
        step 'kafka-console-consumer: the other group protocol is refused, with a way out'
        java_fails 'Set group.protocol=classic' "$CONSUMER" --topic java-tea --command-property group.protocol=consumer \
            --group java-new --timeout-ms 60000
    fi
}

java_offsets() {
    step 'kafka-get-offsets: the next, the first, of a time, of the youngest'
    java_here "$OFFSETS" --topic java-tea
    is $'java-tea:0:0\njava-tea:1:1\njava-tea:2:1\njava-tea:3:1\njava-tea:4:0'
    java_here "$OFFSETS" --topic java-tea --time earliest
    is $'java-tea:0:0\njava-tea:1:0\njava-tea:2:0\njava-tea:3:0\njava-tea:4:0'
    java_here "$OFFSETS" --topic java-tea --time 1
    is $'java-tea:1:0\njava-tea:2:0\njava-tea:3:0'
    java_here "$OFFSETS" --topic java-tea --time max-timestamp
    is $'java-tea:1:0\njava-tea:2:0\njava-tea:3:0'
}

java_deletions() {
    step 'kafka-delete-records'
    printf '{"partitions": [{"topic": "java-gzip", "partition": 0, "offset": 1990}], "version": 1}' >"$WORK/delete.json"
    java_here "$DELETE_RECORDS" --offset-json-file "$WORK/delete.json"
    says $'partition: java-gzip-0\tlow_watermark: 1990'
    java_here "$CONSUMER" --topic java-gzip --from-beginning --max-messages 10 --timeout-ms 30000
    is "$(seq 1991 2000)"

    step 'kafka-topics: delete'
    java_here "$TOPICS" --delete --topic 'java-(snappy|lz4)'
    is ''
    java_here "$TOPICS" --list --exclude-internal
    is_in_any_order "$(printf '%s\n' java-gzip java-tea java-zstd kcat-{group,gzip,large,lz4,pair,records,snappy,zstd})"
    java_fails 'does not exist' "$TOPICS" --delete --topic java-lz4
}
