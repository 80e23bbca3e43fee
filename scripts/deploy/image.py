"""The image as the Dockerfile says it: what is in it, and what its processes find in their environment."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Image:
    """The last stage of a Dockerfile."""

    binaries: frozenset[str]
    """The names of what it can run, in /usr/local/bin."""
    environment: dict[str, str]
    folders: dict[str, str]
    """Folders of this checkout, by where they are in the image."""
    user: str


def instructions(text: str) -> list[tuple[str, str]]:
    """All instructions with their arguments, each on one line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [(name.upper(), rest.strip()) for name, _, rest in pairs]


def read(path: Path) -> Image:
    """Reads the Dockerfile; what it does not understand is an error, never left out."""
    every = instructions(path.read_text())
    last = max(number for number, (name, _) in enumerate(every) if name == "FROM")
    # What the build stage moves into a folder, by that folder.
    moved: dict[str, set[str]] = {}
    for name, rest in every[:last]:
        for sources, folder in re.findall(r"\bmv ((?:target/release/\S+\s+)+)(/\S+)", rest) if name == "RUN" else []:
            moved[folder.rstrip("/")] = {Path(source).name for source in sources.split()}
    binaries: set[str] = set()
    environment: dict[str, str] = {}
    folders: dict[str, str] = {}
    user = "root"
    for name, rest in every[last:]:
        if name == "ENV":
            environment |= dict(pair.split("=", 1) for pair in rest.split())
        elif name == "USER":
            user = rest
        elif name == "COPY":
            *options, source, target = rest.split()
            if not options:
                folders[target.rstrip("/")] = source
            elif options == ["--from=build"] and target == "/usr/local/bin/":
                binaries |= moved[source.rstrip("/")]
            else:
                raise SystemExit(f"{path}: `COPY {rest}` is not understood: scripts/deploy/image.py says what is")
    return Image(frozenset(binaries), environment, folders, user)
