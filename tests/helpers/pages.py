"""Figures for the pages under docs/: each table stands between markers, and the command that made it above it."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import batchgen


def put(page: Path, name: str, text: str) -> None:
    """Put a text between ``<!-- name -->`` and ``<!-- /name -->`` of a page."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{page} has no place between {begin.strip()} and {end}")
    page.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def made_by(command: str, cores: int) -> str:
    """The command that made the figures, where and when."""
    about = f"batchgen {batchgen.__version__}, Python {platform.python_version()}, {platform.system()}"
    return f"```\n{command}\n# {about}, {cores} processors, {datetime.now(UTC):%Y-%m-%d}\n```\n\n"
