"""Every limit of the model's reference page, one step inside and one step outside of it."""

import io
import re
import token
import tokenize
from collections.abc import Callable
from pathlib import Path

import pytest

import batchgen

from helpers.support import PROMPT, REFERENCE, findings, one_scene, pad, write_image, write_sound, write_video

KB = 1024
IMAGE_BYTES, AUDIO_BYTES, VIDEO_BYTES = 10 * KB * KB, 15 * KB * KB, 100 * KB * KB
ASTRAL = "\N{CLAPPER BOARD}"
URLS = [f"https://example.com/{number}" for number in range(1, 7)]


def character_prompt(length: int, letter: str = "x") -> str:
    """A prompt of exactly that many characters."""
    return PROMPT + " " + letter * (length - len(PROMPT) - 1)


def with_references(*sources: str, **settings: str) -> str:
    prompt = " ".join(f"character{number}" for number in range(1, len(sources) + 1)) or PROMPT
    return one_scene(prompt, f"[{', '.join(sources)}]", **settings)


def with_cast(length: int) -> str:
    """A prompt that has exactly that many characters once the cast is put in."""
    filled = character_prompt(length).replace("character1", "{someone_with_a_long_name}", 1)
    return one_scene(f'"{filled}"', None) + f"cast: {{someone_with_a_long_name: {REFERENCE}}}\n"


_SIZES = [
    *("1280*720", "720*1280", "960*960", "1088*832", "832*1088"),
    *("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632"),
]

