"""The administrator of a secure Kafka: its users, and what they are allowed, by Kafka's own tools.

It comes by the plain port, as scripts/kafka/start --secure says. The tools run in one process, Admin.java.
"""

import shlex
import subprocess
from pathlib import Path


class Cluster:
    """A broker of scripts/kafka/start, by its folder."""

    def __init__(self, folder: Path, jars: Path, log: Path):
        settings = dict(line.split("=", 1) for line in (folder / "settings").read_text().split())
        self.plain = f"127.0.0.1:{settings['port']}"
        self.secure = f"127.0.0.1:{settings['secure_port']}"
        self.mutual = f"127.0.0.1:{settings['mutual_port']}"
        self.authority = folder / "tls" / "ca.pem"
        self.log = log
        java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
        self.tools = subprocess.Popen(
            [*java, "-cp", f"{jars}/*", str(Path(__file__).with_name("Admin.java"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )

    def run(self, words: list[str]) -> None:
        """A command of Kafka's, such as kafka-acls.sh, with its arguments."""
        print("\t".join(words), file=self.tools.stdin, flush=True)
        code = self.tools.stdout.readline().strip()
        if code != "0":
            raise SystemExit(f"`{shlex.join(words)}` ended with {code or 'nothing'}:\n{self.log.read_text()[-2000:]}")

    def user(self, name: str) -> None:
        """A user whose password is `<name>-secret`."""
        password = f"SCRAM-SHA-512=[iterations=4096,password={name}-secret]"
        tool = ["kafka-configs.sh", "--bootstrap-server", self.plain]
        self.run([*tool, "--alter", "--add-config", password, "--entity-type", "users", "--entity-name", name])

    def apply(self, commands: str) -> None:
        """Lines for a shell, as `describe --acls --commands` prints them."""
        for line in commands.splitlines():
            self.run(shlex.split(line))

    def allow(self, user: str, operation: str, resource: str, name: str) -> None:
        """One ACL."""
        self._change("--add", user, operation, resource, name)

    def deny(self, user: str, operation: str, resource: str, name: str) -> None:
        """Takes one ACL back."""
        self._change("--remove", user, operation, resource, name, "--force")

    def _change(self, change: str, user: str, operation: str, resource: str, name: str, *more: str) -> None:
        tool = ["kafka-acls.sh", "--bootstrap-server", self.plain, change, "--allow-principal", f"User:{user}"]
        self.run([*tool, "--operation", operation, f"--{resource}", name, *more])

    def certificate(self, name: str, folder: Path) -> dict[str, str]:
        """A certificate of the brokers' authority for this name; the settings of who comes with it."""
        key, request, made = (folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        subject = ["-subj", f"/CN={name}"]
        for command in (
            ["req", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", key, "-out", request],
            ["x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self.authority.with_name("ca.key"), "-out", made],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        return {"KOLO_KAFKA_SSL_CERTIFICATE_LOCATION": str(made), "KOLO_KAFKA_SSL_KEY_LOCATION": str(key)}

    def close(self) -> None:
        """No more commands."""
        self.tools.kill()
        self.tools.wait()
