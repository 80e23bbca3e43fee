"""A collector of OpenTelemetry that runs beside a composition, and the spans that it has received."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path(__file__).parent / "collector/config.yaml"
FAILED = 2
"""The status code of a span that is an error."""


@dataclass(frozen=True)
class Span:
    """As the collector wrote it."""

    service: str
    trace: str
    id: str
    parent: str
    """Empty for the first of a trace."""
    name: str
    failed: bool
    attributes: dict[str, str]


def spans_of(line: str) -> list[Span]:
    """One batch, which is one line of JSON."""
    found = []
    for resource in json.loads(line)["resourceSpans"]:
        service = attributes_of(resource["resource"])["service.name"]
        for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
            failed = span.get("status", {}).get("code") == FAILED
            # Of an event's full name, the last part.
            name = span["name"].rsplit(".", 1)[-1].rsplit("::", 1)[-1]
            links = (span["traceId"], span["spanId"], span.get("parentSpanId", ""))
            found.append(Span(service, *links, name, failed, attributes_of(span)))
    return found


def attributes_of(given: dict) -> dict[str, str]:
    return {each["key"]: str(next(iter(each["value"].values()))) for each in given["attributes"]}


class Collector:
    """A collector's process."""

    def __init__(self, program: Path, address: str, folder: Path):
        self.url, self.spans, self.log = f"http://{address}:4318", folder / "spans.jsonl", folder / "collector.log"
        environment = os.environ | {"COLLECTOR_LISTENS": f"{address}:4318", "COLLECTOR_WRITES": str(self.spans)}
        with self.log.open("wb") as log:
            command = [str(program), "--config", f"file:{CONFIGURATION}"]
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def await_listening(self) -> None:
        """Until it takes what has no spans; the wait between two tries only spares the processor."""
        empty = urllib.request.Request(f"{self.url}/v1/traces", b'{"resourceSpans": []}', {"content-type": "application/json"})
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(empty, timeout=5).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the collector does not listen: {self.log.read_text()[-2000:]}") from None
                time.sleep(0.1)

    def of_trace(self, trace: str) -> list[Span]:
        """What was received of a trace so far. A line that is being written has no end yet."""
        lines = self.spans.read_text().split("\n")[:-1] if self.spans.exists() else []
        return [span for line in lines for span in spans_of(line) if span.trace == trace]

    def await_spans(self, trace: str, names: set[str]) -> None:
        """Until spans of all these names have come of a trace: each service sends its own, when it likes."""
        until = time.monotonic() + 30
        while not names <= (found := {span.name for span in self.of_trace(trace)}):
            if time.monotonic() > until:
                raise SystemExit(f"no spans {names - found} of the trace {trace} have come to the collector; {found} have")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends it, in whatever state it is."""
        self.process.kill()
        self.process.wait()
