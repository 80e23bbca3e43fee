"""Tokens by SASL OAUTHBEARER: those that are renewed while a service runs, those that nobody makes, and those that are refused."""

import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from programs import Programs, at_once

# In seconds: so short that several are needed during a run. librdkafka logs in again when nine tenths of a token's time have
# passed, so a tenth is what a slow machine may lose.
LIFETIME = 24


class Issuer:
    """A command that prints tokens for a user, and a book of those that it has printed."""

    def __init__(self, programs: Programs, user: str, lifetime: float = LIFETIME):
        self.book = programs.folder / f"tokens of {user}"
        script = Path(__file__).with_name("issue.py")
        self.command = shlex.join([sys.executable, str(script), user, str(lifetime), str(self.book)])

    def settings(self) -> dict[str, str | None]:
        """Of who logs in by its tokens."""
        return by_command(self.command)

    def made(self) -> int:
        """How many it has printed."""
        return len(self.book.read_text().splitlines()) if self.book.exists() else 0

    def close(self) -> None:
        """No more tokens."""
        self.book.write_text("closed\n")

    def open(self) -> None:
        """Tokens again."""
        self.book.write_text("")


def by_command(command: str | None) -> dict[str, str | None]:
    return {
        "KOLO_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        "KOLO_KAFKA_SASL_USERNAME": None,
        "KOLO_KAFKA_SASL_PASSWORD": None,
        "KOLO_TOKEN_COMMAND": command,
    }


def at_run_time(programs: Programs, start: Callable[..., None], confirmed: Callable[[], None]) -> None:
    """The order service logs in by tokens: it goes on when they expire, says that there are no more, and goes on when there are again."""
    issuer = Issuer(programs, "order")
    programs.stop("order")
    said, before = programs.said("order"), issuer.made()
    # What librdkafka says of connections is for debugging. A stall of the machine is not to look like a service that is let go.
    debugging = {"KOLO_KAFKA_DEBUG": "security", "KOLO_LOG": "info,kolo_kafka::client_log=trace"}
    start(KOLO_CHECK_INTERVAL_MS="1000", KOLO_SESSION_TIMEOUT_MS="20000", **debugging, **issuer.settings())
    programs.await_health("order", within=180)
    ready = programs.said("order")
    # A quarter of the time is left when a token is replaced: the second is when this ends, and the first has expired.
    until = time.monotonic() + 1.7 * LIFETIME
    while time.monotonic() < until:
        confirmed()
        time.sleep(1)
    if issuer.made() - before < 3:
        programs.fail("order", f"has asked for {issuer.made() - before} tokens in {1.7 * LIFETIME} s")
    for line in programs.since("order", ready).splitlines():
        if any(words in line for words in ("SASL authentication error", "Disconnected", "begins anew")):
            programs.fail("order", f"was let go though it has tokens: {line}")
    issuer.close()
    says = ["there is no token to log in with", "the issuer is closed"]
    programs.await_health("order", ready=False, says=says, within=180)
    if "no new token" not in programs.since("order", said):
        programs.fail("order", "should have warned while the last token was good")
    issuer.open()
    programs.await_health("order", within=180)
    confirmed()


def at_the_start(programs: Programs) -> None:
    """What makes no tokens, or such as are refused; by a service and by a command."""
    at = f"the brokers at {programs.cluster.secure}"
    none = "there is no token to log in with"
    nobody = Issuer(programs, "nobody")
    refused = {
        "nothing makes tokens": (None, [at, none, "KOLO_TOKEN_COMMAND", "App::tokens"]),
        "a command that fails": ("echo no luck >&2; exit 7", [at, none, "exit status: 7", "no luck"]),
        "a command that prints no token": ("echo word", [at, none, "no token", "no JSON Web Token"]),
        "a token that has expired": (Issuer(programs, "order", -60).command, [at, none, "has expired", "clocks"]),
        "a token that is not taken": (
            'echo \'{"access_token":"word","expires_in":60}\'',
            [at, "do not let User:", "in: ", "SASL authentication error", "The brokers' log"],
        ),
    }
    def one_case(what: str) -> None:
        command, says = refused[what]
        settings = {"KOLO_MANAGEMENT": "", "KOLO_START_TIMEOUT_MS": "6000"} | by_command(command)
        programs.refused(what, ["order"], "order", says, **settings)
        programs.refused(what, ["kolo", "topics", "list"], "order", says, **settings)

    at_once(one_case, refused)
    settings = {"KOLO_MANAGEMENT": ""} | nobody.settings()
    programs.refused("a token of somebody else", ["order"], "order", [at, "do not allow User:nobody to"], **settings)


def by_commands(programs: Programs, asked: list[str]) -> None:
    """What the operator asks, by tokens."""
    settings = Issuer(programs, "ops").settings()
    for words in asked:
        programs.done(words.split(), "ops", **settings)
    programs.done(["order", "check-env"], "order", **({"KOLO_MANAGEMENT": "", "KOLO_STATE_DIR": ""} | Issuer(programs, "order").settings()))
