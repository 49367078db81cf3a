"""The storyboard as one page of HTML that needs no network. Pure.

A strict Content-Security-Policy stands in the page: its one script and its one style are named by their hashes. A
nonce would not do: in a file that lies there it can be read, and used by whatever text slipped through.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from batchgen.money import readable
from batchgen.report.storyboard import Reference, Shot, Storyboard, Take
from batchgen.text import balanced

if TYPE_CHECKING:
    from jinja2 import Environment

_ASSETS = files("batchgen.report") / "assets"
_SCRIPTS = ("page.js", "filters.js", "picks.js", "film.js", "keys.js")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""What HTML does not allow in a text, however it is escaped."""
_INERT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)[.\d]*Z")
_URL_TAIL, _FOLDERS = re.compile(r"[?#].*", re.DOTALL), re.compile(r".*[/\\]", re.DOTALL)
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Pictures:
    """Addresses of pictures by the hash of what they show: data URIs, or paths from the page."""

    stills: Mapping[str, str] = field(default_factory=dict)
    strips: Mapping[str, str] = field(default_factory=dict)


def as_html(board: Storyboard, pictures: Pictures, *, identity: str, written_at: str) -> bytes:
    """The page.

    ``identity`` is what choices are kept under in a browser, which shares that store among all local pages;
    ``written_at`` a time as ISO 8601 text.
    """
    style, script = _text("page.css"), "".join(map(_text, _SCRIPTS))
    references = _shared(board.takes, pictures)
    page = _environment().get_template("page.html").render(
        board=board,
        pictures=pictures,
        references=references,
        written_at=written_at,
        style=style,
        script=script,
        policy=_policy(style, script),
        data=_inert(_data(board, identity)),
    )  # fmt: skip
    return _NOT_TEXT.sub("\ufffd", page).encode("utf-8", "replace")


@cache
def _text(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "path": quote,
        "duration": _duration,
        "file": _file_name,
        "balanced": balanced,
        "moment": _moment,
        "usd": readable,
    }
    return made


def _policy(style: str, script: str) -> str:
    hashes = {kind: _hash(text) for kind, text in (("style", style), ("script", script))}
    allowed = " ".join(f"{kind}-src '{found}';" for kind, found in hashes.items())
    return f"default-src 'none'; {allowed} img-src 'self' data:; media-src 'self'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _shared(takes: Iterable[Take], pictures: Pictures) -> dict[str, str]:
    """The pictures of references, each once, by hash."""
    found = (one.picture for take in takes for one in take.references)
    return {sha256: pictures.stills[sha256] for sha256 in dict.fromkeys(found) if sha256 in pictures.stills}


def _data(board: Storyboard, identity: str) -> dict[str, Any]:
    """What the script needs: names and places, and no texts of other people."""
    return {"name": board.name, "identity": identity, "shots": [_shot(shot) for shot in board.shots]}


def _shot(shot: Shot) -> dict[str, Any]:
    return {"id": shot.id, "picked": shot.picked, "takes": [_take(take) for take in shot.takes]}


def _take(take: Take) -> dict[str, Any]:
    shown = quote(take.shown.path) if take.shown is not None and take.is_playable else ""
    return {
        "id": take.row["scene_id"],
        "pick": take.pick,
        "status": take.row["status"],
        "video": shown,
        "results": {result.name: quote(result.path) for result in take.results if result.path},
    }


def _inert(data: Any) -> str:
    """JSON that ends no element and begins none."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True).translate(_INERT)


def _duration(seconds: float) -> str:
    """A length of time in words."""
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _moment(at: str) -> str:
    """A time as people read it; a journal from somebody else may hold one that is none."""
    found = _TIME.match(at)
    return f"{found[1]} {found[2]} UTC" if found else "at an unknown time"


def _file_name(reference: Reference) -> str:
    """What a reference is called, without the way to it, and without what follows in a URL: there may be keys in it."""
    source = reference.source
    if reference.scene:
        return source
    if source.startswith("data:"):
        return "inside the manifest"
    name = _URL_TAIL.sub("", source) if "://" in source else source
    return _FOLDERS.sub("", name.rstrip("/\\")) or source
