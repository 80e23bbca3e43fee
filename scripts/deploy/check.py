"""What no schema knows: whether the Dockerfile and docker-compose.yml fit each other and the rest of this checkout."""

import re
import tomllib
from pathlib import Path

import composition
import image

found: list[str] = []


def expect(holds: bool, problem: str) -> None:
    if not holds:
        found.append(problem)


def a_service_has_what_it_needs(service: composition.Service, given: dict, binaries: frozenset[str]) -> None:
    name = service.name
    if service.image != "kolo-shop":
        return
    expect(service.command[:1] != [] and service.command[0] in binaries, f"{name}: the image has no `{service.command[:1]}`")
    expect(given.get("read_only") is True, f"{name}: its root can be written")
    if "KOLO_MANAGEMENT" not in service.environment or "tools" in given.get("profiles", []):
        return
    expect(service.check is not None, f"{name}: it serves health, and nobody asks")
    if service.check:
        expect(service.check.command == [name, "health"], f"{name}: its health check is not its own `health`")
    # What runs beside the service has this long, and the service itself as long again.
    needed = 2 * int(service.environment["KOLO_STOP_TIMEOUT_MS"]) / 1000
    expect(service.grace_seconds >= needed, f"{name}: it is killed after {service.grace_seconds:.0f} s, and may take {needed:.0f} s")
    expect("/var/lib/kolo" in service.volumes, f"{name}: its state has no volume")


def main() -> None:
    built = image.read(Path("Dockerfile"))
    services, given = composition.read(Path("docker-compose.yml"))
    cargo = tomllib.loads(Path("Cargo.toml").read_text())
    rust = cargo["workspace"]["package"]["rust-version"]
    text = Path("Dockerfile").read_text()
    expect(f"FROM rust:{rust}." in text, f"Dockerfile: Cargo.toml asks for Rust {rust}, and its image has another")
    for name in built.binaries:
        folders = [Path("services") / name, Path("framework/cli")]
        expect(any((folder / "src/main.rs").exists() for folder in folders), f"Dockerfile: nothing builds `{name}`")
    expect(built.user.split(":")[0] not in ("root", "0"), "Dockerfile: it runs as root")
    for target, source in built.folders.items():
        expect(Path(source).is_dir(), f"Dockerfile: {target} is copied from {source}, which is not there")
    kafka = re.search(r"KAFKA_VERSION=(\S+)", Path("scripts/kafka/lib.sh").read_text())
    expect(services["kafka"].image == f"apache/kafka:{kafka and kafka[1]}", "kafka: scripts/kafka has another version")

    named = set(given["volumes"])
    for name, service in services.items():
        a_service_has_what_it_needs(service, given["services"][name], built.binaries)
        for other, condition in service.depends_on.items():
            expect(other in services, f"{name}: it depends on `{other}`, which is no service")
            if condition == "service_healthy" and other in services:
                expect(services[other].check is not None, f"{name}: it waits until `{other}` is healthy, which nobody asks")
        for target, source in service.volumes.items():
            if source and source.startswith("."):
                expect(Path(source).exists(), f"{name}: {target} is mounted from {source}, which is not there")
            elif source:
                expect(source in named, f"{name}: the volume `{source}` is not declared")
        for port in service.ports:
            expect(port.startswith("127.0.0.1:"), f"{name}: the port {port} can be reached from other machines")
        for value in service.environment.values():
            for host in re.findall(r"(?:^|//)([a-z]+):\d+", value):
                expect(host in services or host == "localhost", f"{name}: it is told of `{host}`, which is no service")
    if found:
        raise SystemExit("\n".join(f"containers: error: {problem}" for problem in found))


main()
