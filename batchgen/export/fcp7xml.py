"""A sequence as XML of Final Cut Pro 7, which most editing programs read.

The adapter gets some of it wrong, or leaves it out, which is put right through its metadata and after it:

* It writes an empty ``<format>``: size and rate of the picture are filled in.
* It claims sound for every file: each says what it has.
* It writes a clip of sound that equals its picture as an empty item: each clip names its source track.
* It fails at a file of a rate that has no timecode: such a one is counted in a multiple.
* It says the rate of a clip twice.
* It does not say that the two belong together: they are linked.
* It loses gaps with all that is written at them: a marker of the sequence names what is missing.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from batchgen.export.interface import Sequence, conformed, timecode_rate
from batchgen.export.timeline import absolute, is_drop_frame, timeline
from batchgen.media.film import Film

_NAMESPACE = "fcp_xml"
_HOST = "localhost"
"""Premiere takes ``file:///`` for a path that begins with a drive, and leaves relative paths offline."""
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'


def write(sequence: Sequence, path: Path) -> None:
    """Write it. At a rate that has no timecode, it is of the least multiple that has one."""
    path.write_text(as_text(replace(sequence, rate=timecode_rate(sequence.rate))), encoding="utf-8")


def as_text(sequence: Sequence) -> str:
    """The XML, for a rate that has a timecode."""
    made = timeline(sequence, absolute(_HOST))
    picture = _picture(*sequence.size, rate=_rate(sequence))
    made.metadata[_NAMESPACE] = {
        "media": {"video": {"format": picture}},
        "timecode": {"displayformat": "DF" if is_drop_frame(sequence.rate) else "NDF"},
    }
    films = {result.path.name: result.film for result in sequence.results}
    for track in made.tracks:
        kind = "audio" if track.kind == otio.schema.TrackKind.Audio else "video"
        for clip in track.find_clips():
            clip.metadata[_NAMESPACE] = {"sourcetrack": {"mediatype": kind, "trackindex": "1"}}
            film = films[clip.media_reference.name]
            clip.media_reference.metadata[_NAMESPACE] = {"media": _media(film)}
            clip.media_reference.available_range = _counted(film)
    made.tracks.markers.extend(_absences(sequence))
    tree = ET.fromstring(otio.adapters.write_to_string(made, "fcp_xml"))  # noqa: S314 - what was just written
    for clip in tree.iter("clipitem"):
        clip.remove(clip.findall("rate")[-1])
    _link(tree)
    ET.indent(tree)
    return f"{_HEAD}{ET.tostring(tree, encoding='unicode')}\n"


def _rate(sequence: Sequence) -> dict[str, str]:
    return {
        "timebase": str(round(sequence.rate)),
        "ntsc": "FALSE" if sequence.rate.denominator == 1 else "TRUE",
    }


def _picture(width: int, height: int, **more: Any) -> dict[str, Any]:
    whole = {"width": str(width), "height": str(height), "pixelaspectratio": "square", "fielddominance": "none"}
    return {"samplecharacteristics": {**whole, **more}}


def _media(film: Film) -> dict[str, Any]:
    """What a file has: pictures of a size, and sound where there is some."""
    media: dict[str, Any] = {"video": _picture(film.width, film.height)}
    if film.channels:
        sound = {"depth": "16", "samplerate": str(film.sample_rate)}
        media["audio"] = {"samplecharacteristics": sound, "channelcount": str(film.channels)}
    return media


def _counted(film: Film) -> TimeRange:
    """The frames of a file, at its own rate where there is a timecode for it."""
    rate = timecode_rate(film.rate)
    return TimeRange(RationalTime(0, float(rate)), RationalTime(conformed(film, rate), float(rate)))


def _absences(sequence: Sequence) -> Iterator[otio.schema.Marker]:
    rate = float(sequence.rate)
    for placed in sequence.gaps():
        there = TimeRange(RationalTime(placed.start, rate), RationalTime(placed.frames, rate))
        yield otio.schema.Marker(f"{placed.shot.name}: {placed.shot.missing}", there)


def _link(tree: ET.Element) -> None:
    """Have the picture and the sound of one clip move together."""
    tracks = [
        (kind, {str(item.findtext("name")): (number, item) for number, item in enumerate(track.findall("clipitem"), 1)})
        for kind in ("video", "audio")
        for track in tree.findall(f".//sequence/media/{kind}/track")
    ]
    for name in tracks[0][1]:
        parts = [(kind, *items[name]) for kind, items in tracks if name in items]
        for _, _, item in parts if len(parts) > 1 else ():
            item.extend(_linked(kind, number, other) for kind, number, other in parts)


def _linked(kind: str, number: int, item: ET.Element) -> ET.Element:
    link = ET.Element("link")
    for tag, text in (
        ("linkclipref", item.attrib["id"]),
        ("mediatype", kind),
        ("trackindex", "1"),
        ("clipindex", str(number)),
    ):
        ET.SubElement(link, tag).text = text
    return link
