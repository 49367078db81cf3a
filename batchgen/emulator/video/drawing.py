"""Draws the frames of a video: the prompt, the first reference, and the parameters.

The static part of a shot is drawn once; each frame adds the moving part.
"""

import colorsys
import math
from bisect import bisect_right
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from batchgen.emulator.seeded_random import random_between, random_fraction
from batchgen.emulator.video.fonts import TextFont, plain_font, readable

Color = tuple[int, int, int]
Box = tuple[int, int, int, int]

WATERMARK = "AI Generated"
_WHITE: Color = (255, 255, 255)
_LIGHT_GREY: Color = (222, 228, 236)
_DARK_BLUE: Color = (14, 17, 26)
_SOUND_BARS = 9
_MAX_LINE_LENGTH = 300
"""The longest line of text, in characters."""
_LARGEST_LETTER, _SMALLEST_LETTER = 7.4, 2.2
"""Heights of the prompt's letters, in hundredths of the shorter side."""


@dataclass(frozen=True, slots=True)
class VideoSpec:
    """What a video shows. ``seed`` decides the colours; ``picture`` is the first reference."""

    width: int
    height: int
    seconds: int
    seed: int
    prompt: str
    shots: int
    sound: bool
    watermark: bool
    reference: str
    """The first reference as text, shown if there is no picture; empty without references."""
    picture: Image.Image | None = None

    @property
    def unit(self) -> float:
        """A hundredth of the shorter side, in pixels."""
        return min(self.width, self.height) / 100


def draw_shot(spec: VideoSpec, number: int) -> Image.Image:
    """Draw the static part of a shot."""
    image = _draw_background(spec, number)
    card, panel = _layout(spec)
    if spec.picture is not None or spec.reference:
        _draw_reference_card(image, spec, card)
    else:
        panel = (card[0], card[1], panel[2], panel[3])
    _draw_prompt_panel(image, spec, panel)
    _draw_caption(image, spec, number)
    if spec.watermark:
        _draw_watermark(image, spec)
    return image


def draw_frame(background: Image.Image, spec: VideoSpec, second: float) -> Image.Image:
    """Draw the moving part over a copy of the background, for that second."""
    image = background.copy()
    draw = ImageDraw.Draw(image)
    unit = spec.unit
    left, top, right, bottom = _progress_bar_box(spec)
    done = left + (right - left) * min(1.0, second / spec.seconds)
    accent = _color(spec.seed, 0, 0.35, 1.0)
    draw.rounded_rectangle((left, top, right, bottom), unit / 2, fill=(74, 80, 94))
    draw.rounded_rectangle((left, top, max(done, left + unit), bottom), unit / 2, fill=accent)
    knob_radius = unit * 1.5
    middle = (top + bottom) / 2
    draw.ellipse((done - knob_radius, middle - knob_radius, done + knob_radius, middle + knob_radius), fill=_WHITE)
    clock = f"{second:04.1f} / {spec.seconds} s"
    draw.text((right, top - unit * 4.4), clock, _WHITE, plain_font(unit * 3), anchor="rm")
    if spec.sound:
        _draw_sound_bars(draw, spec, second, accent)
    return image


def _color(seed: int, shift: float, saturation: float, value: float) -> Color:
    """A colour of the seed's palette; each step of ``shift`` adds 0.105 to the hue."""
    hue = (random_fraction(seed, "hue") + shift * 0.105) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _draw_background(spec: VideoSpec, number: int) -> Image.Image:
    """A sky with a sun, and hills in front of it."""
    size = (spec.width, spec.height)
    shift = number * 3
    gradient = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    image = ImageOps.colorize(gradient, _color(spec.seed, shift, 0.72, 0.5), _color(spec.seed, shift + 1, 0.5, 0.98))
    reach = int(min(size) * random_between(0.9, 1.3, spec.seed, "sun", number))
    glow = Image.radial_gradient("L")
    glow = ImageOps.invert(glow).point(lambda level: max(0, level - 90) * 1.5).resize((reach, reach))
    place = (
        int(spec.width * random_between(0.05, 0.85, spec.seed, "sun x", number)) - reach // 2,
        int(spec.height * random_between(0.05, 0.35, spec.seed, "sun y", number)) - reach // 2,
    )
    image.paste(Image.new("RGB", glow.size, _color(spec.seed, shift + 1, 0.12, 1.0)), place, glow)
    draw = ImageDraw.Draw(image)
    for layer in range(3):
        color = _color(spec.seed, shift + 2.2 - 0.7 * layer, 0.6, 0.66 - 0.18 * layer)
        draw.polygon(_hill_outline(spec, number, layer), fill=color)
    return image


