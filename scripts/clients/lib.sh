# shellcheck shell=bash
# What the clients' scripts share: a broker, steps, and the comparison of what came out. Sourced, never run.

BOOTSTRAP='' EMBEDDED=true KOLO=''
STEP='before the first step' STEPS=0
OUT=''
# What `kolo dev` is told beside where to listen and where to keep its data.
DEV_ARGUMENTS=(--no-registry)
WORK=$(mktemp -d)
DEV_PID=''
# Whatever is started here and may still run when a step fails.
LEFT=()

# One command, and what is waited for, may take so long.
readonly STEP_SECONDS=240

say_step() { printf 'clients: %s\n' "$*" >&2; }

clean_up() {
    local code=$? pid
    for pid in "${LEFT[@]}" ${DEV_PID:+"$DEV_PID"}; do
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if ((code != 0)) && [[ -s $WORK/dev.err ]]; then
        say_step "what the broker said:"
        cat "$WORK/dev.err" >&2
    fi
    rm -rf "$WORK"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() {
    STEP=$1 STEPS=$((STEPS + 1))
    say_step "$STEP"
}

fail() {
    say_step "error: step '$STEP': $*"
    exit 1
}

# quietly COMMAND...: its output in OUT and $WORK/err, its exit code as its own.
quietly() {
    local code=0
    OUT=$(timeout "$STEP_SECONDS" "$@" 2>"$WORK/err") || code=$?
    ((code != 124)) || fail "not done after $STEP_SECONDS s: $*"
    return "$code"
}

# run COMMAND...: it must succeed.
run() {
    local code=0
    quietly "$@" || code=$?
    ((code == 0)) || fail "exit code $code of: $*"$'\n'"$OUT"$'\n'"$(cat "$WORK/err")"
}

# is WANTED: OUT, as a whole.
is() {
    [[ $OUT == "$1" ]] ||
        fail "expected (-) and found (+):"$'\n'"$(diff -u --label expected --label found <(printf '%s\n' "$1") <(printf '%s\n' "$OUT") || true)"
}

# The same where the order is nobody's promise.
is_in_any_order() {
    OUT=$(sort <<<"$OUT")
    is "$(sort <<<"$1")"
}

# says WORDS: in what the last command printed.
says() {
    grep -qF -- "$1" <(printf '%s\n' "$OUT") "$WORK/err" ||
        fail "'$1' is not said in:"$'\n'"$OUT"$'\n'"$(cat "$WORK/err")"
}

# await COMMAND...: until it succeeds. Each round asks anew; the wait between rounds only spares the processor.
await() {
    local deadline=$((SECONDS + STEP_SECONDS))
    until "$@"; do
        ((SECONDS < deadline)) || fail "still not so after $STEP_SECONDS s: $*"
        sleep 0.1
    done
}

start_broker() {
    step 'kolo dev starts'
    rm -f "$WORK/ready"
    "$KOLO" dev --listen 127.0.0.1:0 --data "$WORK/data" --partitions 3 --json "${DEV_ARGUMENTS[@]}" >"$WORK/ready" 2>>"$WORK/dev.err" &
    DEV_PID=$!
    await is_ready
    BOOTSTRAP=$(sed -n 's/.*"bootstrap":"\([^"]*\)".*/\1/p' "$WORK/ready")
    [[ $BOOTSTRAP =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]] || fail "no address in: $(cat "$WORK/ready")"
}

is_ready() {
    kill -0 "$DEV_PID" 2>/dev/null || fail 'it ended'
    [[ $(wc -l <"$WORK/ready") == 1 ]]
}

# new_topic NAME: with 3 partitions. The embedded broker creates it when a client asks for it.
new_topic() {
    $EMBEDDED || run "${JAVA_TOOL[@]}" "$TOPICS" --bootstrap-server "$BOOTSTRAP" --create --topic "$1" --partitions 3
}
