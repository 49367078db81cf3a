"""Stills of results: the frame that is meant, and that frame as a decoder of the whole film shows it."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops

from batchgen.media.probe import UnusableMedia
from batchgen.media.stills import frame_number, still

from helpers.films import make_film

FRAMES = 30
BASE = Fraction(1, 600)
STEADY = [number * 25 for number in range(FRAMES)]
"""24 frames a second, in units of ``BASE``."""
UNEVEN = [number * 25 + (number % 3) * 7 for number in range(FRAMES)]
_COLOURS = {"BT.709": 1, "BT.601": 6, "unnamed": 2}
_LIMITED, _FULL = 1, 2


def film(
    path: Path,
    shown_at: Sequence[int] = STEADY,
    *,
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
) -> Path:
    """A film whose frame N is of grey ``8 * N`` in its left half, and is shown at ``shown_at[N]``."""
    with av.open(str(path), "w", format="mp4", options=muxing or {}) as container:
        stream: Any = container.add_stream("libx264", rate=24, options={"crf": "12", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = BASE
        for number, pts in enumerate(shown_at):
            image = Image.new("RGB", (64, 48), (number * 8 % 256,) * 3)
            image.paste((200, 30, (number * 40) % 256), (32, 0, 64, 48))
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = pts, BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded(path: Path) -> list[Any]:
    """All frames of a film, decoded from its beginning, in the order in which they are shown."""
    with av.open(str(path)) as container:
        return sorted(container.decode(video=0), key=lambda frame: frame.pts)


def picture(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return image


def is_alike(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one, other).getbbox() is None


def of(**options: str) -> Callable[[Path], Path]:
    return lambda path: film(path, options={name.replace("_", "-"): value for name, value in options.items()})


FILMS: dict[str, Callable[[Path], Path]] = {
    "no B-frames": of(bf="0"),
    "B-frames": of(bf="3", g="250"),
    "many groups": of(bf="2", g="5"),
    "every frame a key": of(g="1"),
    "open groups": of(x264_params="open-gop=1:keyint=8:min-keyint=8:bframes=3:scenecut=0"),
    "uneven": lambda path: film(path, UNEVEN, options={"bf": "2", "g": "7"}),
    "begins late": lambda path: film(path, [pts + 1234 for pts in STEADY]),
    "begins before its edit list": lambda path: film(
        path, [pts - 125 for pts in STEADY], muxing={"avoid_negative_ts": "disabled"}
    ),
    "fragmented": lambda path: film(path, muxing={"movflags": "frag_keyframe+empty_moov"}, options={"g": "6"}),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_still_is_the_frame_that_a_plain_decoder_shows(tmp_path: Path, name: str) -> None:
    path = FILMS[name](tmp_path / "x.mp4")
    frames = decoded(path)
    assert frame_number(path, "first") == 0
    assert frame_number(path, "last") == len(frames) - 1
    for number in (0, 1, 4, 5, 6, 13, len(frames) - 2, len(frames) - 1):
        assert is_alike(picture(still(path, number)), frames[number].to_image()), number


@pytest.mark.parametrize("name", FILMS)
def test_a_moment_is_the_frame_that_is_shown_then(tmp_path: Path, name: str) -> None:
    path = FILMS[name](tmp_path / "x.mp4")
    frames = decoded(path)
    begins = [(frame.pts - frames[0].pts) * Fraction(frame.time_base) for frame in frames]
    for number in (0, 1, 7, len(frames) - 1):
        assert frame_number(path, str(float(begins[number]) + 0.0001)) == number, "just after it appears"
        if number:
            assert frame_number(path, str(float(begins[number]) - 0.0001)) == number - 1, "just before"
            between = (begins[number - 1] + begins[number]) / 2
            assert frame_number(path, f"{float(between):.6f}") == number - 1, "between two, the one shown then"
    assert frame_number(path, "1000") == len(frames) - 1


def test_a_moment_is_exact_where_a_float_is_not(tmp_path: Path) -> None:
    """0.1 s is where frame 10 begins, and 0.1 as a float is a little more or less than a tenth."""
    path = film(tmp_path / "x.mp4", [number * 6 for number in range(FRAMES)], options={"bf": "0"})
    moments = {"0": 0, "0.099999": 9, "0.1": 10, "0.10": 10, "0.11": 11, "0.2": 20}
    assert {text: frame_number(path, text) for text in moments} == moments


def test_of_a_film_of_one_frame_every_moment_is_that(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mp4", [0])
    assert {frame_number(path, moment) for moment in ("first", "last", "0", "2.5", "99")} == {0}
    assert is_alike(picture(still(path, 0)), decoded(path)[0].to_image())


def test_the_last_frame_is_that_of_the_pictures_though_the_sound_goes_on(tmp_path: Path) -> None:
    path = make_film(tmp_path / "x.mp4", 24, sound_s=3)
    assert {moment: frame_number(path, moment) for moment in ("last", "0.99", "2.5")} == {
        "last": 23, "0.99": 23, "2.5": 23
    }  # fmt: skip
    assert is_alike(picture(still(path, 23)), decoded(path)[23].to_image())


def test_a_still_of_an_odd_size_has_that_size(tmp_path: Path) -> None:
    path = make_film(tmp_path / "x.mp4", 3, size=(1281, 719), pixels="yuv444p")
    assert picture(still(path, 2)).size == (1281, 719)


def test_a_film_that_says_that_it_has_more_frames_is_counted(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mp4", STEADY[:3])
    assert frame_number(path, "last") == 2
    with pytest.raises(UnusableMedia, match="has 3 frames, and frame 3 is wanted"):
        still(path, 3)


def test_a_frame_that_does_not_decode_is_told_and_no_other_is_taken_for_it(tmp_path: Path) -> None:
    path = film(tmp_path / "x.mp4", options={"g": "1"})
    with av.open(str(path)) as container:
        packets: list[Any] = [packet for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    content[packets[5].pos : packets[5].pos + packets[5].size] = bytes(packets[5].size)
    path.write_bytes(content)
    with pytest.raises(UnusableMedia, match=r"has no frame 5 that decodes|cannot be read as a video"):
        still(path, 5)
    assert still(path, 4)


@pytest.mark.parametrize("content", [b"", b"no film", bytes(5000)])
def test_what_is_no_film_has_no_stills(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    for act in (lambda: frame_number(path, "last"), lambda: still(path, 0)):
        with pytest.raises(UnusableMedia):
            act()
    with pytest.raises(UnusableMedia):
        frame_number(tmp_path / "absent.mp4", "last")


def test_a_film_of_no_frames_has_no_stills(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "x.mp4"), "w") as container:
        container.add_stream("libx264", rate=24)
        audio: Any = container.add_stream("aac", rate=48_000, layout="mono")
        block: Any = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        block.sample_rate, block.pts = 48_000, 0
        block.planes[0].update(bytes(block.planes[0].buffer_size))
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    with pytest.raises(UnusableMedia):
        frame_number(tmp_path / "x.mp4", "last")


def coloured(path: Path, yuv: tuple[int, int, int], size: tuple[int, int], space: int, range_: int) -> Path:
    """A film of one frame whose samples are these, and that says so of their meaning."""
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=24, options={"crf": "1"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if range_ == _FULL else "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = space, range_
        frame: Any = av.VideoFrame(*size, format=stream.pix_fmt)
        for plane, sample in zip(frame.planes, yuv, strict=True):
            plane.update(bytes([sample]) * plane.buffer_size)
        frame.pts = 0
        frame.colorspace, frame.color_range = space, range_
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def rgb_of(yuv: tuple[int, int, int], red: float, blue: float, range_: int) -> list[int]:
    """What a sample means by the standards, by the weights of red and blue in the brightness."""
    luma = yuv[0] / 255 if range_ == _FULL else (yuv[0] - 16) / 219
    cb, cr = ((sample - 128) / (255 if range_ == _FULL else 224) for sample in yuv[1:])
    r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return [round(min(max(value, 0), 1) * 255) for value in (r, g, b)]


HD, SD = (1280, 720), (640, 368)
_709, _601 = (0.2126, 0.0722), (0.299, 0.114)
MEANT = {
    "BT.709, named": (HD, "BT.709", _LIMITED, _709),
    "BT.601, named, HD all the same": (HD, "BT.601", _LIMITED, _601),
    "BT.709, named, small all the same": (SD, "BT.709", _LIMITED, _709),
    "unnamed, HD": (HD, "unnamed", _LIMITED, _709),
    "unnamed, HD, upright": ((720, 1280), "unnamed", _LIMITED, _709),
    "unnamed, SD": (SD, "unnamed", _LIMITED, _601),
    "full range, BT.709": (HD, "BT.709", _FULL, _709),
    "full range, unnamed SD": (SD, "unnamed", _FULL, _601),
}


@pytest.mark.parametrize("name", MEANT)
def test_colours_are_those_that_the_samples_mean(tmp_path: Path, name: str) -> None:
    size, space, range_, weights = MEANT[name]
    yuv = (120, 90, 180)
    path = coloured(tmp_path / "x.mp4", yuv, size, _COLOURS[space], range_)
    image = picture(still(path, 0))
    assert image.size == size
    found: Any = image.getpixel((size[0] // 2, size[1] // 2))
    expected = rgb_of(yuv, *weights, range_)
    assert all(abs(one - other) <= 3 for one, other in zip(found, expected, strict=True)), (found, expected)
