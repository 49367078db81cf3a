"""Pictures with words in them: slates for what is missing, captions, and the mark of a rehearsal."""

from bisect import bisect_right

from PIL import Image, ImageDraw

from batchgen.emulator.video.fonts import TextFont, readable
from batchgen.text import on_one_line

Color = tuple[int, int, int]
INK: Color = (232, 234, 237)
FAINT: Color = (154, 160, 166)
ALARM: Color = (242, 139, 130)
GROUND: Color = (32, 33, 36)
_SLATE: Color = (52, 54, 59)
REHEARSAL = "REHEARSAL"
_CUT = "…"
_LONGEST = 200
"""Characters: more do not fit into a line of any picture here."""


def write_line(image: Image.Image, place: tuple[float, float], text: str, height: float, color: Color = INK) -> None:
    """Write one line to the right of a place in the middle of its height; what does not fit is cut."""
    shown = readable(on_one_line(text[:_LONGEST]))
    font = TextFont(shown + readable(_CUT), height)
    room = image.width - place[0]
    if font.length(shown) > room:
        end = readable(_CUT)
        fitting = bisect_right(range(len(shown)), room, key=lambda count: font.length(shown[:count] + end))
        shown = shown[: max(0, fitting - 1)].rstrip() + end
    font.draw(ImageDraw.Draw(image), place, shown, color)


def slate(size: tuple[int, int], name: str, title: str, missing: str) -> Image.Image:
    """What is shown in place of a shot without a result: its name, its title and why it is not there."""
    image = Image.new("RGB", size, _SLATE)
    width, height = size
    left, unit = width * 0.08, height / 12
    write_line(image, (left, 4.0 * unit), name, 1.5 * unit)
    write_line(image, (left, 5.8 * unit), title, 0.8 * unit, FAINT)
    write_line(image, (left, 7.6 * unit), missing, 0.8 * unit, ALARM)
    return image


def label(text: str, height: int) -> Image.Image:
    """A small sign in greys, to be laid into a picture; its width is even."""
    font = TextFont(text, height * 0.6)
    image = Image.new("RGB", (int(font.length(text) + height) // 2 * 2, height), (16, 16, 16))
    font.draw(ImageDraw.Draw(image), (height / 2, height / 2), text, INK)
    return image.convert("L")


def fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The whole picture within a size, with bars where its form is another."""
    scale = min(size[0] / image.width, size[1] / image.height)
    inside = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    framed = Image.new("RGB", size)
    framed.paste(inside, ((size[0] - inside.width) // 2, (size[1] - inside.height) // 2))
    return framed
