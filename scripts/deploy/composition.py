"""docker-compose.yml as it stands: what each service runs, with which environment, and how it is checked and stopped."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Check:
    """A health check."""

    command: list[str]
    within_seconds: float
    """How long it may fail before the service counts as unhealthy."""


@dataclass(frozen=True)
class Service:
    """A service of the composition."""

    name: str
    image: str
    command: list[str]
    """With its entry point, where it has one."""
    environment: dict[str, str]
    volumes: dict[str, str | None]
    """What is mounted, by where; none for a volume without a name."""
    ports: list[str]
    depends_on: dict[str, str]
    check: Check | None
    grace_seconds: float
    """How long it may take to stop."""


def seconds(text: str) -> float:
    """A duration such as `1m30s`, in seconds."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    parts = re.findall(r"(\d+)(ms|[hms])", text)
    if "".join(number + unit for number, unit in parts) != text:
        raise SystemExit(f"docker-compose.yml: `{text}` is no duration: write it as in 1m30s")
    return sum(int(number) * units[unit] for number, unit in parts)


def interpolated(text: str) -> str:
    """`${NAME:-default}` and `${NAME}` become what the environment says, `$$` a dollar."""
    found = lambda match: "$" if match[0] == "$$" else os.environ.get(match[1]) or match[2] or ""
    return re.sub(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}", found, text)


def environment_of(given: dict) -> dict[str, str]:
    """An empty value is a variable that is set and empty, as compose has it."""
    return {name: interpolated(str("" if value is None else value)) for name, value in given.items()}


def volumes_of(given: list[str]) -> dict[str, str | None]:
    """The short forms: `target`, and `source:target`, with or without a mode."""
    parts = (volume.split(":") for volume in given)
    return {part[0] if len(part) == 1 else part[1]: None if len(part) == 1 else part[0] for part in parts}


def service_of(name: str, given: dict) -> Service:
    health = given.get("healthcheck")
    check = None
    if health:
        kind, *command = health["test"]
        if kind != "CMD":
            raise SystemExit(f"docker-compose.yml: the check of `{name}` is no CMD, and the image may have no shell")
        slow = seconds(health["interval"]) * health["retries"]
        check = Check(command, seconds(health["start_period"]) + slow)
    return Service(
        name=name,
        image=given["image"],
        command=[*given.get("entrypoint", []), *given.get("command", [])],
        environment=environment_of(given.get("environment", {})),
        volumes=volumes_of(given.get("volumes", [])),
        ports=given.get("ports", []),
        depends_on={other: how["condition"] for other, how in given.get("depends_on", {}).items()},
        check=check,
        grace_seconds=seconds(given.get("stop_grace_period", "10s")),
    )


def read(path: Path) -> tuple[dict[str, Service], dict]:
    """All services by name, and the file as it is written."""
    given = yaml.safe_load(path.read_text())
    return {name: service_of(name, service) for name, service in given["services"].items()}, given
