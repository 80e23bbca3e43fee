# shellcheck shell=bash
# For what comes over a network. Sourced, never run.

# again COMMAND...: runs it, and up to two times more if it fails, each after a pause. Its code is the last one's.
again() {
    local pause code
    for pause in 5 20 0; do
        code=0
        "$@" || code=$?
        ((code != 0 && pause != 0)) || return "$code"
        printf '%s failed with %d: it is run again in %d s\n' "$1" "$code" "$pause" >&2
        sleep "$pause"
    done
}
