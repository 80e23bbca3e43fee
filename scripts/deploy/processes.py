"""A composition run as plain processes: the same commands, environments and checks, without containers.

What a container has of its own is mapped, and nothing else:

| in the composition | here |
|---|---|
| the network name of a service, before a port | a loopback address of its own, 127.x.y.z; the brokers' is where the caller says |
| 0.0.0.0 | the service's own address, so that all may have the same ports |
| a volume, or a folder that the image has a copy of | a folder below the caller's, or the one in this checkout |
| the image's PATH | the folder with the binaries |

Memory and processor limits, and the read-only root, are not mapped. Other systems than Linux have one loopback address.
"""

import os
import re
import subprocess
import time
from pathlib import Path

from composition import Service
from image import Image
from supervisor import Supervisor


class Processes(Supervisor):
    """The services that run."""

    def __init__(self, services: dict[str, Service], image: Image, binaries: Path, kafka: str, folder: Path):
        super().__init__(folder)
        self.services, self.image, self.binaries = services, image, binaries
        # Another run on this machine has other addresses.
        block = os.getpid() % (1 << 15)
        self.addresses = {
            name: f"127.{64 + (block >> 8) % 128}.{block & 255}.{number}" for number, name in enumerate(services, start=1)
        }
        self.kafka = kafka

    def mapped(self, service: Service, text: str) -> str:
        """A value as it is here."""

        def host(match: re.Match) -> str:
            return self.kafka if match[1] == "kafka" else f"{self.addresses[match[1]]}:{match[2]}"

        text = re.sub(rf"(?<![\w.-])({'|'.join(self.services)}):(\d+)", host, text)
        text = text.replace("0.0.0.0", self.addresses[service.name])
        for target, source in self.image.folders.items():
            text = re.sub(rf"^{re.escape(target)}(?=/|$)", str(Path(source).resolve()), text)
        for target in service.volumes:
            text = re.sub(rf"^{re.escape(target)}(?=/|$)", str(self.volume(service, target)), text)
        return text

    def volume(self, service: Service, target: str) -> Path:
        """Where what a service keeps is here."""
        path = self.folder / service.name / target.lstrip("/")
        path.mkdir(parents=True, exist_ok=True)
        return path

    def prepared(self, service: Service, command: list[str]) -> dict:
        """How a command of a service is run: with its environment, and no more."""
        binary = self.binaries / command[0]
        if command[0] not in self.image.binaries:
            raise SystemExit(f"docker-compose.yml: `{service.name}` runs `{command[0]}`, which the Dockerfile copies from nowhere")
        environment = self.image.environment | service.environment
        place = self.folder / service.name
        place.mkdir(exist_ok=True)
        return {
            "args": [str(binary), *(self.mapped(service, part) for part in command[1:])],
            "env": {"PATH": str(self.binaries)} | {name: self.mapped(service, value) for name, value in environment.items()},
            "cwd": place,
        }

    def start(self, name: str) -> None:
        """Starts a service, once what it depends on is as it asks for, and waits for its health check."""
        service = self.services[name]
        for other, condition in service.depends_on.items():
            if other != "kafka" and other not in self.running:
                raise SystemExit(f"`{name}` is started before `{other}`, which it depends on ({condition})")
        self.launch(name, **self.prepared(service, service.command))
        if service.check:
            self.await_healthy(service)

    def await_healthy(self, service: Service) -> None:
        """Asks by the service's own check; the wait between two only spares the processor."""
        until = time.monotonic() + service.check.within_seconds
        while (asked := self.check(service.name)).returncode != 0:
            self.expect_running(service.name)
            if time.monotonic() > until:
                self.fail(service.name, f"is not healthy: {asked.stdout or asked.stderr}")
            time.sleep(0.3)

    def check(self, name: str) -> subprocess.CompletedProcess:
        """A service's health check, once."""
        service = self.services[name]
        return subprocess.run(**self.prepared(service, service.check.command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    def run(self, name: str, arguments: list[str]) -> str:
        """What `docker compose run --rm NAME ARGUMENTS` prints."""
        service = self.services[name]
        command = self.prepared(service, [*service.command[:1], *arguments])
        done = subprocess.run(**command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise SystemExit(f"`{name} {' '.join(arguments)}` ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def stop(self, name: str) -> None:
        """As an engine does: in the time that the composition gives it."""
        super().stop(name, self.services[name].grace_seconds)
