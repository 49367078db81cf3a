"""What the site shows in another way than the repository does; mkdocs.yml names this file.

- A link may lead to a file outside of docs/, which the site does not have: its words stay, without the link. One that
  leads nowhere at all is left for mkdocs to refuse.
- In a table, GitHub wants `|` within code escaped, and Python-Markdown does not.
- GitHub draws state diagrams of Mermaid. The site would have to fetch a library for that when it is read, and has a
  table instead.
"""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#:]+)(#[^)]*)?\)")
_ROW = re.compile(r"^\|.*$", re.MULTILINE)
_DIAGRAM = re.compile(r"^```mermaid\nstateDiagram-v2\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TRANSITION = re.compile(r"^ *(\S+) --> (\S+): (.+)$", re.MULTILINE)


def on_page_markdown(markdown: str, /, *, page: Any, **_: Any) -> str:
    """The page as the site has it."""
    folder = (DOCS / page.file.src_uri).parent
    linked = _LINK.sub(lambda link: link[1] if _is_outside(folder / link[2]) else link[0], markdown)
    return _DIAGRAM.sub(_as_table, _ROW.sub(_without_escapes, linked))


def _is_outside(path: Path) -> bool:
    return path.exists() and not path.resolve().is_relative_to(DOCS)


def _without_escapes(row: re.Match[str]) -> str:
    return re.sub(r"`[^`]+`", lambda code: code[0].replace(r"\|", "|"), row[0])


def _as_table(diagram: re.Match[str]) -> str:
    steps = _TRANSITION.findall(diagram[1].replace("[*]", "(nothing)"))
    return "| from | by | to |\n| --- | --- | --- |\n" + "\n".join(f"| {a} | {by} | {b} |" for a, b, by in steps)
