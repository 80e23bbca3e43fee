"""What listens does so for this machine alone, unless it is told otherwise; and health and metrics are served nowhere."""

import os
import time
from pathlib import Path

from programs import Programs

# How the kernel writes 127.0.0.1, and that a socket listens.
LOOPBACK, LISTENS = "0100007F", "0A"


def listeners(process: int) -> list[str]:
    """The addresses at which a process listens, as /proc writes them."""
    inodes = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in "tcp", "tcp6":
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in inodes:
                found.append(fields[1])
    return found


def expect_loopback(programs: Programs, name: str, count: int) -> None:
    """Waits until it listens at so many ports; each must be of this machine alone."""
    until = time.monotonic() + 60
    while len(found := listeners(programs.running[name].pid)) < count:
        if programs.running[name].poll() is not None or time.monotonic() > until:
            programs.fail(name, f"should listen at {count} ports, and does at {found}")
        time.sleep(0.2)
    others = [address for address in found if not address.startswith(f"{LOOPBACK}:")]
    if len(found) != count or others:
        programs.fail(name, f"should listen at {count} ports of 127.0.0.1, and does at {found}")


def by_default(programs: Programs) -> None:
    """The order's HTTP API, the gateway, and what is for development: a broker and a schema registry."""
    silent = {"KOLO_MANAGEMENT": None}
    programs.start("default order", ["order"], "order", ORDER_HTTP=None, KOLO_STATE_DIR="", **silent)
    programs.start("default gateway", ["shop", "gateway", "--port", "0"], "order", **silent)
    programs.start("default dev", ["kolo", "dev", "--listen", "127.0.0.1:0", "--registry-port", "0"], "order", **silent)
    expect_loopback(programs, "default order", 1)
    expect_loopback(programs, "default gateway", 1)
    expect_loopback(programs, "default dev", 2)
    told = programs.done(["kolo", "dev", "--help"], "order")
    if "[default: 127.0.0.1:9092]" not in told:
        raise SystemExit(f"secure: error: `kolo dev` does not listen at 127.0.0.1 by default: {told}")
    for name in "default dev", "default gateway", "default order":
        programs.stop(name)
