"""Timelines, read back by OpenTimelineIO and its adapters: each clip where it belongs, to the frame."""

import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest

from batchgen.export.edl import reels_of
from batchgen.export.formats import FORMATS, Format
from batchgen.export.interface import Sequence

from helpers.films import fingerprints

pytestmark = pytest.mark.filterwarnings("ignore:Testing an element's truth value")
LINKED = ("otio", "otioz", "fcp7xml", "edl")
MIXED = ("s01@1", "-s02", "s03@2", "a.very-long.name-t1@1")


def written(name: str, sequence: Sequence, folder: Path) -> Path:
    path = folder / f"film{FORMATS[name].suffixes[0]}"
    FORMATS[name].write(sequence, path)
    return path


def read(name: str, path: Path, rate: float = 24) -> Any:
    if name == "edl":
        return otio.adapters.read_from_file(str(path), "cmx_3600", rate=rate)
    return otio.adapters.read_from_file(str(path), {"fcp7xml": "fcp_xml"}.get(name))


def told(track: Any) -> list[tuple[str, str, float, float]]:
    """What lies on a track: clip or gap, its name, its first frame and how many."""
    items = []
    for item in track:
        there = item.range_in_parent()
        is_clip = isinstance(item, otio.schema.Clip)
        items.append(
            ("clip" if is_clip else "gap", item.name if is_clip else "", there.start_time.value, there.duration.value)
        )
    return items


@pytest.mark.parametrize("name", LINKED)
def test_every_clip_is_where_it_belongs(name: str, cut: Any, tmp_path: Path) -> None:
    made = read(name, written(name, cut(*MIXED), tmp_path))
    pictures, sound = made.tracks
    assert told(pictures) == [
        ("clip", "s01@1", 0, 25),
        ("gap", "", 25, 48),
        ("clip", "s03@2", 73, 24),
        ("clip", "a.very-long.name-t1@1", 97, 24),
    ]
    assert [item for item in told(sound) if item[0] == "clip"] == [
        ("clip", "s01@1", 0, 25),
        ("clip", "a.very-long.name-t1@1", 97, 24),
    ]
    assert made.name == "garden"
    assert made.duration() == otio.opentime.RationalTime(121, 24)


@pytest.mark.parametrize("name", ["otio", "otioz", "fcp7xml"])
def test_films_begin_at_one_o_clock(name: str, cut: Any, tmp_path: Path) -> None:
    made = read(name, written(name, cut("s01@1", rehearsal=True), tmp_path))
    assert otio.opentime.to_timecode(made.global_start_time) == "01:00:00:00"
    assert made.name == "garden (rehearsal)"


@pytest.mark.parametrize("name", ["otio", "otioz"])
def test_a_missing_shot_says_why(name: str, cut: Any, tmp_path: Path) -> None:
    made = read(name, written(name, cut(*MIXED), tmp_path))
    gap = made.tracks[0][1]
    assert (gap.name, gap.markers[0].name, gap.metadata["batchgen"]["tier"]) == ("s02", "failed 001028095", "720P")
    assert made.tracks[0][0].metadata["batchgen"]["cost_usd"] == "0.10"


def test_paths_lead_from_the_file_to_the_results(folder: Path, cut: Any) -> None:
    made = read("otio", written("otio", cut("s01@1"), folder.parent))
    assert made.tracks[0][0].media_reference.target_url == "results/s01@1.mp4"


def test_paths_to_awkward_folders_are_those_of_urls(folder: Path, cut: Any, tmp_path: Path) -> None:
    made = read("otio", written("otio", cut("s01@1"), tmp_path))
    url = made.tracks[0][0].media_reference.target_url
    assert "#" not in url
    assert "%25" in url
    assert (tmp_path / unquote(urlsplit(url).path)).resolve() == (folder / "s01@1.mp4").resolve()


def test_a_bundle_has_the_very_files_inside(folder: Path, cut: Any, tmp_path: Path) -> None:
    path = written("otioz", cut("s01@1", "s03@2", "-s04"), tmp_path)
    (tmp_path / "out").mkdir()
    otio.adapters.read_from_file(str(path), extract_to_directory=str(tmp_path / "out"))
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        assert sorted(bundle.namelist()) == ["content.otio", "media/s01@1.mp4", "media/s03@2.mp4", "version.txt"]
    for name in ("s01@1.mp4", "s03@2.mp4"):
        assert (tmp_path / "out" / "media" / name).read_bytes() == (folder / name).read_bytes()
    clip = read("otioz", path).tracks[0][0]
    assert clip.media_reference.target_url == "media/s01@1.mp4"


def test_the_results_stay_as_they_are(folder: Path, cut: Any, tmp_path: Path) -> None:
    before = fingerprints(folder)
    for name in FORMATS:
        written(name, cut(*MIXED), tmp_path)
    assert fingerprints(folder) == before


def test_ntsc_counts_in_drop_frame(cut: Any, tmp_path: Path) -> None:
    sequence = cut("a.very-long.name-t2@1", "-s02")
    text = written("edl", sequence, tmp_path).read_text(encoding="utf-8")
    assert "FCM: DROP FRAME" in text
    assert "01:00:00;00 01:00:01;00" in text
    tree = ET.fromstring(written("fcp7xml", sequence, tmp_path).read_text(encoding="utf-8"))  # noqa: S314 - our own
    counted = {name: tree.findtext(f".//sequence/timecode/{name}") for name in ("string", "frame", "displayformat")}
    assert counted == {"string": "01:00:00;00", "frame": "107892", "displayformat": "DF"}
    assert read("edl", tmp_path / "film.edl", 30_000 / 1001).duration().value == 30


