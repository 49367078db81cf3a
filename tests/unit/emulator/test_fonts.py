"""What is written into the pictures: each letter from a font that has it."""

from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from batchgen.emulator.video import fonts
from batchgen.emulator.video.drawing import VideoSpec, draw_shot
from batchgen.emulator.video.fonts import TextFont, readable

SCRIPTS = {
    "German": "äöüß",
    "Cyrillic": "Кириллица",
    "Japanese": "日本語ひらがな",
    "Korean": "한국어",
    "Arabic": "مرحبا",
}


@pytest.fixture
def own_font_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which there is no font but the one that Pillow carries."""
    monkeypatch.setattr(fonts, "_PACKAGE", "no_such_package")
    monkeypatch.setattr(fonts, "_SYSTEM_FILES", ())
    forget()
    yield
    forget()


def forget() -> None:
    for cached in (fonts._fonts, fonts._has, fonts._sized, fonts._probe):  # noqa: SLF001 - what was found lasts as long as the process
        cached.cache_clear()


def drawn(text: str) -> Image.Image:
    image = Image.new("RGB", (400, 60))
    TextFont(text, 30).draw(ImageDraw.Draw(image), (5, 30), text, (255, 255, 255))
    return image


@pytest.mark.usefixtures("own_font_alone")
def test_without_any_other_font_there_are_no_boxes() -> None:
    assert readable("Straße, Mädchen: 日本 \u2013 ñ…") == "Strasse, Madchen: ?? - n…"
    assert readable("plain ASCII (1/2)") == "plain ASCII (1/2)"
    # Marks go where their letters have gone.
    assert readable("\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35") == "???? ????"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_that_some_font_has_is_drawn_with_it(script: str) -> None:
    text = SCRIPTS[script]
    if "?" in readable(text) or readable(text).isascii():
        pytest.skip(f"no font here has {script}")
    assert readable(text) == text
    own = ImageFont.load_default(30)
    boxes = Image.new("RGB", (400, 60))
    ImageDraw.Draw(boxes).text((5, 30), text, (255, 255, 255), own, anchor="lm")
    assert ImageChops.difference(drawn(text), boxes).getbbox()
    assert TextFont(text, 30).length(text) > 30


def test_ascii_is_drawn_with_pillows_own_font_on_every_machine() -> None:
    expected = Image.new("RGB", (400, 60))
    font = ImageFont.load_default(30)
    ImageDraw.Draw(expected).text((5, 30), "character1 waves", (255, 255, 255), font, anchor="lm")
    assert not ImageChops.difference(drawn("character1 waves"), expected).getbbox()


def test_a_picture_takes_any_text() -> None:
    prompt = f"{' '.join(SCRIPTS.values())} \ud83d \x00 \U000f0000 नमस्ते \u200d😀\ufe0f " + "日本語" * 200
    spec = VideoSpec(320, 240, 2, 1, prompt, 1, sound=False, watermark=True, reference="https://example.com/ü/日.png")
    assert draw_shot(spec, 0).size == (320, 240)
