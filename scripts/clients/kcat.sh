# shellcheck shell=bash
# kcat, which is librdkafka. Sourced, never run.

kcat_here() { run kcat -b "$BOOTSTRAP" -m 60 -q "$@"; }

with_kcat() {
    local first second

    step 'kcat: produce with keys, headers and a null'
    new_topic kcat-records
    printf 'k1:v1\nk2:v2\n' >"$WORK/lines"
    kcat_here -P -t kcat-records -p 1 -K: -H origin=here -H n=1 -l "$WORK/lines"
    kcat_here -P -t kcat-records -p 1 -K: -Z -X enable.idempotence=true <<<'k3:'

    step 'kcat: metadata'
    kcat_here -L -J -t kcat-records
    local partition replicas='"leader":1,"replicas":[{"id":1}],"isrs":[{"id":1}]' partitions=()
    for partition in 0 1 2; do partitions+=("{\"partition\":$partition,$replicas}"); done
    is "{\"originating_broker\":{\"id\":1,\"name\":\"$BOOTSTRAP/1\"},\"query\":{\"topic\":\"kcat-records\"},\"controllerid\":1,\
\"brokers\":[{\"id\":1,\"name\":\"$BOOTSTRAP\"}],\"topics\":[{\"topic\":\"kcat-records\",\"partitions\":[\
$(IFS=,; printf '%s' "${partitions[*]}")]}]}"

    step 'kcat: consume keys, values, headers, offsets'
    kcat_here -C -t kcat-records -p 1 -o beginning -e -f '%p %o %k %s %S %h\n'
    is $'1 0 k1 v1 2 origin=here,n=1\n1 1 k2 v2 2 origin=here,n=1\n1 2 k3  -1 '

    step 'kcat: consume from an offset, from the end, and so many'
    kcat_here -C -t kcat-records -p 1 -o 1 -c 1 -f '%k\n'
    is k2
    kcat_here -C -t kcat-records -p 1 -o -1 -e -f '%k\n'
    is k3

    step 'kcat: query the first and the next offset'
    kcat_here -Q -t kcat-records:1:-2
    is 'kcat-records [1] offset 0'
    kcat_here -Q -t kcat-records:1:-1
    is 'kcat-records [1] offset 3'
    kcat_here -Q -t kcat-records:0:-1
    is 'kcat-records [0] offset 0'

    step 'kcat: query an offset by its timestamp, and consume from there'
    kcat_here -C -t kcat-records -p 1 -o 0 -c 3 -f '%T\n'
    first=$(sed -n 1p <<<"$OUT") second=$(sed -n 3p <<<"$OUT")
    ((second > first)) || fail "the timestamps do not grow: $OUT"
    kcat_here -Q -t "kcat-records:1:$second"
    is 'kcat-records [1] offset 2'
    kcat_here -Q -t "kcat-records:1:$first"
    is 'kcat-records [1] offset 0'
    kcat_here -Q -t "kcat-records:1:$((second + 1))"
    is 'kcat-records [1] offset -1'
    kcat_here -C -t kcat-records -p 1 -o "s@$second" -e -f '%k\n'
    is k3

    kcat_codecs

    step 'kcat: a record of 900 KB'
    new_topic kcat-large
    head -c 675000 /dev/urandom | base64 -w 0 >"$WORK/large"
    kcat_here -P -t kcat-large -p 0 "$WORK/large"
    kcat_here -C -t kcat-large -p 0 -o 0 -c 1 -f '%s\n'
    is "$(cat "$WORK/large")"

    kcat_group
    kcat_two_members

    if $EMBEDDED; then
        step 'kcat: a transactional producer is refused, with the reason'
        if quietly kcat -b "$BOOTSTRAP" -P -t kcat-records -p 0 -X transactional.id=t <<<'t'; then fail 'it is served'; fi
        says 'this embedded broker has no transactions'
    fi
}

kcat_codecs() {
    local codec
    seq 1 2000 >"$WORK/numbers"
    for codec in gzip snappy lz4 zstd; do
        step "kcat: $codec"
        new_topic "kcat-$codec"
        kcat_here -P -t "kcat-$codec" -p 2 -z "$codec" -l "$WORK/numbers"
        kcat_here -C -t "kcat-$codec" -p 2 -o beginning -e
        is "$(cat "$WORK/numbers")"
        # In the middle of a batch.
        kcat_here -C -t "kcat-$codec" -p 2 -o 1234 -c 1
        is 1235
    done
}

kcat_group() {
    step 'kcat: a group reads everything once'
    new_topic kcat-group
    local partition
    for partition in 0 1 2; do kcat_here -P -t kcat-group -p "$partition" <<<"a$partition"; done
    kcat_here -G kcat-readers -X auto.offset.reset=earliest -e kcat-group
    is_in_any_order $'a0\na1\na2'
    kcat_here -G kcat-readers -X auto.offset.reset=earliest -e kcat-group
    is ''

    step 'kcat: a group goes on where it was'
    kcat_here -P -t kcat-group -p 1 <<<'b1'
    kcat_here -G kcat-readers -X auto.offset.reset=earliest -e kcat-group
    is b1
}

# Waits also for the leaders of a topic that is new.
kcat_lists() {
    kcat_here -L -J -t "$1"
    [[ $(grep -o '"leader":1' <<<"$OUT" | wc -l) == 3 ]]
}

# Has this member said that partitions are assigned to it?
has_partitions() { grep -q 'assigned: kcat-pair \[' "$WORK/$1.err"; }

has_some_but_not_all() { [[ $(grep 'assigned:' "$WORK/$1.err" | tail -n 1 | grep -o 'kcat-pair \[' | wc -l) =~ ^[12]$ ]]; }

has_read_all() { [[ $(cat "$WORK"/member-*.out | wc -l) -ge 300 ]]; }

kcat_two_members() {
    step 'kcat: two members of a group share the partitions'
    new_topic kcat-pair
    # Which creates it, if the broker does so.
    await kcat_lists kcat-pair
    local member members=() number
    for member in member-1 member-2; do
        # Written line by line: what was read is to be seen before the end.
        kcat -b "$BOOTSTRAP" -G kcat-pair -u -X auto.offset.reset=earliest kcat-pair >"$WORK/$member.out" 2>"$WORK/$member.err" &
        members+=($!)
        LEFT+=($!)
        await has_partitions "$member"
    done
    await has_some_but_not_all member-1
    await has_some_but_not_all member-2
    for number in 0 1 2; do
        seq "$number" 3 299 >"$WORK/third"
        kcat_here -P -t kcat-pair -p "$number" -l "$WORK/third"
    done
    await has_read_all
    for member in "${members[@]}"; do
        kill "$member"
        wait "$member" || true
    done
    [[ -s $WORK/member-1.out && -s $WORK/member-2.out ]] || fail 'one of them read nothing'
    OUT=$(cat "$WORK"/member-*.out)
    is_in_any_order "$(seq 0 299)"
}
