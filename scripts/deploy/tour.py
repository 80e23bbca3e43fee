"""The scripted tour of docs/running.md: orders by command and by HTTP, a service that is away and comes back, a graceful stop."""

import json
import sys
import tempfile
import uuid
from pathlib import Path

import composition
import image
from client import await_event, expect, expect_status, placed, publish, say, stock_cups
from orders import CUPS
from processes import Processes

SERVICES = ["gateway", "order", "inventory", "payment"]


def order_by_command(processes: Processes) -> None:
    say("kolo publish: goods, and an order for some of them")
    stock_cups(processes)
    order = str(uuid.uuid4())
    publish(processes, "OrderCreated", order_id=order, customer_id="tourist", lines=[CUPS], currency="EUR", total_cents=900)
    # By another process than the one that is asked, so the order may not be known yet: then the answer waits.
    expect_status(processes, order, "confirmed", "30s")


def order_by_http(processes: Processes) -> None:
    say("POST /orders, and its outcome")
    expect_status(processes, placed(processes), "confirmed", "30s")


def order_that_waits(processes: Processes) -> None:
    say("the payment service stops, and an order is placed")
    processes.stop("payment")
    expect(processes.check("payment").returncode == 1, "the health check of a service that is stopped must fail")
    order = placed(processes)
    expect_status(processes, order, "pending", "2s")
    say("it has got as far as the payment")
    await_event(processes, "inventory", "InventoryReserved", order)
    say("kolo explain: whom the order waits for")
    expect_explained(processes, order)
    say("it comes back, and the order ends")
    processes.start("payment")
    expect_status(processes, order, "confirmed", "30s")


def expect_explained(processes: Processes, order: str) -> None:
    """While the payment service is away, `kolo explain` says that the order waits for it, and since when."""
    saga = json.loads(processes.run("kolo", ["explain", order, "--json"]))
    waits = [wait for wait in saga["waits"] if wait["by"] == "payment.payment"]
    expect(len(waits) == 1, f"order {order} should wait for the payment service alone, and is explained so: {saga}")
    expect(bool(waits[0]["since"]), f"since when it waits is not said: {waits}")
    expect(waits[0]["members"] == 0, f"the payment service has stopped, and is still in its group: {waits}")
    expect(saga["status"] == "stuck", f"nobody is there, and it is said to go on: {saga}")


def main() -> None:
    binaries, kafka = Path(sys.argv[1]).resolve(), sys.argv[2]
    services, _ = composition.read(Path("docker-compose.yml"))
    with tempfile.TemporaryDirectory(prefix="kolo-tour-") as folder:
        processes = Processes(services, image.read(Path("Dockerfile")), binaries, kafka, Path(folder))
        try:
            say(f"the services of docker-compose.yml start, on the brokers at {kafka}")
            for name in SERVICES:
                processes.start(name)
            order_by_command(processes)
            order_by_http(processes)
            order_that_waits(processes)
            say("all stop: each must end by itself, with code 0")
            for name in reversed(SERVICES):
                processes.stop(name)
        finally:
            processes.kill()
    say("all was as it should be")


main()
