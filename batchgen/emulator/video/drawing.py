"""Draws the frames of a rehearsal video: the prompt, the first reference, and what was asked for.

What stays the same during a shot is drawn once; a frame adds what moves.
"""

import colorsys
import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from batchgen.emulator.seeded_random import between, chance

Color = tuple[int, int, int]
Box = tuple[int, int, int, int]

WATERMARK = "AI Generated"
_INK: Color = (255, 255, 255)
_PALE: Color = (222, 228, 236)
_NIGHT: Color = (14, 17, 26)
_BARS = 9
_LONGEST_LINE = 300
"""Characters; no line of a picture is longer."""
_LARGEST_PROMPT, _SMALLEST_PROMPT = 7.4, 2.2
"""Height of the prompt's letters, in hundredths of the shorter side."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be seen. ``seed`` gives the colours; ``picture`` is the first reference."""

    width: int
    height: int
    seconds: int
    seed: int
    prompt: str
    shots: int
    sound: bool
    watermark: bool
    reference: str
    """The first reference in words, for a card without a picture; empty where there is none."""
    picture: Image.Image | None = None

    @property
    def unit(self) -> float:
        """A hundredth of the shorter side, in pixels."""
        return min(self.width, self.height) / 100


def shot(look: Look, number: int) -> Image.Image:
    """All of a shot that does not move."""
    image = _backdrop(look, number)
    card, panel = _places(look)
    if look.picture is not None or look.reference:
        _card(image, look, card)
    else:
        panel = (card[0], card[1], panel[2], panel[3])
    _panel(image, look, panel)
    _caption(image, look, number)
    if look.watermark:
        _watermark(image, look)
    return image


def frame(still: Image.Image, look: Look, second: float) -> Image.Image:
    """The shot as it looks at that second."""
    image = still.copy()
    draw = ImageDraw.Draw(image)
    unit = look.unit
    left, top, right, bottom = _track(look)
    done = left + (right - left) * min(1.0, second / look.seconds)
    light = _color(look.seed, 0, 0.35, 1.0)
    draw.rounded_rectangle((left, top, right, bottom), unit / 2, fill=(74, 80, 94))
    draw.rounded_rectangle((left, top, max(done, left + unit), bottom), unit / 2, fill=light)
    knob = unit * 1.5
    middle = (top + bottom) / 2
    draw.ellipse((done - knob, middle - knob, done + knob, middle + knob), fill=_INK)
    clock = f"{second:04.1f} / {look.seconds} s"
    draw.text((right, top - unit * 4.4), clock, _INK, _font(unit * 3), anchor="rm")
    if look.sound:
        _bars(draw, look, second, light)
    return image


def _color(seed: int, shift: float, saturation: float, value: float) -> Color:
    """A colour of the seed's scheme; ``shift`` goes around the wheel in steps."""
    hue = (chance(seed, "hue") + shift * 0.105) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _backdrop(look: Look, number: int) -> Image.Image:
    """A sky with a sun, and hills before it."""
    size = (look.width, look.height)
    shift = number * 3
    gradient = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    image = ImageOps.colorize(gradient, _color(look.seed, shift, 0.72, 0.5), _color(look.seed, shift + 1, 0.5, 0.98))
    reach = int(min(size) * between(0.9, 1.3, look.seed, "sun", number))
    glow = Image.radial_gradient("L")
    glow = ImageOps.invert(glow).point(lambda level: max(0, level - 90) * 1.5).resize((reach, reach))
    place = (
        int(look.width * between(0.05, 0.85, look.seed, "sun x", number)) - reach // 2,
        int(look.height * between(0.05, 0.35, look.seed, "sun y", number)) - reach // 2,
    )
    image.paste(Image.new("RGB", glow.size, _color(look.seed, shift + 1, 0.12, 1.0)), place, glow)
    draw = ImageDraw.Draw(image)
    for layer in range(3):
        color = _color(look.seed, shift + 2.2 - 0.7 * layer, 0.6, 0.66 - 0.18 * layer)
        draw.polygon(_hill(look, number, layer), fill=color)
    return image


