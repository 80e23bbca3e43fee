"""The sample's programs, each with a user of its own and nothing but its own settings."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster import Cluster
from supervisor import Supervisor

# Cases, most of which wait.
AT_ONCE = 4


def at_once(run: Callable[[str], None], cases: Iterable[str]) -> None:
    """Runs some at once; the first that is not as it should be ends it."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(run, case) for case in cases]
    for case in running:
        case.result()


class Programs(Supervisor):
    """The binaries, and the services of them that run."""

    def __init__(self, binaries: Path, folder: Path, cluster: Cluster):
        super().__init__(folder)
        self.binaries, self.cluster = binaries, cluster
        # Another run on this machine has other addresses.
        block = os.getpid() % (1 << 15)
        self.host = f"127.{64 + (block >> 8) % 128}.{block & 255}"
        self.gateway = f"{self.host}.9:8090"
        self.addresses = {name: f"{self.host}.{number}" for number, name in enumerate(("order", "inventory", "payment"), 1)}

    def environment(self, user: str, **changed: str | None) -> dict[str, str]:
        """The settings of who is this user; a change to None leaves one out."""
        settings = {
            "KOLO_BOOTSTRAP": self.cluster.secure,
            "KOLO_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KOLO_KAFKA_SSL_CA_LOCATION": str(self.cluster.authority),
            "KOLO_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KOLO_KAFKA_SASL_USERNAME": user,
            "KOLO_KAFKA_SASL_PASSWORD": f"{user}-secret",
            "KOLO_PARTITIONS": "2",
            "KOLO_STATE_DIR": str(self.folder / "state" / user),
            "GATEWAY_URL": f"http://{self.gateway}",
            "KOLO_SCHEMAS": str(Path("schemas/avro").resolve()),
            "ORDER_HTTP": "",
        }
        address = self.addresses.get(user)
        if address:
            settings |= {"KOLO_MANAGEMENT": f"{address}:9400"}
        settings |= changed
        return {name: value for name, value in settings.items() if value is not None}

    def run(self, words: list[str], user: str, within: float = 30, **changed: str | None) -> subprocess.CompletedProcess:
        """A command that ends by itself, and in time."""
        command = [str(self.binaries / words[0]), *words[1:]]
        environment = self.environment(user, **changed)
        try:
            return subprocess.run(
                command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=within, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired as hung:
            said = (hung.stderr or b"").decode()
            raise SystemExit(f"`{' '.join(words)}` has not ended in {within:.0f} s. It said:\n{said[-2000:]}") from None

    def done(self, words: list[str], user: str, **changed: str | None) -> str:
        """What a command prints that succeeds."""
        done = self.run(words, user, **changed)
        if done.returncode != 0:
            raise SystemExit(f"`{' '.join(words)}` ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def refused(self, what: str, words: list[str], user: str, says: list[str], code: int = 1, **changed: str | None) -> None:
        """A command that must fail, with a last line that has all of these words in it."""
        done = self.run(words, user, within=60, **changed)
        last = (done.stderr.strip().splitlines() or [""])[-1]
        missing = [word for word in says if word not in last]
        if done.returncode != code or missing:
            raise SystemExit(f"{what}: `{' '.join(words)}` ended with {done.returncode}; {missing} is not in what it said last:\n{last}")

    def start(self, name: str, words: list[str], user: str, **changed: str | None) -> None:
        """Starts what goes on until it is stopped, under a name for its log."""
        command = [str(self.binaries / words[0]), *words[1:]]
        self.launch(name, args=command, env=self.environment(user, **changed), cwd=self.folder)

    def await_said(self, name: str, said: int, words: str, within: float = 180) -> None:
        """Waits until a service has said these words since. The wait between two looks only spares the processor."""
        until = time.monotonic() + within
        while words not in self.since(name, said):
            self.expect_running(name)
            if time.monotonic() > until:
                self.fail(name, f"should have said: {words}")
            time.sleep(0.005)

    def await_health(self, name: str, ready: bool = True, says: list[str] = (), within: float = 180) -> None:
        """Waits until a service says of itself that it is ready, or is not and why. The wait between two only spares the processor."""
        until = time.monotonic() + within
        while True:
            asked = self.run([name, "health"], name)
            if (asked.returncode == 0) == ready and all(word in asked.stdout for word in says):
                return
            self.expect_running(name)
            if time.monotonic() > until:
                wanted = "ready" if ready else f"unready with {says}"
                self.fail(name, f"should be {wanted}, and says: {asked.stdout}{asked.stderr}")
            time.sleep(0.3)
