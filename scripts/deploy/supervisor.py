"""Processes that go on until they are stopped, by name: how they end, and what is said where they do not end well."""

import signal
import subprocess
from pathlib import Path
from typing import NoReturn


class Supervisor:
    """The processes that run, each with a log of its own in one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.running: dict[str, subprocess.Popen] = {}

    def log(self, name: str) -> Path:
        """What a process says on stderr and stdout."""
        return self.folder / f"{name}.log"

    def launch(self, name: str, **process) -> None:
        """Starts one, as `subprocess.Popen` is asked to."""
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(**process, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self, name: str) -> int:
        """How much it has said, for `since`."""
        return self.log(name).stat().st_size

    def since(self, name: str, said: int) -> str:
        """What it has said since."""
        return self.log(name).read_bytes()[said:].decode(errors="replace")

    def expect_running(self, name: str) -> None:
        """It must not have ended."""
        if (code := self.running[name].poll()) is not None:
            self.fail(name, f"has ended with exit code {code}")

    def stop(self, name: str, grace_seconds: float = 30) -> None:
        """Stops one as an engine does; it must end by itself, with code 0."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.fail(name, f"had to be killed: it did not stop in {grace_seconds:.0f} s")
        if code != 0:
            self.fail(name, f"stopped with exit code {code}")

    def kill(self) -> None:
        """Leaves nothing behind, whatever has happened."""
        for process in self.running.values():
            process.kill()
            process.wait()
        self.running.clear()

    def fail(self, name: str, what: str) -> NoReturn:
        """Says the last that it said; and then what is wrong, which must not get lost before it."""
        lines = self.log(name).read_text().splitlines()[-15:]
        raise SystemExit("\n".join([f"The last lines of `{name}`:", *lines, f"error: `{name}` {what}"]))