@pytest.mark.parametrize("name", ["edl", "fcp7xml"])
def test_a_rate_without_timecode_is_counted_in_a_multiple(name: str, cut: Any, tmp_path: Path) -> None:
    sequence = cut("slow@1", "-s02", "s03@2", "slow@2")
    made = read(name, written(name, sequence, tmp_path))
    assert [item[2:] for item in told(made.tracks[0])] == [(0, 52), (52, 48), (100, 24), (124, 52)]
    assert sequence.rate == 6
    assert read("otio", written("otio", sequence, tmp_path)).duration().rate == 6


def test_an_edl_says_what_programs_want_to_know(cut: Any, tmp_path: Path) -> None:
    text = written("edl", cut("-s00", "s01@1", "-s02", "s03@2"), tmp_path).read_text(encoding="utf-8")
    assert text.splitlines() == [
        "TITLE: garden",
        "FCM: NON-DROP FRAME",
        "",
        "001  S011     B     C        00:00:00:00 00:00:01:01 01:00:02:00 01:00:03:01",
        "* FROM CLIP NAME:  s01@1",
        "* SOURCE FILE: s01@1.mp4",
        "* MISSING: s00 AT 01:00:00:00: failed 001028095",
        "* MISSING: s02 AT 01:00:03:01: failed 001028095",
        "002  S032     V     C        00:00:00:00 00:00:01:00 01:00:05:01 01:00:06:01",
        "* FROM CLIP NAME:  s03@2",
        "* SOURCE FILE: s03@2.mp4",
    ]


def test_an_edl_of_nothing_is_none_the_less_one(cut: Any, tmp_path: Path) -> None:
    made = read("edl", written("edl", cut("-s01", "-s02"), tmp_path))
    assert (made.name, len(made.tracks)) == ("garden", 0)


def test_no_two_files_have_the_same_reel(cut: Any) -> None:
    sequence = cut("a.very-long.name-t1@1", "a.very-long.name-t2@1", "s01@1", "a.very-long.name-t1@1")
    reels = reels_of(sequence.results)
    assert list(reels.values()) == ["AVER0001", "AVER0002", "S011"]
    assert all(re.fullmatch("[A-Z0-9]{1,8}", reel) for reel in reels.values())


@pytest.fixture
def xml(cut: Any, tmp_path: Path) -> ET.Element:
    return ET.fromstring(written("fcp7xml", cut(*MIXED), tmp_path).read_text(encoding="utf-8"))  # noqa: S314 - our own


def test_the_format_of_the_sequence_is_filled_in(xml: ET.Element) -> None:
    found = xml.find(".//sequence/media/video/format/samplecharacteristics")
    assert found is not None
    facts = {name: found.findtext(name) for name in ("width", "height", "rate/timebase", "rate/ntsc")}
    assert facts == {"width": "64", "height": "48", "rate/timebase": "24", "rate/ntsc": "FALSE"}


def test_each_file_says_what_it_has(xml: ET.Element) -> None:
    files = {str(file.findtext("name")): file for file in xml.iter("file") if file.find("name") is not None}
    assert {name: file.find("media/audio") is not None for name, file in files.items()} == {
        "s01@1.mp4": True,
        "s03@2.mp4": False,
        "a.very-long.name-t1@1.mp4": True,
    }
    counted = {name: (file.findtext("rate/timebase"), file.findtext("duration")) for name, file in files.items()}
    assert counted["a.very-long.name-t1@1.mp4"] == ("30", "31")


def test_paths_begin_at_the_root_of_this_machine(xml: ET.Element, folder: Path) -> None:
    paths = [str(path.text) for path in xml.iter("pathurl")]
    assert all(path.startswith("file://localhost/") for path in paths)
    assert Path(unquote(urlsplit(paths[0]).path)) == (folder / "s01@1.mp4").resolve()


def test_picture_and_sound_are_whole_items_and_linked(xml: ET.Element) -> None:
    items = list(xml.iter("clipitem"))
    assert [item.findtext("sourcetrack/mediatype") for item in items] == ["video"] * 3 + ["audio"] * 2
    assert all(item.findtext("end") and len(item.findall("rate")) == 1 for item in items)
    links = [[link.findtext("linkclipref") for link in item.findall("link")] for item in items]
    first, silent, last, heard, spoken = (item.attrib["id"] for item in items)
    assert silent not in (first, last)
    assert links == [[first, heard], [], [last, spoken], [first, heard], [last, spoken]]


def test_a_marker_tells_of_what_is_missing(xml: ET.Element) -> None:
    [marker] = xml.iter("marker")
    assert [marker.findtext(name) for name in ("name", "in", "out")] == ["s02: failed 001028095", "25", "73"]


def test_without_its_libraries_it_says_what_to_install() -> None:
    from batchgen.errors import UsageError

    absent = Format(FORMATS["otio"].write, (".otio",), needs=("opentimelineio", "no_such_adapter"))
    with pytest.raises(UsageError, match=r"pip install 'batchgen\[export\]'"):
        absent.check()
