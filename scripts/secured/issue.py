"""Prints a token without a signature, as Kafka's own validator takes it: for a user, and for so many seconds.

    issue.py USER SECONDS BOOK

BOOK is a file: it gets a line for each token, and where it begins with `closed`, there is none.
"""

import base64
import json
import sys
import time
from pathlib import Path

user, seconds, book = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])


def part(claims: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


if book.exists() and book.read_text().startswith("closed"):
    sys.exit("the issuer is closed")
with book.open("a") as lines:
    lines.write(f"{user}\n")
now = time.time()
print(f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': now, 'exp': now + seconds})}.")