SETTINGS: dict[str, tuple[str, list[str]]] = {
    "prompt missing": (one_scene(None), ["4 prompt.required"]),
    "prompt of blanks": (one_scene('"  "'), ["5 prompt.pattern"]),
    "prompt at 1500": (one_scene(character_prompt(1500)), []),
    "prompt at 1501": (one_scene(character_prompt(1501)), ["5 prompt.maxLength"]),
    "prompt at 1500, beyond the BMP": (one_scene(character_prompt(1500, ASTRAL)), []),
    "prompt at 1501, beyond the BMP": (one_scene(character_prompt(1501, ASTRAL)), ["5 prompt.maxLength"]),
    "prompt at 1500 with the cast": (with_cast(1500), []),
    "prompt at 1501 with the cast": (with_cast(1501), ["5 prompt.maxLength"]),
    "references missing": (one_scene(references=None), ["4 references.required"]),
    "0 references": (one_scene(references="[]"), ["6 references.minItems"]),
    **{f"{count} references": (with_references(*URLS[:count]), []) for count in range(1, 6)},
    "6 references": (with_references(*URLS), ["6 references.maxItems"]),
    "5 images": (with_references(*[f"{url}.png" for url in URLS[:5]]), []),
    "6 images": (
        with_references(*[f"{url}.png" for url in URLS]),
        ["6 references.maxItems", "6 references.maxContains"],
    ),
    "3 videos by name": (with_references(*[f"{url}.mp4" for url in URLS[:3]], URLS[3]), []),
    "4 videos by name": (with_references(*[f"{url}.MOV?a=b" for url in URLS[:4]]), ["6 references.maxContains"]),
    "reference by http": (with_references("http://example.com/a"), []),
    "reference by https": (with_references("HTTPS://example.com/a"), []),
    "reference by ftp": (with_references("ftp://example.com/a"), ["6 references.pattern"]),
    "reference of no form": (with_references("https://"), ["6 references.pattern"]),
    "data URI without base64": (with_references('"data:image/png,abc"'), ["6 references.pattern"]),
    "audio by http": (one_scene(audio_url="http://example.com/a.mp3"), []),
    "audio by https": (one_scene(audio_url="https://example.com/a"), []),
    "audio by ftp": (
        one_scene(audio_url="ftp://example.com/a.mp3"),
        ["7 audio_url.pattern"],
    ),
    **{f"size {size}": (one_scene(size=size), []) for size in _SIZES},
    "size by habit 1280x720": (one_scene(size="1280x720"), ["7 size.enum"]),
    "size by habit 720P": (one_scene(size="720P"), ["7 size.enum"]),
    "size by habit 16:9": (one_scene(size="16:9"), ["7 size.enum"]),
    "size by habit, quoted": (one_scene(size='"1:1"'), ["7 size.enum"]),
    "size one pixel off": (one_scene(size="1281*720"), ["7 size.enum"]),
    **{f"duration {seconds}": (one_scene(duration=seconds), []) for seconds in ("2", "5", "10")},
    **{
        f"duration {seconds}": (one_scene(duration=seconds), ["7 duration.upstream warning"])
        for seconds in ("11", "15")
    },
    "duration 1": (one_scene(duration="1"), ["7 duration.minimum"]),
    "duration 16": (one_scene(duration="16"), ["7 duration.maximum"]),
    "duration 5.5": (one_scene(duration="5.5"), ["7 duration.type"]),
    "duration in quotes": (one_scene(duration='"5"'), ["7 duration.type"]),
    **{
        f"{name} {value}": (one_scene(**{name: value}), [])
        for name in ("prompt_extend", "watermark", "audio")
        for value in ("true", "false")
    },
    **{
        f"{name} {value}": (one_scene(**{name: value}), [f"7 {name}.type"])
        for name in ("prompt_extend", "watermark", "audio")
        for value in ("1", '"true"')
    },
    "shot_type single": (one_scene(shot_type="single"), []),
    "shot_type multi": (one_scene(shot_type="multi"), []),
    "shot_type other": (one_scene(shot_type="double"), ["7 shot_type.enum"]),
    "seed 0": (one_scene(seed="0"), []),
    "seed -1": (one_scene(seed="-1"), ["7 seed.minimum"]),
    "seed 2147483647": (one_scene(seed="2147483647"), []),
    "seed 2147483648": (one_scene(seed="2147483648"), ["7 seed.maximum"]),
    "seed random": (one_scene(seed="random"), []),
    "seed of another word": (one_scene(seed="any"), ["7 seed.const"]),
    "seeds of takes up to the end": (one_scene(seed="2147483645", takes="3"), []),
    "seeds of takes over the end": (one_scene(seed="2147483646", takes="3"), ["7 seed.takes"]),
    "takes 0": (one_scene(takes="0"), ["7 takes.minimum"]),
    "takes 1": (one_scene(takes="1"), []),
    "takes 100": (one_scene(takes="100"), []),
    "takes 101": (one_scene(takes="101"), ["7 takes.maximum"]),
}