def _hill_outline(spec: VideoSpec, number: int, layer: int) -> list[tuple[float, float]]:
    ground = spec.height * (0.56 + 0.12 * layer)
    rise = spec.height * 0.09
    phase = random_between(0, 6.28, spec.seed, "hill", number, layer)
    waves = random_between(0.8, 1.9, spec.seed, "waves", number, layer) * 2 * math.pi / spec.width
    outline = [
        (float(x), ground - rise * (math.sin(x * waves + phase) + 0.4 * math.sin(2.3 * x * waves + 2 * phase)))
        for x in range(0, spec.width + 8, 8)
    ]
    return [*outline, (float(spec.width), float(spec.height)), (0.0, float(spec.height))]


def _layout(spec: VideoSpec) -> tuple[Box, Box]:
    """The boxes of the card and the panel: side by side in a wide video, else one above the other."""
    edge = int(spec.unit * 6)
    bottom = _progress_bar_box(spec)[1] - int(spec.unit * 9)
    if spec.width > spec.height * 1.1:
        side = int(min(bottom - edge, spec.width * 0.4))
        top = (bottom + edge - side) // 2
        return (edge, top, edge + side, top + side), (edge * 2 + side, top, spec.width - edge, top + side)
    side = int(min((bottom - edge) * 0.56, spec.width - 2 * edge))
    left = (spec.width - side) // 2
    panel = (edge, edge * 2 + side - edge // 2, spec.width - edge, bottom)
    return (left, edge, left + side, edge + side), panel


def _progress_bar_box(spec: VideoSpec) -> Box:
    edge = int(spec.unit * 6)
    low = spec.height - int(spec.unit * 9)
    return edge, low, spec.width - edge, low + max(2, int(spec.unit * 0.9))


def _rounded_mask(size: tuple[int, int], radius: float) -> Image.Image:
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] * 2 - 1, size[1] * 2 - 1), radius * 2, fill=255)
    return mask.resize(size, Image.Resampling.BILINEAR)


