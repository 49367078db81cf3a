"""Pictures of results and references: never the black beginning, always small, and none of what is damaged."""

import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import shake_128
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image, ImageStat

from batchgen.media import moments, posters
from batchgen.media.posters import poster, thumbnail
from batchgen.media.probe import UnusableMedia

from helpers.films import make_film
from helpers.support import started, write_image, write_sound

Paint = Callable[[int], Image.Image]
_HEVC = {"preset": "ultrafast", "crf": "35", "x265-params": "log-level=none"}


def film(  # noqa: PLR0913, PLR0917 - what a film is
    path: Path,
    paint: Paint,
    frames: int = 20,
    size: tuple[int, int] = (320, 180),
    key_every: int = 250,
    coding: str = "libx264",
) -> Path:
    """A video of ten frames a second, each painted by its number."""
    options = {"g": str(key_every), "sc_threshold": "0", "threads": "1"}
    with av.open(path, "w") as file:
        stream = file.add_stream(coding, rate=10, options=_HEVC if coding == "libx265" else options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        for number in range(frames):
            image = paint(number).resize(size)
            file.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        file.mux(stream.encode(None))
    return path


def flat(level: int) -> Image.Image:
    return Image.new("RGB", (320, 180), (level, level, level))


def split(level: int) -> Image.Image:
    """Something to see, in a brightness of its own."""
    image = flat(level)
    image.paste((255, 255, 255), (0, 0, 160, 180))
    return image


def noisy(number: int) -> Image.Image:
    """Something that no two frames have alike."""
    return Image.frombytes("RGB", _SMALL, shake_128(bytes([number])).digest(3 * _SMALL[0] * _SMALL[1]))


def shown(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("L")


def right_side(content: bytes) -> float:
    """The brightness of the right half of a picture."""
    image = shown(content)
    return float(ImageStat.Stat(image.crop((image.width * 3 // 4, 0, image.width, image.height))).mean[0])


def right_sides(strip: bytes) -> list[float]:
    """The brightness of the right half of each frame of a strip."""
    image = shown(strip)
    assert image.size == (160, 270)
    cells = [image.crop((120, number * 90, 160, number * 90 + 90)) for number in range(3)]
    return [float(ImageStat.Stat(cell).mean[0]) for cell in cells]


def test_colours_are_those_of_the_video_in_hevc_too(tmp_path: Path) -> None:
    def paint(number: int) -> Image.Image:
        image = Image.new("RGB", (320, 180), (number * 7 % 256, number * 3 % 256, 128))
        image.paste((255, 255, 0), (number, 10, number + 40, 60))
        return image

    path = film(tmp_path / "v.mp4", paint, 60, coding="libx265")
    with path.open("rb") as file, av.open(str(path)) as container:
        made = Image.open(BytesIO(poster(file).still)).convert("RGB")
        frame = list(container.decode(video=0))[21]
    whole: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    assert ImageStat.Stat(made).mean == pytest.approx(ImageStat.Stat(whole).mean, abs=2)


@pytest.mark.parametrize("name", ["v.mp4", "v.mov", "v.mkv", "v.ts"])
@pytest.mark.parametrize("key_every", [250, 4, 1])
def test_the_poster_is_a_frame_at_a_third_and_the_strip_has_the_others(
    tmp_path: Path, name: str, key_every: int
) -> None:
    with film(tmp_path / name, lambda number: split(number * 10), key_every=key_every).open("rb") as file:
        made = poster(file)
    assert right_side(made.still) == pytest.approx(70, abs=6)
    assert right_sides(made.strip) == pytest.approx([20, 120, 170], abs=8)


@pytest.mark.parametrize("key_every", [250, 4, 1])
def test_a_file_with_times_of_its_own_has_all_pictures(tmp_path: Path, key_every: int) -> None:
    with film(tmp_path / "v.avi", lambda number: split(number * 10), key_every=key_every).open("rb") as file:
        made = poster(file)
    brightness = [*right_sides(made.strip), right_side(made.still)]
    assert sorted(brightness) == pytest.approx([20, 70, 120, 170], abs=35)


_SMALL = (64, 36)
_HEAD = 14
"""Of a packet, with the head of a slice: a decoder reads that of what it leaves out, too."""


def damaged(path: Path, which: Callable[[int, bool], bool], keep: int = _HEAD) -> bytes:
    """A video without the content of packets, chosen by number of frame and by whether others are made from it."""
    content = bytearray(path.read_bytes())
    with av.open(path) as file:
        for packet in file.demux(video=0):
            if packet.size and packet.pos is not None and packet.pts is not None and packet.time_base is not None:
                at, frame = packet.pos, round(packet.pts * packet.time_base * 10)
                if which(frame, bool(content[at + 4] & 0x60)):
                    content[at + keep : at + packet.size] = b"\xaa" * (packet.size - keep)
    return bytes(content)


@contextmanager
def said_by_decoders() -> Iterator[Sequence[object]]:
    """What FFmpeg says meanwhile; of damage it does where it decodes it, and not where it leaves it out."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as said:
            yield said
    finally:
        av.logging.set_level(before)


def complaints(content: bytes) -> int:
    """How often FFmpeg complains while pictures of a video are made."""
    with BytesIO(content) as file, said_by_decoders() as said:
        poster(file)
    return len(said)


def test_what_lies_between_key_frames_without_a_moment_is_not_decoded(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", noisy, frames=80, size=_SMALL, key_every=12)
    assert complaints(damaged(path, lambda frame, _: frame // 12 in (1, 3))) == 0
    assert complaints(damaged(path, lambda frame, _: frame // 12 in (0, 2))) > 0, "a control"


def test_frames_that_no_other_is_made_from_are_not_decoded_before_a_moment(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", noisy, frames=80, size=_SMALL)
    assert complaints(damaged(path, lambda frame, is_used: not is_used and frame in range(10, 28))) == 0
    assert complaints(damaged(path, lambda frame, is_used: is_used and frame in range(10, 28))) > 0, "a control"


def test_frames_before_damage_are_shown_though_a_decoder_holds_them_back(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", lambda number: split(number * 10), key_every=8)
    with BytesIO(damaged(path, lambda frame, _: frame > 7, keep=0)) as file:
        assert right_side(poster(file).still) == pytest.approx(70, abs=6)


@pytest.mark.parametrize(("dark", "seen"), [(8, 120), (13, 170)])
def test_a_dark_frame_is_passed_over_for_one_on_which_something_is_seen(tmp_path: Path, dark: int, seen: int) -> None:
    with film(tmp_path / "v.mp4", lambda number: split(number * 10) if number >= dark else flat(0)).open("rb") as file:
        assert right_side(poster(file).still) == pytest.approx(seen, abs=6)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (640, 640), (64, 36)])
def test_whatever_the_shape_a_poster_keeps_it_and_stays_small(tmp_path: Path, size: tuple[int, int]) -> None:
    with film(tmp_path / "v.mp4", split, size=size).open("rb") as file:
        made = poster(file)
    width, height = shown(made.still).size
    assert width * height <= 320 * 180 * 1.02
    assert width / height == pytest.approx(size[0] / size[1], rel=0.03)
    assert shown(made.strip).size == (160, 270)


def test_noise_costs_no_more_than_a_page_of_a_thousand_has_room_for(tmp_path: Path) -> None:
    noise = [Image.effect_noise((320, 180), 90).convert("RGB") for _ in range(4)]
    with film(tmp_path / "v.mp4", lambda number: noise[number % 4], frames=8).open("rb") as file:
        made = poster(file)
    assert (len(made.still) <= 8_000, len(made.strip) <= 5_500) == (True, True)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_video_of_few_frames_has_a_poster_and_no_strip(tmp_path: Path, frames: int) -> None:
    with film(tmp_path / "v.mp4", split, frames=frames).open("rb") as file:
        assert poster(file).strip == b""


def test_what_decodes_of_a_damaged_video_is_shown(tmp_path: Path) -> None:
    content = film(tmp_path / "v.mp4", lambda number: split(number * 6), frames=40).read_bytes()
    begin = content.index(b"mdat") + 4
    end = begin + int.from_bytes(content[begin - 8 : begin - 4]) - 8
    middle = (begin + end) // 2
    with BytesIO(content[:middle] + bytes(end - middle) + content[end:]) as file:
        assert ImageStat.Stat(shown(poster(file).still)).stddev[0] > 30


def sound(folder: Path) -> bytes:
    return write_sound(folder / "s.wav").read_bytes()


def picture(folder: Path) -> bytes:
    return write_image(folder / "p.png").read_bytes()


@pytest.mark.parametrize("content", [sound, picture, lambda _: b"", lambda _: b"no video at all"])
def test_what_is_no_video_has_no_poster(tmp_path: Path, content: Callable[[Path], bytes]) -> None:
    with pytest.raises(UnusableMedia), BytesIO(content(tmp_path)) as file:
        poster(file)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_references_of_each_kind_have_a_thumbnail(form: str, mode: str) -> None:
    made = BytesIO()
    image = Image.new(mode, (800, 600), 90 if mode == "L" else (90,) * len(mode))
    (image.convert("RGB") if form == "JPEG" else image).save(made, form)
    content = thumbnail(made)
    assert shown(content).size == (160, 120)
    assert len(content) <= 4_000


def test_a_picture_of_far_too_many_pixels_is_not_decoded() -> None:
    made = BytesIO()
    Image.new("1", (8_000, 5_001)).save(made, "PNG")
    with pytest.raises(UnusableMedia, match="too many pixels"):
        thumbnail(made)


def test_a_reference_that_is_a_video_has_a_thumbnail_and_one_that_is_sound_has_none(tmp_path: Path) -> None:
    with film(tmp_path / "v.mp4", split).open("rb") as file:
        assert shown(thumbnail(file)).size == (185, 104)
    with pytest.raises(UnusableMedia, match="is sound"), BytesIO(sound(tmp_path)) as file:
        thumbnail(file)


def test_decoding_has_an_end_whatever_a_file_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "_MOST_PIXELS", 320 * 180 * 5)
    with film(tmp_path / "v.mp4", lambda number: split(number * 10)).open("rb") as file:
        assert right_side(poster(file).still) < 60, "of the first five frames"


def test_without_webp_pictures_are_jpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posters, "picture_format", lambda: "JPEG")
    with film(tmp_path / "v.mp4", split).open("rb") as file:
        made = poster(file)
    formats: Sequence[str | None] = [Image.open(BytesIO(content)).format for content in (made.still, made.strip)]
    assert formats == ["JPEG", "JPEG"]


_FAULTS_OF_THE_LAST_TEN = """
import resource, sys
from batchgen.media.posters import poster
def faults(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        with open(sys.argv[1], "rb") as file:
            poster(file)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(5)
print(faults(10))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator goes by rules of its own")
def test_the_memory_of_a_decoder_is_used_for_the_next_file(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", split, frames=3, size=(1280, 720))
    made = started([sys.executable, "-c", _FAULTS_OF_THE_LAST_TEN, str(path)])
    assert int(made.out) < 1_000, "pages that were taken from the system anew; a picture alone has 340"


def test_moments_are_those_of_the_pictures_though_the_sound_goes_on(tmp_path: Path) -> None:
    path = make_film(tmp_path / "v.mp4", 20, 10, size=_SMALL, sound_s=20.0)
    with av.open(path) as container:
        found = {moment: frame.pts for moment, frame in moments.frames_at(container, (0.1, 0.35, 0.6, 0.85))}
    assert len(set(found.values())) == 4