@pytest.mark.parametrize(("text", "expected"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_within_and_beyond_its_limit(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert findings(tmp_path, text) == expected


Maker = Callable[[Path], Path]


def image(form: str, width: int = 400, height: int = 400, mode: str = "RGB", color: object = 0) -> Maker:
    return lambda folder: write_image(folder / "a", form, (width, height), mode, color)


def video(container: str, seconds: float = 4) -> Maker:
    return lambda folder: write_video(folder / "a", container, seconds)


def sound(container: str, seconds: float = 4) -> Maker:
    return lambda folder: write_sound(folder / "a", container, seconds)


def padded(make: Maker, size: int) -> Maker:
    return lambda folder: pad(make(folder), size)


HALF, FULL = (200, 100, 50, 128), (200, 100, 50, 255)
WIDE, HIGH = (2000, 360), (360, 2000)

REFERENCES: dict[str, tuple[Maker, list[str]]] = {
    **{f"{form} is taken": (image(form), []) for form in ("JPEG", "PNG", "BMP", "WEBP")},
    **{f"{form} is refused": (image(form), ["6 image.format.enum"]) for form in ("GIF", "TIFF")},
    "360 px wide, 2000 high": (image("PNG", *HIGH), []),
    "2000 px wide, 360 high": (image("PNG", *WIDE), []),
    "359 px wide": (image("PNG", 359, 400), ["6 image.width.minimum"]),
    "2001 px wide": (image("PNG", 2001, 400), ["6 image.width.maximum"]),
    "359 px high": (image("PNG", 400, 359), ["6 image.height.minimum"]),
    "2001 px high": (image("PNG", 400, 2001), ["6 image.height.maximum"]),
    "359 px each way": (image("PNG", 359, 359), ["6 image.width.minimum", "6 image.height.minimum"]),
    "PNG with transparent pixels": (image("PNG", mode="RGBA", color=HALF), ["6 image.transparency.enum"]),
    "PNG with an opaque alpha channel": (image("PNG", mode="RGBA", color=FULL), ["6 image.alpha warning"]),
    "WEBP with transparent pixels": (image("WEBP", mode="RGBA", color=HALF), []),
    "PNG of 10 MB": (padded(image("PNG"), IMAGE_BYTES), []),
    "PNG of 10 MB and a byte": (padded(image("PNG"), IMAGE_BYTES + 1), ["6 image.bytes.maximum"]),
    "JPEG of 10 MB": (padded(image("JPEG"), IMAGE_BYTES), []),
    "JPEG of 10 MB and a byte": (padded(image("JPEG"), IMAGE_BYTES + 1), ["6 image.bytes.maximum"]),
    "MP4 of 3 s": (video("mp4", 3), []),
    "MP4 of 30 s": (video("mp4", 30), []),
    "MP4 of 2.5 s": (video("mp4", 2.5), ["6 video.seconds.minimum"]),
    "MP4 of 30.5 s": (video("mp4", 30.5), ["6 video.seconds.maximum"]),
    "MOV of 3 s": (video("mov", 3), []),
    "MOV of 2.5 s": (video("mov", 2.5), ["6 video.seconds.minimum"]),
    "MKV": (video("matroska"), ["6 video.format.enum"]),
    "AVI": (video("avi"), ["6 video.format.enum"]),
    "MP4 of 100 MB": (padded(video("mp4"), VIDEO_BYTES), []),
    "MP4 of 100 MB and a byte": (padded(video("mp4"), VIDEO_BYTES + 1), ["6 video.bytes.maximum"]),
    "a sound": (sound("wav"), ["6 audio.kind.enum"]),
}


@pytest.mark.parametrize(("make", "expected"), REFERENCES.values(), ids=REFERENCES.keys())
def test_a_reference_within_and_beyond_its_limits(tmp_path: Path, make: Maker, expected: list[str]) -> None:
    assert findings(tmp_path, with_references(make(tmp_path).name)) == expected


# The API takes no local file here: one that is good has to be published, of which a warning tells.
LOCAL = "7 audio_url.local warning"
SOUNDS: dict[str, tuple[Maker, list[str]]] = {
    "wav of 3 s": (sound("wav", 3), [LOCAL]),
    "wav of 30 s": (sound("wav", 30), [LOCAL]),
    "wav of 2.9 s": (sound("wav", 2.9), ["7 audio.seconds.minimum"]),
    "wav of 30.1 s": (sound("wav", 30.1), ["7 audio.seconds.maximum"]),
    "mp3 of 3 s": (sound("mp3", 3), [LOCAL]),
    "mp3 of 30 s": (sound("mp3", 30), [LOCAL]),
    "mp3 of 2.9 s": (sound("mp3", 2.9), ["7 audio.seconds.minimum"]),
    "mp3 of 30.1 s": (sound("mp3", 30.1), ["7 audio.seconds.maximum"]),
    "flac": (sound("flac"), ["7 audio.format.enum"]),
    "wav of 15 MB": (padded(sound("wav"), AUDIO_BYTES), [LOCAL]),
    "wav of 15 MB and a byte": (padded(sound("wav"), AUDIO_BYTES + 1), ["7 audio.bytes.maximum"]),
    "a video": (video("mp4"), ["7 video.kind.enum"]),
    "a picture": (image("PNG"), ["7 image.kind.enum"]),
}


@pytest.mark.parametrize(("make", "expected"), SOUNDS.values(), ids=SOUNDS.keys())
def test_a_sound_within_and_beyond_its_limits(tmp_path: Path, make: Maker, expected: list[str]) -> None:
    found = findings(tmp_path, one_scene(audio_url=make(tmp_path).name, duration="4"))
    assert [finding for finding in found if not finding.endswith("audio_url.duration warning")] == expected


def test_a_sound_may_not_come_as_a_data_uri(tmp_path: Path) -> None:
    uri = "data:audio/mpeg;base64,AAAA"
    assert findings(tmp_path, one_scene(audio_url=uri)) == ["7 audio_url.pattern"]


@pytest.mark.parametrize(("count", "expected"), [(3, []), (4, ["6 references.maxContains"])])
def test_videos_are_counted_by_content_whatever_their_names(tmp_path: Path, count: int, expected: list[str]) -> None:
    names = [f"{number}.png" for number in range(count)]
    for name in names:
        write_video(tmp_path / name, seconds=3)
    assert findings(tmp_path, with_references(*names, REFERENCE)) == expected


def test_pictures_called_videos_are_not_counted_as_such_once_measured(tmp_path: Path) -> None:
    names = [f"{number}.webp" for number in range(4)]
    for name in names:
        write_image(tmp_path / name)
    assert findings(tmp_path, with_references(*names)) == []


@pytest.mark.parametrize(("count", "expected"), [(3, []), (4, ["6 references.maxContains"])])
def test_videos_in_data_uris_are_counted_by_mime_type(tmp_path: Path, count: int, expected: list[str]) -> None:
    uris = [f'"data:video/mp4;base64,{"A" * 4 * number}"' for number in range(1, count + 1)]
    found = findings(tmp_path, with_references(*uris, REFERENCE))
    assert [finding for finding in found if "unusable" not in finding] == expected


def test_the_cast_counts_among_the_references(tmp_path: Path) -> None:
    cast = "".join(f"  c{number}: {url}\n" for number, url in enumerate(URLS))
    text = one_scene('"{c0} {c1} {c2} {c3} {c4} {c5}"', None) + f"cast:\n{cast}"
    assert findings(tmp_path, text) == ["5 references.maxItems"]
    assert findings(tmp_path, text.replace(" {c5}", "").replace(f"  c5: {URLS[5]}\n", "")) == []


_LIMITS = frozenset({1500, 359, 360, 2000, 2147483647, 2**31, IMAGE_BYTES, AUDIO_BYTES, VIDEO_BYTES})
_SIZE_TEXT = re.compile(rf"^({'|'.join(map(re.escape, _SIZES))})$")
_MEDIA = ("decoding", "images", "probe", "recordings", "references", "urls")
_CHECKING = ("manifest", *(f"media/{name}.py" for name in _MEDIA), "model.py", "schemas.py", "cli")


def _numbers_and_sizes(path: Path) -> set[str]:
    """The limits that stand in a file as a number or as the text of a size."""
    found = set()
    for item in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if item.type == token.NUMBER and re.fullmatch(r"[0-9_]+", item.string) and int(item.string) in _LIMITS:
            found.add(item.string)
        if item.type == token.STRING and _SIZE_TEXT.match(item.string.strip("\"'")):
            found.add(item.string)
    return found


def test_no_limit_is_a_constant_in_python() -> None:
    package = Path(batchgen.__file__).parent
    files = [
        path
        for part in _CHECKING
        for path in ([package / part] if part.endswith(".py") else package.rglob(f"{part}/*.py"))
    ]
    assert len(files) > 10
    assert {path.name: found for path in files if (found := _numbers_and_sizes(path))} == {}
