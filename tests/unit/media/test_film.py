"""Films, measured by their packets, and what files carry of their origin."""

from fractions import Fraction
from pathlib import Path

import pytest

from batchgen.media.film import measured, still, usual_rate
from batchgen.media.probe import UnusableMedia
from batchgen.media.provenance import Marks, marks_of

from helpers.films import STEP, make_film

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
FTYP = b"isom" + bytes(4)


def box(kind: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return (8 + len(inside)).to_bytes(4) + kind + inside


def marks(folder: Path, *boxes: bytes) -> Marks:
    path = folder / "x.mp4"
    path.write_bytes(b"".join(boxes))
    return marks_of(path)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(6)])
def test_frames_and_rate_are_those_of_the_file(tmp_path: Path, rate: Fraction) -> None:
    found = measured(make_film(tmp_path / "x.mp4", 13, rate))
    assert (found.frames, found.rate, found.width, found.height) == (13, rate, 64, 48)
    assert found.channels == 0


def test_sound_is_counted(tmp_path: Path) -> None:
    found = measured(make_film(tmp_path / "x.mp4", 12, sound=True))
    assert (found.channels, found.sample_rate) == (1, 48_000)


@pytest.mark.parametrize(
    ("average", "usual"),
    [("2997/100", "30000/1001"), ("23976/1000", "24000/1001"), ("2400/100", "24"), ("299/10", "299/10"), ("30", "30")],
)
def test_what_is_nearly_a_usual_rate_is_that_rate(average: str, usual: str) -> None:
    assert usual_rate(Fraction(average)) == Fraction(usual)


@pytest.mark.parametrize("content", [b"", b"no film", box(b"ftyp", FTYP) + box(b"mdat", bytes(99))])
def test_what_is_no_film_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(UnusableMedia, match=r"cannot be read as a video|has no"):
        measured(tmp_path / "x.mp4")
    with pytest.raises(UnusableMedia):
        measured(tmp_path / "absent.mp4")


def test_a_still_is_what_is_shown_at_a_moment(tmp_path: Path) -> None:
    path = make_film(tmp_path / "x.mp4", 24)
    shown = [still(path, Fraction(moment, 24)).convert("L").getpixel((32, 24)) for moment in (0, 7, 23, 99)]
    assert shown == pytest.approx([0, 7 * STEP, 23 * STEP, 23 * STEP], abs=2)
    between = still(path, Fraction(15, 48)).convert("L").getpixel((32, 24))
    assert between == pytest.approx(7 * STEP, abs=2)


def test_a_film_without_marks_has_none(tmp_path: Path) -> None:
    assert marks_of(make_film(tmp_path / "x.mp4", 2)) == Marks(c2pa=False, xmp=False, aigc=False)


def test_marks_are_found_by_their_boxes(tmp_path: Path) -> None:
    head, film = box(b"ftyp", FTYP), box(b"moov", box(b"mvhd", bytes(100)))
    assert marks(tmp_path, head, box(b"uuid", C2PA, bytes(9)), film).names == ["C2PA"]
    assert marks(tmp_path, head, film, box(b"uuid", XMP, b"<x/>")).names == ["XMP"]
    assert marks(tmp_path, head, box(b"moov", box(b"udta", box(b"XMP_", b"<x/>")))).names == ["XMP"]
    keys = box(b"keys", bytes(4), (1).to_bytes(4), box(b"mdta", b"AIGC"))
    assert marks(tmp_path, head, box(b"moov", box(b"udta", box(b"meta", bytes(4), keys)))).names == ["AIGC"]
    assert marks(tmp_path, head, box(b"moov", box(b"meta", keys))).names == ["AIGC"], "as QuickTime has it"
    spoken = box(b"ilst", box(b"\xa9cmt", box(b"data", bytes(8), b"an AIGC film")))
    assert marks(tmp_path, head, box(b"moov", box(b"udta", box(b"meta", bytes(4), spoken)))).names == []
    labelled = box(b"uuid", XMP, b'<x TC260:AIGC="{}"/>')
    assert marks(tmp_path, head, labelled).names == ["XMP", "AIGC"]


def test_a_large_box_is_passed_over(tmp_path: Path) -> None:
    large = (1).to_bytes(4) + b"mdat" + (16 + 50).to_bytes(8) + bytes(50)
    assert marks(tmp_path, box(b"ftyp", FTYP), large, box(b"uuid", C2PA)).names == ["C2PA"]


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF....", box(b"moov") * 3, bytes(64), b"\x1aE\xdf\xa3" + bytes(60)],
)
def test_of_another_file_nothing_is_said(tmp_path: Path, content: bytes) -> None:
    assert marks(tmp_path, content) == Marks(None, None, None)
    assert marks_of(tmp_path / "absent.mp4") == Marks()


def test_boxes_within_boxes_end_somewhere(tmp_path: Path) -> None:
    nested = b""
    for _ in range(2_000):
        nested = box(b"udta", nested)
    assert marks(tmp_path, box(b"ftyp", FTYP), box(b"moov", nested)).names == []
