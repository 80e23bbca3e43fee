"""Sagas of the sample as a collector of OpenTelemetry gets them: one trace each, with all services in it."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from pathlib import Path

import composition
import image
from client import expect, expect_status, placed, publish, say, stock_cups
from collector import Collector, Span
from orders import CUPS
from processes import Processes

# Stopped in this order: what is not told yet is told then.
SERVICES = ["gateway", "order", "inventory", "payment"]

CONFIRMED = {
    ("order", "OrderOpened"): "",
    ("inventory", "ReservationOpened"): "",
    ("inventory", "StockTaken"): "ReservationOpened",
    ("inventory", "LineHeld"): "StockTaken",
    ("inventory", "InventoryReserved"): "StockTaken",
    ("payment", "PaymentRequested"): "InventoryReserved",
    ("payment", "Charge"): "PaymentRequested",
    ("payment", "PaymentAuthorized"): "PaymentRequested",
    ("order", "OrderConfirmed"): "PaymentAuthorized",
}
"""Each span of an order that is confirmed: its service and name, and its parent's name; none: the client's."""

NAMES = {name for _, name in CONFIRMED}


def traceparent(flags: str) -> tuple[str, str, str]:
    """A trace that a client has begun: the header, the trace's id and the client's span."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return f"00-{trace}-{span}-{flags}", trace, span


def is_confirmed(spans: list[Span], client: str) -> None:
    """The spans are those of an order that is confirmed, and below each other as its events caused each other."""
    once = {span.id: span for span in spans}
    found = Counter((span.service, span.name) for span in once.values())
    expect(found == Counter(CONFIRMED.keys()), f"the spans of the saga are not those expected: {dict(found)}")
    for span in once.values():
        parent = CONFIRMED[span.service, span.name]
        above = once[span.parent].name if span.parent in once else ""
        expect(above == parent, f"{span.name} stands below `{above}`, and should below `{parent}`")
        expect(parent != "" or span.parent == client, f"{span.name} stands below {span.parent}, and the client's is {client}")
        expect(not span.failed, f"{span.name} is told as failed")
        expect("kolo.saga" in span.attributes, f"{span.name} does not say of which saga it is: {span.attributes}")
    expect(len({span.attributes["kolo.saga"] for span in once.values()}) == 1, "the spans are of several sagas")


def order_with_a_trace(processes: Processes, collector: Collector) -> tuple[str, str]:
    say("an order over HTTP, in a trace that the client has begun")
    header, trace, client = traceparent("01")
    expect_status(processes, placed(processes, traceparent=header), "confirmed", "30s")
    collector.await_spans(trace, NAMES)
    return trace, client


def order_without(processes: Processes, collector: Collector) -> tuple[str, str]:
    say("an order by command, without a trace: the saga's id is the trace's")
    order = str(uuid.uuid4())
    publish(processes, "OrderCreated", order_id=order, customer_id="tourist", lines=[CUPS], currency="EUR", total_cents=900)
    expect_status(processes, order, "confirmed", "30s")
    saga = json.loads(processes.run("kolo", ["explain", order, "--json"]))["saga"]
    trace = saga.replace("-", "")
    collector.await_spans(trace, NAMES)
    return trace, ""


def order_that_fails(processes: Processes, collector: Collector) -> str:
    say("an order that is declined, in a trace that is not told")
    header, trace, _ = traceparent("00")
    expect_status(processes, placed(processes, "tourist-no-funds", traceparent=header), "cancelled", "30s")
    collector.await_spans(trace, {"OrderCancelled"})
    return trace


def main() -> None:
    binaries, program = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory(prefix="kolo-traces-") as name:
        folder = Path(name)
        dev = [str(binaries / "kolo"), "dev", "--listen", "127.0.0.1:0", "--no-registry", "--json"]
        broker = subprocess.Popen(dev, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        collector = processes = None
        try:
            kafka = json.loads(broker.stdout.readline())["bootstrap"]
            address = f"127.63.{os.getpid() >> 8 & 127}.{os.getpid() & 255 or 1}"
            collector = Collector(program, address, folder)
            collector.await_listening()
            # The composition takes it from the environment that it is started in.
            os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
            services, _ = composition.read(Path("docker-compose.yml"))
            processes = Processes(services, image.read(Path("Dockerfile")), binaries, kafka, folder)
            say(f"the services of docker-compose.yml start; they tell the collector at {collector.url}")
            for service in SERVICES:
                processes.start(service)
            stock_cups(processes)
            confirmed = [order(processes, collector) for order in (order_with_a_trace, order_without)]
            failed = order_that_fails(processes, collector)
            say("all stop: what is not told yet is told now, and each trace is whole")
            for service in reversed(SERVICES):
                processes.stop(service)
            for trace, client in confirmed:
                is_confirmed(collector.of_trace(trace), client)
            told = {(span.service, span.name, span.failed) for span in collector.of_trace(failed)}
            expect(told == {("order", "OrderCancelled", True)}, f"of a trace that is not told, not the failure alone is: {told}")
        finally:
            for each in (processes, collector, broker):
                if each:
                    each.kill()
            broker.wait()
    say("all was as it should be")


main()
