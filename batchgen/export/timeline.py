"""A sequence as a timeline of OpenTimelineIO: one track of pictures, and one of sound where results have any.

All ranges of clips are in frames of the sequence, so that no adapter mixes rates; what is measured of a file stands
beside its address in the file's own.
"""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange, from_timecode

from batchgen.export.interface import Placed, Result, Sequence
from batchgen.version import __version__

Address = Callable[[Result], str]
"""What a format calls a file: a path, or a URL."""
NAMESPACE = "batchgen"
_DROP_FRAME = frozenset({Fraction(30_000, 1001), Fraction(60_000, 1001)})
"""Rates whose timecode leaves out numbers, so that it keeps up with the clock."""
_SAFE = "/@+,=~!$&'()"
"""Characters that stand for themselves in the path of a URL. Programs that do not decode find these files, too."""


def is_drop_frame(rate: Fraction) -> bool:
    """Whether the timecode of a rate is drop-frame."""
    return rate in _DROP_FRAME


def first_frame(rate: Fraction) -> RationalTime:
    """01:00:00:00, where films begin."""
    if is_drop_frame(rate):
        return from_timecode("01:00:00;00", float(rate))
    return RationalTime(3600 * round(rate), float(rate))


def timeline(sequence: Sequence, address: Address) -> otio.schema.Timeline:
    """The timeline of a sequence; ``address`` says where its files are to be found."""
    made = otio.schema.Timeline(sequence.title, global_start_time=first_frame(sequence.rate))
    made.metadata[NAMESPACE] = {"version": __version__, "rehearsal": sequence.rehearsal}
    kinds = otio.schema.TrackKind
    made.tracks.append(_track("Pictures", kinds.Video, sequence, address))
    if any(result.film.channels for result in sequence.results):
        made.tracks.append(_track("Sound", kinds.Audio, sequence, address))
    return made


def relative_to(folder: Path) -> Address:
    """The addresses of files as they lead from a folder: they hold when both are moved together."""

    def address(result: Result) -> str:
        try:
            path = os.path.relpath(result.path.resolve(), folder.resolve())
        except ValueError:  # on another drive
            return absolute()(result)
        return quote(Path(path).as_posix(), safe=_SAFE)

    return address


def absolute(host: str = "") -> Address:
    """The addresses of files from the root of this machine."""

    def address(result: Result) -> str:
        path = result.path.resolve().as_posix()
        return f"file://{host}/{quote(path.lstrip('/'), safe=_SAFE + ':')}"

    return address


def _track(name: str, kind: str, sequence: Sequence, address: Address) -> otio.schema.Track:
    items = (_item(placed, kind, sequence.rate, address) for placed in sequence.placed())
    return otio.schema.Track(name, children=list(items), kind=kind)


def _item(placed: Placed, kind: str, rate: Fraction, address: Address) -> otio.core.Item:
    result, is_sound = placed.shot.result, kind == otio.schema.TrackKind.Audio
    length = TimeRange(RationalTime(0, float(rate)), RationalTime(placed.frames, float(rate)))
    if result is None:
        return _gap(placed, length, is_named=not is_sound)
    if is_sound and not result.film.channels:
        return otio.schema.Gap(source_range=length)
    metadata = {} if is_sound else {NAMESPACE: dict(placed.shot.facts)}
    return otio.schema.Clip(placed.shot.name, _reference(result, address), length, metadata)


def _gap(placed: Placed, length: TimeRange, *, is_named: bool) -> otio.schema.Gap:
    if not is_named:
        return otio.schema.Gap(source_range=length)
    shot = placed.shot
    marker = otio.schema.Marker(shot.missing, length, otio.schema.MarkerColor.RED)
    return otio.schema.Gap(shot.name, length, markers=[marker], metadata={NAMESPACE: dict(shot.facts)})


def _reference(result: Result, address: Address) -> otio.schema.ExternalReference:
    rate = float(result.film.rate)
    whole = TimeRange(RationalTime(0, rate), RationalTime(result.film.frames, rate))
    made = otio.schema.ExternalReference(address(result), whole)
    made.name = result.path.name
    return made
