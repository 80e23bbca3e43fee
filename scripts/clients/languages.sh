# shellcheck shell=bash
# Clients in Python and Java, with the Avro serdes that people use there. Sourced, never run.

# shellcheck source=scripts/python.sh
source scripts/python.sh

# How each is called, once it is there.
PYTHON_CLIENT=() JAVA_CLIENT=()

with_python() {
    python_packages "$KAFKA_ROOT/.jars/event-client" scripts/clients/python/requirements.txt
    PYTHON_CLIENT=(env "PYTHONPATH=$PYTHON_PACKAGES" PYTHONDONTWRITEBYTECODE=1 python3 scripts/clients/python/events.py)
}

with_jvm() {
    local pom=scripts/clients/java/pom.xml jars java compiler log=$KAFKA_ROOT/.jars/download-event-client.log
    require_java
    java=$(java_command)
    compiler=${java}c
    command -v "$compiler" >/dev/null ||
        die "no '$compiler' found: install a JDK (Debian: apt-get install default-jdk-headless), or set JAVA_HOME to one"
    jars=$KAFKA_ROOT/.jars/event-client-java-$(cksum <"$pom" | cut -d' ' -f1)
    if [[ ! -d $jars ]]; then
        command -v mvn >/dev/null ||
            die "no 'mvn' found, which downloads Apicurio's serdes once: install Maven (Debian: apt-get install maven)"
        say "downloading Apicurio's serdes for Java into .kafka/.jars (once)"
        rm -rf "$jars.partial"
        if ! again mvn --batch-mode --quiet --file "$pom" \
            "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN:copy-dependencies" \
            -DincludeScope=runtime "-DoutputDirectory=$jars.partial" >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            die "Maven could not download what $pom names; its whole output: $log"
        fi
        mv "$jars.partial" "$jars"
    fi
    "$compiler" --release "$JAVA_AT_LEAST" -cp "$jars/*" -d "$WORK/classes" scripts/clients/java/Events.java ||
        die 'scripts/clients/java/Events.java does not compile'
    JAVA_CLIENT=("$java" -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$WORK/classes:$jars/*" Events)
}

# use_client NAME: the client, and the registry as it wants it: Apicurio's speak its own interface.
use_client() {
    case $1 in
        Python) CLIENT=("${PYTHON_CLIENT[@]}") CLIENT_REGISTRY=$REGISTRY ;;
        Java) CLIENT=("${JAVA_CLIENT[@]}") CLIENT_REGISTRY=${REGISTRY%/ccompat/v7}/registry/v3 ;;
    esac
}

# client_writes NAME: an order, twice under one id as a producer does that has lost the answer; it is one saga.
client_writes() {
    local order id partition again
    use_client "$1"
    order=$(uuid) id=$(uuid)
    run "$KOLO" schema show OrderCreated --raw
    printf '%s\n' "$OUT" >"$WORK/OrderCreated.avsc"
    an_order "$order" >"$WORK/order.json"

    step "$1 writes an OrderCreated, and the order is confirmed"
    client_writes_it "$id"
    partition=$PARTITION
    await stands orders.outcome OrderConfirmed "$order"
    stands orders.outcome OrderOpened "$order"
    [[ $OUT == *"\"causation\":\"$id\""* ]] || fail "the event that it answers is not $id: $OUT"

    step "$1 writes it again under the same ce_id, which changes nothing"
    client_writes_it "$id"
    [[ $PARTITION == "$partition" ]] || fail "it stands on the partitions $partition and $PARTITION"
    run "$KOLO" tail orders --no-follow --json --key "$order"
    again=$(grep -c "\"id\":\"$id\"" <<<"$OUT")
    [[ $again == 2 ]] || fail "the id $id stands in the topic orders $again times, and twice was expected"
    decided_up_to "$partition"
    run "$KOLO" tail orders.outcome inventory payments --no-follow --json --key "$order"
    OUT=$(sed -n 's/.*"type":"\(shop\.[^"]*\)".*/\1/p' <<<"$OUT")
    is_in_any_order "$(printf 'shop.%s\n' order.Order{Opened,Confirmed} payment.Payment{Requested,Authorized} \
        inventory.{ReservationOpened,LineHeld,InventoryReserved})"
}

client_writes_it() {
    run "${CLIENT[@]}" write "$BOOTSTRAP" "$CLIENT_REGISTRY" "$1" "$WORK/OrderCreated.avsc" <"$WORK/order.json"
    PARTITION=$(sed -n 's/.*"partition": *\([0-9]*\).*/\1/p' <<<"$OUT")
    [[ -n $PARTITION ]] || fail "it does not say where the record stands: $OUT"
}

client_reads() {
    use_client "$1"
    step "$1 reads every event"
    run "${CLIENT[@]}" read "$BOOTSTRAP" "$CLIENT_REGISTRY" "${EVENT_TOPICS[@]}"
    printf '%s\n' "$OUT" >"$WORK/found"
    run python3 scripts/clients/python/compare.py "$1" "$WORK/expected" "$WORK/found" "$WORK/types"
    say_step "$OUT"
}
