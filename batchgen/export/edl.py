"""A sequence as an edit decision list, CMX 3600.

The adapter leaves out what programs want to know, or says it in a way that they misread:

* It ignores where the timeline begins: a gap of that length goes before everything.
* It writes no FCM line: how the timecode counts stands below the title.
* It cuts the names of reels to eight characters, so that takes collide: each file gets a reel of its own.
* It writes the address of the file as ``FROM CLIP``, with which Premiere calls the clip UNKNOWN: the file's name
  stands in a comment of its own.
* It knows no sound: an event of a file that has some is of both.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange, to_timecode

from batchgen.export.interface import Placed, Result, Sequence, timecode_rate
from batchgen.export.timeline import first_frame, is_drop_frame

_REEL = 8
"""Characters of a reel's name in CMX 3600."""
_NOT_IN_REELS = re.compile(r"[^A-Za-z0-9]+")
_EVENT = re.compile(r"^(?=[0-9]{3,}  )", re.MULTILINE)
_PICTURE, _WITH_SOUND = "V     C", "B     C"


def write(sequence: Sequence, path: Path) -> None:
    """Write it. At a rate that has no timecode, it is of the least multiple that has one."""
    path.write_text(as_text(replace(sequence, rate=timecode_rate(sequence.rate))), encoding="utf-8")


def as_text(sequence: Sequence) -> str:
    """The list, for a rate that has a timecode."""
    counting = "DROP FRAME" if is_drop_frame(sequence.rate) else "NON-DROP FRAME"
    lines = [f"TITLE: {sequence.title}", f"FCM: {counting}", ""]
    absent = {placed.start: _absence(placed, sequence.rate) for placed in sequence.gaps()}
    clips = [placed for placed in sequence.placed() if placed.shot.result is not None]
    for number, (placed, event) in enumerate(zip(clips, _events(sequence), strict=True), 1):
        until = clips[number].start if number < len(clips) else sequence.frames
        film = placed.shot.result.film if placed.shot.result else None
        lines.append(event.replace(_PICTURE, _WITH_SOUND, 1) if film and film.channels else event)
        # A comment belongs to the event before it; a list may not begin with one.
        lines += [absent.pop(start) for start in sorted(absent) if start < until]
    return "\n".join([*lines, ""])


def _events(sequence: Sequence) -> list[str]:
    """The lines of each event, as the adapter writes them."""
    reels = reels_of(sequence.results)
    items = [otio.schema.Gap(duration=first_frame(sequence.rate))]
    items += [_item(placed, float(sequence.rate), reels) for placed in sequence.placed()]
    made = otio.schema.Timeline("events")
    made.tracks.append(otio.schema.Track("Pictures", children=items))
    text: str = otio.adapters.write_to_string(made, "cmx_3600", rate=float(sequence.rate))
    return [event.strip() for event in _EVENT.split(text)[1:]]


def reels_of(results: Iterable[Result]) -> Mapping[Path, str]:
    """A reel for each file, of at most eight letters and digits: no two files have the same."""
    reels: dict[Path, str] = {}
    for result in results:
        if result.path not in reels:
            name = _NOT_IN_REELS.sub("", result.path.stem).upper()
            number = f"{len(reels) + 1:04d}"
            is_free = 0 < len(name) <= _REEL and name not in reels.values()
            reels[result.path] = name if is_free else f"{name[: _REEL - len(number)]}{number}"
    return reels


def _item(placed: Placed, rate: float, reels: Mapping[Path, str]) -> otio.core.Item:
    length = TimeRange(RationalTime(0, rate), RationalTime(placed.frames, rate))
    result = placed.shot.result
    if result is None:
        return otio.schema.Gap(source_range=length)
    known = {"reel": reels[result.path], "comments": [f"SOURCE FILE: {result.path.name}"]}
    return otio.schema.Clip(placed.shot.name, source_range=length, metadata={"cmx_3600": known})


def _absence(placed: Placed, rate: Fraction) -> str:
    """A comment about a shot without a result; what the list says of it otherwise is nothing at all."""
    at = to_timecode(first_frame(rate) + RationalTime(placed.start, float(rate)), float(rate))
    return f"* MISSING: {placed.shot.name} AT {at}: {placed.shot.missing}"
