"""Settings that cannot be right: a service, and `kolo`, end in time, and their last line says what is wrong and what to set."""

from programs import Programs, at_once

# Of another authority than the brokers'.
OTHER_AUTHORITY = "/etc/ssl/certs/ca-certificates.crt"


def all_cases(programs: Programs) -> None:
    cluster = programs.cluster
    at = f"the brokers at {cluster.secure}"
    cases = {
        "a wrong password": (
            {"KOLO_KAFKA_SASL_PASSWORD": "wrong"},
            [at, "do not let User:order in", "invalid credentials", "KOLO_KAFKA_SASL_PASSWORD"],
        ),
        "a user that nobody knows": (
            {"KOLO_KAFKA_SASL_USERNAME": "stranger"},
            [at, "do not let User:stranger in", "KOLO_KAFKA_SASL_USERNAME"],
        ),
        "a mechanism that is not enabled": (
            {"KOLO_KAFKA_SASL_MECHANISM": "PLAIN"},
            [at, "do not let User:order in by this SASL mechanism", "SCRAM-SHA-512", "KOLO_KAFKA_SASL_MECHANISM"],
        ),
        "another authority": (
            {"KOLO_KAFKA_SSL_CA_LOCATION": OTHER_AUTHORITY},
            [at, "not trusted here", "KOLO_KAFKA_SSL_CA_LOCATION"],
        ),
        "no authority": (
            {"KOLO_KAFKA_SSL_CA_LOCATION": None},
            [at, "not trusted here", "KOLO_KAFKA_SSL_CA_LOCATION"],
        ),
        "an authority's file that is not there": (
            {"KOLO_KAFKA_SSL_CA_LOCATION": "/nowhere.pem"},
            ["librdkafka refuses the settings", "ssl.ca.location"],
        ),
        "no TLS at a port that wants it": (
            {"KOLO_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
            [at, "as a port that expects TLS does", "KOLO_KAFKA_SECURITY_PROTOCOL=SASL_SSL"],
        ),
        "no user at a port that wants one": (
            {"KOLO_KAFKA_SECURITY_PROTOCOL": "SSL"},
            [at, "as a port where one has to log in does", "KOLO_KAFKA_SECURITY_PROTOCOL=SASL_SSL"],
        ),
        "TLS at a port that speaks none": (
            {"KOLO_BOOTSTRAP": cluster.plain},
            [f"the brokers at {cluster.plain}", "as a port that speaks no TLS does", "KOLO_KAFKA_SECURITY_PROTOCOL="],
        ),
        "nobody there": (
            {"KOLO_BOOTSTRAP": f"{programs.host}.99:9"},
            [f"the brokers at {programs.host}.99:9", "do not answer", "refused"],
        ),
    }
    at_once(lambda what: one_case(programs, what, *cases[what]), cases)


def one_case(programs: Programs, what: str, changed: dict[str, str | None], says: list[str]) -> None:
    """By a service, and by a command."""
    # What looks as brokers do that start is waited for.
    changed = {"KOLO_MANAGEMENT": "", "KOLO_START_TIMEOUT_MS": "6000"} | changed
    programs.refused(what, ["order"], "order", says, **changed)
    # A command was asked for something impossible where librdkafka refuses the settings.
    code = 2 if says[0].startswith("librdkafka") else 1
    programs.refused(what, ["kolo", "topics", "list"], "order", says, code, **changed)


def by_certificate(programs: Programs) -> None:
    """Who comes with a certificate is whom it names; who comes without one, or with one that is allowed nothing, is told."""
    cluster = programs.cluster
    certificate = cluster.certificate("guest", programs.folder)
    mutual = {
        "KOLO_BOOTSTRAP": cluster.mutual,
        "KOLO_KAFKA_SECURITY_PROTOCOL": "SSL",
        "KOLO_KAFKA_SASL_USERNAME": None,
        "KOLO_KAFKA_SASL_PASSWORD": None,
        "KOLO_KAFKA_SASL_MECHANISM": None,
        "KOLO_MANAGEMENT": "",
        "KOLO_START_TIMEOUT_MS": "6000",
    }
    says = [f"the brokers at {cluster.mutual}", "do not agree on TLS", "KOLO_KAFKA_SSL_CERTIFICATE_LOCATION"]
    programs.refused("no certificate", ["order"], "order", says, **mutual)
    mutual |= certificate
    says = ["do not allow the principal of the certificate", certificate["KOLO_KAFKA_SSL_CERTIFICATE_LOCATION"], "the topic `orders`"]
    programs.refused("a certificate that is allowed nothing", ["order"], "order", says, **mutual)
    acls = ["order", "describe", "--acls", "--commands", "--bootstrap", cluster.plain, "--principal", "User:CN=guest"]
    cluster.apply(programs.done(acls, "order"))
    programs.done(["order", "check-env"], "order", **mutual, KOLO_STATE_DIR="")
