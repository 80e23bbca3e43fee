"""The sample on a Kafka with TLS, users and ACLs: each service as its own user, allowed what `describe --acls` says and no more.

First an order goes through. Then everything that can be wrong with credentials, certificates and permissions must be said, at the
start and at run time: what is wrong, who is refused what, and what to type next. Nothing may hang.
"""

import json
import sys
import tempfile
import time
import uuid
from pathlib import Path

import listening
import mistaken
import orders
import revoked
import tokens
from cluster import Cluster
from programs import Programs

SERVICES = ["order", "inventory", "payment"]
# What is asked by who is allowed what `--operator` says.
ASKED = [
    "order parked list",
    "kolo topics list",
    "kolo tail orders --from beginning --limit 1",
    "kolo check",
    "kolo lag",
    "kolo sagas",
]

begun = time.monotonic()


def say(text: str) -> None:
    print(f"secure: {time.monotonic() - begun:5.1f} s  {text}", file=sys.stderr, flush=True)


def allow(programs: Programs) -> None:
    """What the services say of themselves, and what docs/security.md says of the rest."""
    cluster = programs.cluster
    for user in [*SERVICES, "publisher", "ops", "nobody"]:
        cluster.user(user)
    for service in SERVICES:
        for more in [], ["--operator", "--principal", "User:ops"]:
            acls = ["describe", "--acls", "--commands", "--bootstrap", cluster.plain, *more]
            cluster.apply(programs.done([service, *acls], service))
    # `kolo publish` looks at the topic, whether it is a stream that nobody but its owner writes.
    for operation in "Read", "Write":
        cluster.allow("publisher", operation, "topic", "stock-receipts")
    cluster.allow("publisher", "Describe", "group", "kolo-cli")


def start(programs: Programs, name: str, **changed: str | None) -> None:
    more = {"ORDER_HTTP": f"{programs.addresses['order']}:8080"} if name == "order" else {}
    programs.start(name, [name], name, **more, **changed)


def api(programs: Programs) -> str:
    """Where the order's HTTP API is."""
    return f"http://{programs.addresses['order']}:8080"


def placed(programs: Programs) -> str:
    """An order; its id."""
    try:
        return orders.place(api(programs), "guest")
    except orders.Refused as refused:
        programs.fail("order", str(refused))


def expect_confirmed(programs: Programs, order: str) -> None:
    answer = orders.ask(f"{api(programs)}/orders/{order}?wait=30s")
    if answer["status"] != "confirmed":
        raise SystemExit(f"secure: error: order {order} should be confirmed, and is: {answer}")


def order(programs: Programs) -> None:
    """An order goes through, and whoever is asked about it says so."""
    goods = json.dumps({"sku": "cup", "quantity": 100})
    programs.done(["kolo", "publish", "StockReceived", goods, "--id", str(uuid.uuid4())], "publisher")
    # Another topic may be read first, and an order without goods is cancelled.
    programs.done("kolo tail inventory.stock --from beginning --type StockAdded --limit 1".split(), "ops")
    first = placed(programs)
    expect_confirmed(programs, first)
    told = json.loads(programs.done(["kolo", "explain", first, "--json"], "ops"))
    if told["waits"]:
        raise SystemExit(f"secure: error: order {first} waits for nothing, and is explained so: {told}")
    for words in ASKED:
        programs.done(words.split(), "ops")


def check_env(programs: Programs) -> None:
    """Each service says that it could run here."""
    for name in SERVICES:
        # Port and directory are taken by the one that runs.
        found = json.loads(programs.done([name, "check-env", "--json"], name, KOLO_MANAGEMENT="", KOLO_STATE_DIR=""))
        for what in "brokers", "topics", "permissions", "clock":
            if not any((line["what"], line["level"]) == (what, "ok") for line in found):
                raise SystemExit(f"secure: error: `{name} check-env` does not say that {what} are well: {found}")


def main() -> None:
    binaries, broker, jars = (Path(argument).resolve() for argument in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="kolo-secure-") as folder:
        cluster = Cluster(broker, jars, Path(folder) / "admin.log")
        programs = Programs(binaries, Path(folder), cluster)

        def start_order(**changed: str | None) -> None:
            start(programs, "order", **changed)

        def confirmed() -> None:
            expect_confirmed(programs, placed(programs))

        try:
            say("users, and ACLs as the services print them")
            allow(programs)
            say("the services start, each as its own user")
            host, port = programs.gateway.split(":")
            programs.start("gateway", ["shop", "gateway", "--host", host, "--port", port], "payment", KOLO_MANAGEMENT="")
            for name in SERVICES:
                start(programs, name)
            for name in SERVICES:
                programs.await_health(name, within=90)
            say("an order goes through")
            order(programs)
            say("check-env of each service says that it could run here")
            check_env(programs)
            say("what listens does so at 127.0.0.1 unless told")
            listening.by_default(programs)
            say("what is wrong with credentials, certificates and ports is said at the start")
            mistaken.all_cases(programs)
            say("who comes with a certificate is whom it names")
            mistaken.by_certificate(programs)
            say("what is not allowed is said at the start")
            revoked.at_the_start(programs)
            say("what is not allowed any more is said by a service that runs, and it goes on when it is allowed again")
            waiting = revoked.at_run_time(programs, lambda: placed(programs))
            expect_confirmed(programs, waiting)
            say("what is not allowed from the moment on that it would be read is said as well")
            tried = revoked.before_it_is_read(programs, lambda name: start(programs, name))
            say(f"the service was quicker each time, {revoked.TRIES} of them" if tried > revoked.TRIES else f"at the try number {tried}")
            say("an authority's file that is away for a moment is waited for")
            revoked.with_a_file_away(programs, start_order, confirmed)
            say("a view that may not be read any more waits to be allowed again")
            revoked.of_a_projection(programs, confirmed)
            say("tokens instead of passwords, for commands")
            tokens.by_commands(programs, ASKED)
            say("what is wrong with tokens is said at the start")
            tokens.at_the_start(programs)
            say("a service by tokens: they are renewed, then there are none, then there are again")
            tokens.at_run_time(programs, start_order, confirmed)
            say("all stop: each must end by itself, with code 0")
            for name in reversed(SERVICES):
                programs.stop(name)
        finally:
            programs.kill()
            cluster.close()
    say("all was as it should be")


main()
