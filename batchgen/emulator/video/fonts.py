"""Finds a font for each letter: Pillow's own first, then those of the extra ``fonts``, then those of the system.

Pillow's own has little more than ASCII. What no font has is shown without its marks, or as a question mark,
and never as the box that fonts draw for it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

_PACKAGE, _PACKAGE_FOLDER = "weblate_fonts", "static/weblate_fonts/kurinto/ttf"
_PACKAGE_FILES = tuple(f"KurintoSans{script}-Rg.ttf" for script in ("", "JP", "SC", "KR", "TC"))
_SYSTEM_FILES = (
    # Most Linux systems
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    # macOS
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
    # Windows
    "segoeui.ttf",
    "arial.ttf",
    "YuGothM.ttc",
    "msyh.ttc",
    "malgun.ttf",
    "Nirmala.ttf",
)
"""Looked for in the folders of the system; each adds scripts that those before it may lack."""
_PROBE_HEIGHT = 16
_NOT_A_CHARACTER = "\U0010fffe"
"""No font has it, and so each draws its box for it."""
_UNKNOWN = "?"


@lru_cache(maxsize=1)
def _fonts() -> tuple[ImageFont.FreeTypeFont, ...]:
    """All fonts that were found, in order of preference."""
    first = ImageFont.load_default(size=_PROBE_HEIGHT)
    if not isinstance(first, ImageFont.FreeTypeFont):  # pragma: no cover - Pillow's wheels carry FreeType
        raise TypeError("Pillow was built without FreeType, which draws the text of rehearsal videos")
    return first, *_found([*_package_files(), *_SYSTEM_FILES])


def _package_files() -> Iterator[str]:
    # The package is an application of Django: it is looked up and not imported.
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from (str(Path(folder, _PACKAGE_FOLDER, name)) for name in _PACKAGE_FILES)


def _found(names: Sequence[str]) -> Iterator[ImageFont.FreeTypeFont]:
    for name in names:
        with suppress(OSError):
            # Pillow looks for a name without folder in the font folders of each system.
            yield ImageFont.truetype(name, _PROBE_HEIGHT)


@lru_cache(maxsize=65536)
def _has(index: int, char: str) -> bool:
    """Whether the font draws something for the character that is not its box."""
    return char.isspace() or _drawn(index, char) not in ((), _drawn(index, _NOT_A_CHARACTER))


def _drawn(index: int, char: str) -> tuple[object, ...]:
    mask = _probe(index).getmask(char)
    return (mask.size, bytes(mask)) if mask.getbbox() else ()


@lru_cache(maxsize=64)
def _probe(index: int) -> ImageFont.FreeTypeFont:
    # The other engine draws a circle below a mark that stands alone, and so more than the box.
    return _fonts()[index].font_variant(layout_engine=ImageFont.Layout.BASIC)


def _font_of(char: str) -> int | None:
    return next((index for index in range(len(_fonts())) if _has(index, char)), None)


def readable(text: str) -> str:
    """The text with something else in place of the characters that no font has."""
    return "".join(char if _font_of(char) is not None else _replacement(char) for char in text)


def _replacement(char: str) -> str:
    category = unicodedata.category(char)
    if category.startswith("M"):
        return ""
    if category == "Pd":
        return "-"
    spelt = char.casefold() if len(char.casefold()) > 1 else char
    plain = "".join(part for part in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(part))
    return plain if plain != char and all(_font_of(part) is not None for part in plain) else _UNKNOWN


class TextFont:
    """The fonts for one text in one height, in pixels: one for most of it, others for what that one lacks."""

    def __init__(self, text: str, height: float) -> None:
        """Choose the fonts; ``text`` has to be `readable`."""
        self._size = max(6.0, round(height, 1))
        chars = set(text)
        # Of equally good fonts, the first: plain text is drawn with Pillow's own, on every machine.
        self._main = max(range(len(_fonts())), key=lambda index: sum(_has(index, char) for char in chars))

    def length(self, text: str) -> float:
        """The width of the text, in pixels."""
        return sum(_sized(index, self._size).getlength(run) for index, run in self._runs(text))

    def draw(
        self, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, color: tuple[int, int, int]
    ) -> None:
        """Draw the text to the right of a place, which is in the middle of its height."""
        main = _sized(self._main, self._size)
        runs = list(self._runs(text))
        if [index for index, _ in runs] == [self._main]:
            draw.text(place, text, color, main, anchor="lm")
            return
        left, middle = place
        # All fonts stand on one line, which is that of the main one.
        baseline = middle + main.getbbox("x", anchor="lm")[1] - main.getbbox("x", anchor="ls")[1]
        for index, run in runs:
            font = _sized(index, self._size)
            draw.text((left, baseline), run, color, font, anchor="ls")
            left += font.getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[int, str]]:
        for index, chars in groupby(text, self._index):
            yield index, "".join(chars)

    def _index(self, char: str) -> int:
        return self._main if _has(self._main, char) else _font_of(char) or 0


@lru_cache(maxsize=64)
def _sized(index: int, size: float) -> ImageFont.FreeTypeFont:
    return _fonts()[index].font_variant(size=size)


def plain_font(height: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font, for texts in ASCII; the height is in pixels."""
    return _sized(0, max(6.0, round(height, 1)))