def _hill(look: Look, number: int, layer: int) -> list[tuple[float, float]]:
    ground = look.height * (0.56 + 0.12 * layer)
    rise = look.height * 0.09
    phase = between(0, 6.28, look.seed, "hill", number, layer)
    waves = between(0.8, 1.9, look.seed, "waves", number, layer) * 2 * math.pi / look.width
    ridge = [
        (float(x), ground - rise * (math.sin(x * waves + phase) + 0.4 * math.sin(2.3 * x * waves + 2 * phase)))
        for x in range(0, look.width + 8, 8)
    ]
    return [*ridge, (float(look.width), float(look.height)), (0.0, float(look.height))]


def _places(look: Look) -> tuple[Box, Box]:
    """Where the card and the panel go: side by side in a wide picture, else one above the other."""
    edge = int(look.unit * 6)
    bottom = _track(look)[1] - int(look.unit * 9)
    if look.width > look.height * 1.1:
        side = int(min(bottom - edge, look.width * 0.4))
        top = (bottom + edge - side) // 2
        return (edge, top, edge + side, top + side), (edge * 2 + side, top, look.width - edge, top + side)
    side = int(min((bottom - edge) * 0.56, look.width - 2 * edge))
    left = (look.width - side) // 2
    panel = (edge, edge * 2 + side - edge // 2, look.width - edge, bottom)
    return (left, edge, left + side, edge + side), panel


def _track(look: Look) -> Box:
    edge = int(look.unit * 6)
    low = look.height - int(look.unit * 9)
    return edge, low, look.width - edge, low + max(2, int(look.unit * 0.9))


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] * 2 - 1, size[1] * 2 - 1), radius * 2, fill=255)
    return mask.resize(size, Image.Resampling.BILINEAR)


