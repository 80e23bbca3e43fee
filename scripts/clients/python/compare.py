"""Holds what a client has read against what `kolo tail` says of the same records, field by field.

    compare.py CLIENT EXPECTED FOUND TYPES     files: of `kolo tail --json`, of the client, of `kolo schema list --json`
"""

import collections
import json
import sys

SHOWN = 10


def by_place(path):
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    places = {(record["topic"], record["partition"], record["offset"]): record for record in records}
    if len(places) != len(records):
        sys.exit(f"{path}: a record is told twice")
    return places


def differences(expected, found, field="value"):
    """The fields that are not the same, by their path. A number is not the same as a text or a truth value."""
    if type(expected) is not type(found):
        yield f"{field}: {found!r}, and kolo says {expected!r}"
    elif isinstance(expected, dict):
        for name in sorted(expected.keys() | found.keys()):
            if name not in found:
                yield f"{field}.{name}: it is missing"
            elif name not in expected:
                yield f"{field}.{name}: kolo knows no such field"
            else:
                yield from differences(expected[name], found[name], f"{field}.{name}")
    elif isinstance(expected, list):
        if len(expected) != len(found):
            yield f"{field}: {len(found)} items, and kolo says {len(expected)}"
        for at, pair in enumerate(zip(expected, found)):
            yield from differences(*pair, f"{field}[{at}]")
    elif expected != found:
        yield f"{field}: {found!r}, and kolo says {expected!r}"


def compared(expected, found):
    for place in sorted(expected.keys() | found.keys()):
        name = "{}[{}]@{}".format(*place)
        if place not in found:
            yield f"{name}: {expected[place]['type']} was not read"
        elif place not in expected:
            yield f"{name}: {found[place]['type']} was read, and kolo tells no event there"
        else:
            for field in ("type", "id", "value"):
                for problem in differences(expected[place].get(field), found[place][field], field):
                    yield f"{name}: {problem}"


def main(client, expected, found, types):
    told = by_place(expected)
    # A copy that nobody waits for may have come to an inbox between the two readings: kolo tail has not told of it yet.
    ends = collections.defaultdict(lambda: -1)
    for topic, partition, offset in told:
        ends[topic, partition] = max(ends[topic, partition], offset)
    found = {place: record for place, record in by_place(found).items() if place[2] <= ends[place[:2]]}
    # kolo's own records are no events.
    expected = {place: record for place, record in told.items() if not record["type"].startswith("kolo.")}
    problems = list(compared(expected, found))
    seen = collections.Counter(record["type"] for record in found.values())
    with open(types, encoding="utf-8") as file:
        known = [each["event"] for each in json.load(file)]
    problems += [f"{name}: no record of this type was read" for name in known if not seen[name]]
    for problem in problems[:SHOWN]:
        print(f"{client}: {problem}", file=sys.stderr)
    if len(problems) > SHOWN:
        print(f"{client}: and {len(problems) - SHOWN} more", file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"{client}: {len(found)} events of {len(seen)} types are what kolo says, field by field")


main(*sys.argv[1:])
