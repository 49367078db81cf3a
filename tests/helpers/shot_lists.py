"""Shot lists on disk, and what importing them comes to."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from helpers.support import Ended, in_process, write_image

Rows = Sequence[Sequence[str]]


def as_csv(rows: Rows, delimiter: str = ",") -> bytes:
    """The rows as a spreadsheet exports them."""
    text = StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def rows(*values: str, header: str = "Shot") -> bytes:
    """A list with prompts, and one more column with these values."""
    return as_csv([["Prompt", "Refs", header], *(["character1 walks", "hero.png", value] for value in values)])


def imported(folder: Path, content: bytes, *options: str, name: str = "shots.csv", out: str = "film.yaml") -> Ended:
    """What importing a list of this content comes to; hero.png lies beside it."""
    (folder / name).write_bytes(content)
    if not (folder / "hero.png").exists():
        write_image(folder / "hero.png")
    return in_process("import", str(folder / name), "--out", str(folder / out), *options)


def manifest(folder: Path, out: str = "film.yaml") -> dict[str, Any]:
    """The manifest that was written, as YAML reads it."""
    document = yaml.safe_load((folder / out).read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def scenes(folder: Path, out: str = "film.yaml") -> list[Mapping[str, Any]]:
    """The scenes that were written."""
    found = manifest(folder, out)["scenes"]
    assert isinstance(found, list)
    return found


def places(ended: Ended) -> list[str]:
    """The wrong cells that were told, as ``C7 rule``."""
    found = [line.split(", rule ") for line in ended.err.splitlines() if line.startswith("    in cell ")]
    return [f"{cell.split()[2].strip()} {rule.split(',')[0]}" for cell, rule in found]


FORTY = [
    ["Einstellung", "Handlung", "Referenzen", "Größe", "Dauer", "Kamera", "Bemerkung"],
    *(
        [f"{number:03d}", f"character1 läuft; {number}. Schritt", "hero.png", "1280x720", "5 s", "35 mm", "Öl & Übung"]
        for number in range(10, 410, 10)
    ),
]
"""Forty rows as a German producer has them, with umlauts, and with the delimiter in its texts."""
