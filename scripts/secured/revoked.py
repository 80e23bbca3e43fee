"""ACLs that are taken away, before a start and while a service runs."""

from collections.abc import Callable

from programs import Programs

# Whose, and what: one each of what a service reads, what it writes, and a group; and a router's group, which no worker asks for.
ACLS = [
    ("payment", "Read", "topic", "inventory"),
    ("inventory", "Write", "topic", "inventory"),
    ("order", "Read", "group", "order.lifecycle"),
    ("inventory", "Read", "group", "inventory.stock.router"),
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


# How often it is tried to be quicker than a service.
TRIES = 6


def before_it_is_read(programs: Programs, start: Callable[[str], None]) -> int:
    """A topic that may not be read from the moment on that a service begins with it: librdkafka says nothing of it then, but of one
    that it has read. Which of the two it was, the log tells. How often it was tried; more than `TRIES`: it was never the former."""
    acl = ACLS[0]
    user = acl[0]
    for tried in range(1, TRIES + 1):
        programs.stop(user)
        said = programs.said(user)
        start(user)
        programs.await_said(user, said, "took over")
        programs.cluster.deny(*acl)
        programs.await_health(user, ready=False, says=words(*acl))
        was_read = "it cannot read any more" in programs.since(user, said)
        programs.cluster.allow(*acl)
        programs.await_health(user)
        if not was_read:
            return tried
    return TRIES + 1


def with_a_file_away(programs: Programs, start: Callable[..., None], confirmed: Callable[[], None]) -> None:
    """The authority's file is being written anew just when a session has to begin anew: the service waits for it."""
    acl = ("order", "Read", "group", "order.lifecycle")
    authority = programs.folder / "authority.pem"
    authority.write_bytes(programs.cluster.authority.read_bytes())
    programs.stop("order")
    start(KOLO_KAFKA_SSL_CA_LOCATION=str(authority), KOLO_CHECK_INTERVAL_MS="1000")
    programs.await_health("order")
    away = authority.rename(programs.folder / "away.pem")
    programs.cluster.deny(*acl)
    programs.await_health("order", ready=False, says=["ssl.ca.location"])
    programs.cluster.allow(*acl)
    away.rename(authority)
    programs.await_health("order")
    confirmed()


# What only the order's HTTP API reads of what the order service needs: no worker reads its own stream while it works.
VIEW = ("order", "Read", "topic", "orders.outcome")


def of_a_projection(programs: Programs, confirmed: Callable[[], None]) -> None:
    """The order API's view may not be read on: it says so, and goes on when it may again."""
    said = programs.said("order")
    programs.cluster.deny(*VIEW)
    programs.await_said("order", said, "the projection of `orders.outcome` waits")
    programs.cluster.allow(*VIEW)
    confirmed()


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