def _card(image: Image.Image, look: Look, box: Box) -> None:
    """The reference as a photograph with a white border and a shadow."""
    unit = look.unit
    size = (box[2] - box[0], box[3] - box[1])
    spread = int(unit * 3)
    shadow = Image.new("L", (size[0] + spread * 4, size[1] + spread * 4))
    shadow.paste(110, (spread * 2, spread * 2, spread * 2 + size[0], spread * 2 + size[1]))
    shadow = shadow.resize((shadow.width // 4, shadow.height // 4)).filter(ImageFilter.GaussianBlur(spread / 4))
    shadow = shadow.resize((size[0] + spread * 4, size[1] + spread * 4))
    image.paste(_NIGHT, (box[0] - spread * 2, box[1] - spread * 2 + spread // 2), shadow)
    image.paste((250, 249, 246), box[:2], _rounded(size, unit * 1.6))
    border, foot = int(unit * 1.6), int(unit * 6)
    inner = (size[0] - 2 * border, size[1] - border - foot)
    photo = ImageOps.fit(look.picture, inner) if look.picture is not None else _unseen(look, inner)
    image.paste(photo, (box[0] + border, box[1] + border), _rounded(inner, unit))
    draw = ImageDraw.Draw(image)
    middle = ((box[0] + box[2]) // 2, box[3] - foot // 2)
    draw.text(middle, "character1", (60, 64, 76), _font(unit * 3.2), anchor="mm")


def _unseen(look: Look, size: tuple[int, int]) -> Image.Image:
    """In place of a picture that was given as a URL and is not fetched."""
    photo = Image.new("RGB", size, _color(look.seed, 5, 0.25, 0.4))
    draw = ImageDraw.Draw(photo)
    x, y, radius = size[0] / 2, size[1] * 0.38, min(size) * 0.16
    tone = _color(look.seed, 5, 0.2, 0.7)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tone)
    draw.ellipse((x - radius * 1.8, y + radius * 1.25, x + radius * 1.8, y + radius * 4), fill=tone)
    draw.rectangle((0, size[1] * 0.8, size[0], size[1]), fill=_NIGHT)
    text = _shortened(look.reference, _font(look.unit * 2.4), size[0] * 0.92)
    draw.text((x, size[1] * 0.9), text, _PALE, _font(look.unit * 2.4), anchor="mm")
    return photo


def _panel(image: Image.Image, look: Look, box: Box) -> None:
    """The prompt, as large as it fits."""
    size = (box[2] - box[0], box[3] - box[1])
    mask = _rounded(size, look.unit * 1.8).point(lambda level: level * 158 // 255)
    image.paste(_NIGHT, box[:2], mask)
    margin = look.unit * 3
    lines, letter = _fitted(look.prompt, size[0] - 2 * margin, size[1] - 2 * margin, look.unit)
    height = letter * 1.32
    top = box[1] + (size[1] - height * len(lines)) / 2 + height / 2
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((box[0] + margin, top + number * height), line, _INK, _font(letter), anchor="lm")


def _fitted(prompt: str, width: float, height: float, unit: float) -> tuple[list[str], float]:
    """The lines of the prompt and the height of its letters; what does not fit ends with dots."""
    letter = _LARGEST_PROMPT * unit
    while True:
        room = max(1, int(height / (letter * 1.32)))
        lines = _wrapped(prompt, _font(letter), width, room + 1)
        if len(lines) <= room:
            return lines, letter
        if letter <= _SMALLEST_PROMPT * unit:
            return [*lines[: room - 1], lines[room - 1][:-1] + "…"], letter
        letter *= 0.88


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """The text in lines of that width, at most so many; what is behind them is left out."""
    lines = [""]
    for word in _safe(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= _LONGEST_LINE and font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        # Scripts without spaces make one long word: it is broken where the line ends.
        rest = word
        while rest and len(lines) <= most:
            cut = _fitting(rest, font, width)
            lines.append(rest[:cut])
            rest = rest[cut:]
        if len(lines) > most:
            break
    return [line for line in lines if line][:most] or [""]


def _fitting(word: str, font: ImageFont.FreeTypeFont, width: float) -> int:
    """How many characters of a word fit into a line, but one at least."""
    lengths = range(1, min(len(word), _LONGEST_LINE) + 1)
    return max(1, bisect_right(lengths, width, key=lambda count: font.getlength(word[:count])))


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text with its middle left out, so that it fits."""
    text = _safe(text)[:_LONGEST_LINE]
    kept = text
    half = len(text) // 2
    while half > 0 and font.getlength(kept) > width:
        half -= 1
        kept = f"{text[:half]}…{text[len(text) - half :]}"
    return kept


def _safe(text: str) -> str:
    """The text without what cannot be drawn: half characters and control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def _caption(image: Image.Image, look: Look, number: int) -> None:
    """The dark strip at the foot, and what was asked for."""
    unit = look.unit
    top = _track(look)[1] - int(unit * 7.4)
    strip = Image.new("L", (look.width, look.height - top), 176)
    image.paste(_NIGHT, (0, top), strip)
    parts = [f"{look.width} x {look.height}", f"{look.seconds} s", f"seed {look.seed}"]
    if look.shots > 1:
        parts.append(f"shot {number + 1} of {look.shots}")
    left, line, _, _ = _track(look)
    draw = ImageDraw.Draw(image)
    draw.text((left, line - unit * 4.4 + unit), "  ·  ".join(parts), _PALE, _font(unit * 3), anchor="ls")


def _watermark(image: Image.Image, look: Look) -> None:
    font = _font(look.unit * 3.6)
    stamp = Image.new("L", (int(font.getlength(WATERMARK) + look.unit * 2), int(look.unit * 5)))
    draw = ImageDraw.Draw(stamp)
    draw.text((stamp.width / 2, stamp.height / 2), WATERMARK, 190, font, anchor="mm")
    place = (look.width - stamp.width - int(look.unit * 4), look.height - stamp.height - int(look.unit))
    image.paste(_NIGHT, (place[0] + 2, place[1] + 2), ImageChops.multiply(stamp, stamp))
    image.paste(_INK, place, stamp)


def _bars(draw: ImageDraw.ImageDraw, look: Look, second: float, color: Color) -> None:
    """The sound, as bars that rise and fall below the track."""
    unit = look.unit
    left, line, _, _ = _track(look)
    for bar in range(_BARS):
        speed = between(3, 9, look.seed, "bar", bar)
        height = unit * (0.6 + 2.2 * abs(math.sin(second * speed + bar)))
        x = left + bar * unit * 1.3
        middle = line + unit * 5.2
        draw.rectangle((x, middle - height / 1.2, x + unit * 0.7, middle + height / 1.2), fill=color)


@lru_cache(maxsize=64)
def _font(height: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=max(6.0, round(height, 1)))
    if not isinstance(font, ImageFont.FreeTypeFont):  # pragma: no cover - Pillow's wheels carry FreeType
        raise TypeError("Pillow was built without FreeType, which draws the text of rehearsal videos")
    return font
