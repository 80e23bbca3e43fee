"""A client of the sample's services, by HTTP and by command; and how a script that walks through them says so."""

import json
import sys
import time
import uuid
from pathlib import Path

import orders
from processes import Processes

begun = time.monotonic()
script = Path(sys.argv[0]).stem


def say(text: str) -> None:
    print(f"{script}: {time.monotonic() - begun:5.1f} s  {text}", file=sys.stderr, flush=True)


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"{script}: error: {what}")


def api(processes: Processes) -> str:
    """Where the order's HTTP API is."""
    return f"http://{processes.addresses['order']}:8080"


def publish(processes: Processes, event: str, **fields: object) -> None:
    processes.run("kolo", ["publish", event, json.dumps(fields), "--id", str(uuid.uuid4())])


def await_event(processes: Processes, topic: str, event: str, key: str) -> None:
    """Until such an event of this key stands there."""
    tail = ["tail", topic, "--from", "beginning", "--type", event, "--key", key, "--limit", "1", "--json"]
    expect(f'"{key}"' in processes.run("kolo", tail), f"there is no {event} of {key} in {topic}")


def stock_cups(processes: Processes) -> None:
    """Goods are received, and are in stock: another topic may be read first, and an order without goods is cancelled."""
    publish(processes, "StockReceived", sku="cup", quantity=10)
    await_event(processes, "inventory.stock", "StockAdded", "cup")


def placed(processes: Processes, customer: str = "tourist", **headers: str) -> str:
    """An order over HTTP; its id."""
    return orders.place(api(processes), customer, **headers)


def expect_status(processes: Processes, order: str, status: str, wait: str) -> None:
    answer = orders.ask(f"{api(processes)}/orders/{order}?wait={wait}")
    expect(answer["status"] == status, f"order {order} should be {status}, and is: {answer}")
