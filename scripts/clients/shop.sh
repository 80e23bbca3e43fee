# shellcheck shell=bash
# The sample, as processes on a broker that is thrown away: what the clients of other languages read and write. Sourced,
# never run.

# Everything that holds events; more is found when the services have created it.
EVENT_TOPICS=()
# name=pid of each service.
RUNNING=()
readonly SKU=tea
readonly PRICE_CENTS=250
# How long the gateway takes: so slow that some customers cancel what is being paid.
readonly LATENCY_MS=300

# start_shop REGISTRY: an empty REGISTRY is the one that kolo dev brings.
start_shop() {
    local name
    # shellcheck disable=SC2034  # lib.sh starts the broker with them
    if [[ -n $1 ]]; then DEV_ARGUMENTS=(--no-registry); else DEV_ARGUMENTS=(--registry-port 0); fi
    start_broker
    REGISTRY=${1:-$(sed -n 's/.*"registry":"\([^"]*\)".*/\1/p' "$WORK/ready")}
    export KOLO_BOOTSTRAP=$BOOTSTRAP KOLO_REGISTRY_URL=$REGISTRY KOLO_STATE_DIR='' KOLO_SCHEMAS=$PWD/schemas/avro
    # An Apicurio that has just been started may take seconds for its first schema.
    export KOLO_REGISTRY_TIMEOUT_MS=60000
    step "the schemas are registered at $REGISTRY"
    run "$KOLO" schema register

    step 'the services start'
    for name in order inventory payment; do run "$BINARIES/$name" topics; done
    rm -f "$WORK/gateway"
    "$BINARIES/shop" gateway --port 0 --gateway-latency-ms "$LATENCY_MS" >"$WORK/gateway" 2>&1 &
    started gateway "$!"
    await has_line "$WORK/gateway"
    GATEWAY_URL=$(head -n 1 "$WORK/gateway")
    export GATEWAY_URL
    for name in order inventory payment; do
        "$BINARIES/$name" >"$WORK/$name" 2>&1 &
        started "$name" "$!"
    done
    run "$KOLO" topics list
    mapfile -t EVENT_TOPICS < <(awk '$1 !~ /^(_|kolo\.)/ { print $1 }' <<<"$OUT")
    receive_stock
}

started() {
    RUNNING+=("$1=$2")
    LEFT+=("$2")
}

has_line() {
    all_run
    [[ -s $1 ]]
}

# all_run: has a service ended, this is why all else waits.
all_run() {
    local each
    for each in "${RUNNING[@]}"; do
        kill -0 "${each#*=}" 2>/dev/null || fail "'${each%=*}' does not run any more; it said last:"$'\n'"$(tail -n 5 "$WORK/${each%=*}")"
    done
}

# stands TOPIC TYPE KEY: is there such an event? The line of it is in OUT.
stands() {
    all_run
    run "$KOLO" tail "$1" --no-follow --json --type "$2" --key "$3"
    [[ -n $OUT ]]
}

receive_stock() {
    step 'goods arrive'
    run "$KOLO" publish StockReceived "{\"sku\": \"$SKU\", \"quantity\": 1000}"
    await stands inventory.stock StockAdded "$SKU"
}

uuid() { python3 -c 'import uuid; print(uuid.uuid4())'; }

# an_order ID: as JSON. Each field has a value, so that each kind of value is written.
an_order() {
    printf '{"order_id": "%s", "customer_id": "customer-7", "currency": "EUR", "total_cents": %s, "answer_within_seconds": 600,
        "lines": [{"sku": "%s", "quantity": 2, "unit_price_cents": %s}]}' "$1" "$((2 * PRICE_CENTS))" "$SKU" "$PRICE_CENTS"
}

# decided_up_to PARTITION: until all that stands there in the topic orders is decided. An order that was published behind
# it is confirmed, and what has one key, or one partition, is decided in its order.
decided_up_to() {
    local order try there="\"partition\":$1[,}]"
    for ((try = 0; try < 200; try++)); do
        order=$(uuid)
        run "$KOLO" publish OrderCreated "$(an_order "$order")" --json
        if [[ $OUT =~ $there ]]; then
            await stands orders.outcome OrderConfirmed "$order"
            return
        fi
    done
    fail "no order of $try came to the partition $1 of the topic orders"
}

# gateway_does FAULTS: what goes wrong there from now on, as JSON.
gateway_does() {
    run python3 -c 'import sys, urllib.request as http; http.urlopen(http.Request(sys.argv[1], sys.argv[2].encode(), method="PUT"))' \
        "$GATEWAY_URL/faults" "$1"
}

# one_is_refunded: an order that is cancelled while it is paid. It would be luck among the others.
one_is_refunded() {
    local order
    order=$(uuid)
    step 'an order is cancelled while its money is asked for, and paid back'
    gateway_does '{"error_rate": 1.0}'
    run "$KOLO" publish OrderCreated "$(an_order "$order")"
    await stands payments PaymentRequested "$order"
    run "$KOLO" publish CancelRequested "{\"order_id\": \"$order\"}"
    await stands orders.outcome OrderCancelled "$order"
    gateway_does "{\"latency_ms\": $LATENCY_MS}"
    await stands payments PaymentRefunded "$order"
}

# all_types_occur: loads, until each type of event stands somewhere. What customers who change their minds meet is a
# matter of luck, so a load is followed by others.
all_types_occur() {
    local load name
    one_is_refunded
    for ((load = 1; load <= LOADS; load++)); do
        step "load $load: $ORDERS orders, until all have ended and the books balance"
        run "$BINARIES/shop" load --orders "$ORDERS" --rate 200 --seed "$load" --json
        name=$(sed -n 's/.*"run":"\([^"]*\)".*/\1/p' <<<"$OUT")
        all_run
        run "$BINARIES/shop" audit --run "$name" --gateway "$GATEWAY_URL" --wait $((STEP_SECONDS - 10)) --json
        run "$KOLO" tail "${EVENT_TOPICS[@]}" --no-follow --json --reveal
        printf '%s\n' "$OUT" >"$WORK/expected"
        unseen_types
        [[ -n $UNSEEN ]] || return 0
        say_step "not seen yet: $UNSEEN"
    done
    fail "after $LOADS loads no event was seen of the type $UNSEEN"
}

# unseen_types: in UNSEEN, those of the schemas that do not stand in what kolo tail told.
unseen_types() {
    UNSEEN=$(comm -23 <(sed -n 's/.*"event": "\([^"]*\)".*/\1/p' "$WORK/types" | sort) \
        <(sed -n 's/.*"type":"\([^"]*\)".*/\1/p' "$WORK/expected" | sort -u) | paste -sd' ')
}

end_shop() {
    local each
    for each in "${RUNNING[@]}"; do
        kill "${each#*=}" 2>/dev/null || true
        wait "${each#*=}" 2>/dev/null || true
    done
    RUNNING=() LEFT=()
    kill "$DEV_PID"
    wait "$DEV_PID" || true
    DEV_PID=''
    rm -r "$WORK/data"
}
