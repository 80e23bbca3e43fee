# shellcheck shell=bash
# Foreign clients find everything again after the broker was killed. Sourced, never run.

after_a_restart() {
    step 'the broker is killed with -9'
    kill -9 "$DEV_PID"
    wait "$DEV_PID" 2>/dev/null || true
    start_broker

    step 'kcat finds its records again'
    kcat_here -C -t kcat-records -p 1 -o beginning -e -f '%p %o %k %s %S %h\n'
    is $'1 0 k1 v1 2 origin=here,n=1\n1 1 k2 v2 2 origin=here,n=1\n1 2 k3  -1 '
    kcat_here -C -t kcat-zstd -p 2 -o beginning -e
    is "$(cat "$WORK/numbers")"

    step 'kcat: a group goes on where it was before the kill'
    kcat_here -G kcat-readers -X auto.offset.reset=earliest -e kcat-group
    is ''
    kcat_here -P -t kcat-group -p 2 <<<'c2'
    kcat_here -G kcat-readers -X auto.offset.reset=earliest -e kcat-group
    is c2

    step 'the Java tools find their topics and groups again'
    java_describe
    is "$(described 5 max.message.bytes=2000000)"
    java_here "$GROUPS_TOOL" --describe --group java-readers
    group_rows
    is_in_any_order $'java-tea 0 0 0 0\njava-tea 1 1 1 0\njava-tea 2 0 1 1\njava-tea 3 1 1 0\njava-tea 4 0 0 0'
    java_here "$OFFSETS" --topic java-gzip --time earliest
    is java-gzip:0:1990

    step 'kolo dev ends cleanly'
    kill "$DEV_PID"
    local code=0
    wait "$DEV_PID" || code=$?
    ((code == 0)) || fail "exit code $code"
    DEV_PID=''
}
