"""ACLs that are taken away, before a start and while a service runs."""

from collections.abc import Callable

from programs import Programs

# Whose, and what: one each of what a service reads, what it writes, and a group.
ACLS = [
    ("payment", "Read", "topic", "inventory"),
    ("inventory", "Write", "topic", "inventory"),
    ("order", "Read", "group", "order.lifecycle"),
]
# What the order's HTTP API writes.
BESIDE = ("order", "Write", "topic", "orders")


def words(user: str, operation: str, resource: str, name: str) -> list[str]:
    """What must be said where it lacks."""
    return [f"do not allow User:{user} to {operation}", f"the {resource} `{name}`", f"{user} describe --acls"]


def at_the_start(programs: Programs) -> None:
    """A second instance does not start, and check-env says why not."""
    for acl in [*ACLS, BESIDE]:
        user = acl[0]
        programs.cluster.deny(*acl)
        alone = {"KOLO_MANAGEMENT": "", "KOLO_STATE_DIR": ""}
        programs.refused(f"without {acl}", [user], user, words(*acl), **alone)
        checked = programs.run([user, "check-env"], user, **alone)
        errors = [line for line in checked.stdout.splitlines() if line.startswith("error  permissions ")]
        if checked.returncode != 1 or not any(all(word in line for word in words(*acl)) for line in errors):
            raise SystemExit(f"secure: error: without {acl}, check-env ends with {checked.returncode} and says: {checked.stdout}{checked.stderr}")
        programs.cluster.allow(*acl)


def at_run_time(programs: Programs, placed: Callable[[], str]) -> str:
    """Each service is unready and says why, until it is allowed again. An order that is placed meanwhile waits."""
    for acl in ACLS:
        programs.cluster.deny(*acl)
    # Whoever has nothing to write does not notice that it may not.
    waiting = placed()
    for acl in ACLS:
        programs.await_health(acl[0], ready=False, says=words(*acl))
        log = programs.log(acl[0]).read_text()
        if not any(all(word in line for word in words(*acl)) for line in log.splitlines()):
            raise SystemExit(f"secure: error: the log of `{acl[0]}` does not say that it lacks {acl}")
    for acl in ACLS:
        programs.cluster.allow(*acl)
    for acl in ACLS:
        programs.await_health(acl[0])
    return waiting