def _draw_reference_card(image: Image.Image, spec: VideoSpec, box: Box) -> None:
    """Draw the reference as a photograph with a white border and a shadow."""
    unit = spec.unit
    size = (box[2] - box[0], box[3] - box[1])
    spread = int(unit * 3)
    shadow = Image.new("L", (size[0] + spread * 4, size[1] + spread * 4))
    shadow.paste(110, (spread * 2, spread * 2, spread * 2 + size[0], spread * 2 + size[1]))
    shadow = shadow.resize((shadow.width // 4, shadow.height // 4)).filter(ImageFilter.GaussianBlur(spread / 4))
    shadow = shadow.resize((size[0] + spread * 4, size[1] + spread * 4))
    image.paste(_DARK_BLUE, (box[0] - spread * 2, box[1] - spread * 2 + spread // 2), shadow)
    image.paste((250, 249, 246), box[:2], _rounded_mask(size, unit * 1.6))
    border, foot = int(unit * 1.6), int(unit * 6)
    inner = (size[0] - 2 * border, size[1] - border - foot)
    photo = ImageOps.fit(spec.picture, inner) if spec.picture is not None else _draw_placeholder(spec, inner)
    image.paste(photo, (box[0] + border, box[1] + border), _rounded_mask(inner, unit))
    draw = ImageDraw.Draw(image)
    middle = ((box[0] + box[2]) // 2, box[3] - foot // 2)
    draw.text(middle, "character1", (60, 64, 76), plain_font(unit * 3.2), anchor="mm")


def _draw_placeholder(spec: VideoSpec, size: tuple[int, int]) -> Image.Image:
    """A placeholder for a reference given as a URL, which is never fetched."""
    photo = Image.new("RGB", size, _color(spec.seed, 5, 0.25, 0.4))
    draw = ImageDraw.Draw(photo)
    x, y, radius = size[0] / 2, size[1] * 0.38, min(size) * 0.16
    tone = _color(spec.seed, 5, 0.2, 0.7)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tone)
    draw.ellipse((x - radius * 1.8, y + radius * 1.25, x + radius * 1.8, y + radius * 4), fill=tone)
    draw.rectangle((0, size[1] * 0.8, size[0], size[1]), fill=_DARK_BLUE)
    address = readable(_printable(spec.reference)[:_MAX_LINE_LENGTH])
    font = TextFont(address, spec.unit * 2.4)
    text = _shorten_middle(address, font, size[0] * 0.92)
    font.draw(draw, (x - font.length(text) / 2, size[1] * 0.9), text, _LIGHT_GREY)
    return photo


def _draw_prompt_panel(image: Image.Image, spec: VideoSpec, box: Box) -> None:
    """Draw the prompt in the largest letters that fit."""
    size = (box[2] - box[0], box[3] - box[1])
    mask = _rounded_mask(size, spec.unit * 1.8).point(lambda level: level * 158 // 255)
    image.paste(_DARK_BLUE, box[:2], mask)
    margin = spec.unit * 3
    prompt = readable(_printable(spec.prompt))
    lines, letter = _fit_prompt(prompt, size[0] - 2 * margin, size[1] - 2 * margin, spec.unit)
    height = letter * 1.32
    top = box[1] + (size[1] - height * len(lines)) / 2 + height / 2
    draw = ImageDraw.Draw(image)
    font = TextFont(prompt, letter)
    for number, line in enumerate(lines):
        font.draw(draw, (box[0] + margin, top + number * height), line, _WHITE)


def _fit_prompt(prompt: str, width: float, height: float, unit: float) -> tuple[list[str], float]:
    """The lines of the prompt and the height of its letters; text that does not fit is cut with an ellipsis."""
    letter = _LARGEST_LETTER * unit
    while True:
        max_lines = max(1, int(height / (letter * 1.32)))
        lines = _wrap(prompt, TextFont(prompt, letter), width, max_lines + 1)
        if len(lines) <= max_lines:
            return lines, letter
        if letter <= _SMALLEST_LETTER * unit:
            return [*lines[: max_lines - 1], lines[max_lines - 1][:-1] + "…"], letter
        letter *= 0.88


def _wrap(text: str, font: TextFont, width: float, max_lines: int) -> list[str]:
    """Wrap the text to that width; text after ``max_lines`` lines is dropped."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= _MAX_LINE_LENGTH and font.length(longer) <= width:
            lines[-1] = longer
            continue
        # Text of a script without spaces is one long word. It is broken at the end of the line.
        rest = word
        while rest and len(lines) <= max_lines:
            cut = _fitting_length(rest, font, width)
            lines.append(rest[:cut])
            rest = rest[cut:]
        if len(lines) > max_lines:
            break
    return [line for line in lines if line][:max_lines] or [""]


def _fitting_length(word: str, font: TextFont, width: float) -> int:
    """How many characters of a word fit into a line; at least one."""
    lengths = range(1, min(len(word), _MAX_LINE_LENGTH) + 1)
    return max(1, bisect_right(lengths, width, key=lambda count: font.length(word[:count])))


def _shorten_middle(text: str, font: TextFont, width: float) -> str:
    """The text, with an ellipsis in place of its middle if it does not fit."""
    kept = text
    half = len(text) // 2
    while half > 0 and font.length(kept) > width:
        half -= 1
        kept = f"{text[:half]}…{text[len(text) - half :]}"
    return kept


def _printable(text: str) -> str:
    """The text with spaces in place of unprintable characters: surrogates and control characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def _draw_caption(image: Image.Image, spec: VideoSpec, number: int) -> None:
    """Draw the dark strip at the bottom, with the parameters."""
    unit = spec.unit
    top = _progress_bar_box(spec)[1] - int(unit * 7.4)
    strip = Image.new("L", (spec.width, spec.height - top), 176)
    image.paste(_DARK_BLUE, (0, top), strip)
    parts = [f"{spec.width} x {spec.height}", f"{spec.seconds} s", f"seed {spec.seed}"]
    if spec.shots > 1:
        parts.append(f"shot {number + 1} of {spec.shots}")
    left, line, _, _ = _progress_bar_box(spec)
    draw = ImageDraw.Draw(image)
    draw.text((left, line - unit * 4.4 + unit), "  ·  ".join(parts), _LIGHT_GREY, plain_font(unit * 3), anchor="ls")


def _draw_watermark(image: Image.Image, spec: VideoSpec) -> None:
    font = plain_font(spec.unit * 3.6)
    stamp = Image.new("L", (int(font.getlength(WATERMARK) + spec.unit * 2), int(spec.unit * 5)))
    draw = ImageDraw.Draw(stamp)
    draw.text((stamp.width / 2, stamp.height / 2), WATERMARK, 190, font, anchor="mm")
    place = (spec.width - stamp.width - int(spec.unit * 4), spec.height - stamp.height - int(spec.unit))
    image.paste(_DARK_BLUE, (place[0] + 2, place[1] + 2), ImageChops.multiply(stamp, stamp))
    image.paste(_WHITE, place, stamp)


def _draw_sound_bars(draw: ImageDraw.ImageDraw, spec: VideoSpec, second: float, color: Color) -> None:
    """Draw the sound as bars that rise and fall below the progress bar."""
    unit = spec.unit
    left, line, _, _ = _progress_bar_box(spec)
    for bar in range(_SOUND_BARS):
        speed = random_between(3, 9, spec.seed, "bar", bar)
        height = unit * (0.6 + 2.2 * abs(math.sin(second * speed + bar)))
        x = left + bar * unit * 1.3
        middle = line + unit * 5.2
        draw.rectangle((x, middle - height / 1.2, x + unit * 0.7, middle + height / 1.2), fill=color)
