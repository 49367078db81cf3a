"""Timelines as OpenTimelineIO keeps them: ``.otio`` is JSON beside the media, ``.otioz`` a ZIP file with all inside."""

import zipfile
from pathlib import Path

import opentimelineio as otio

from batchgen.export.interface import Result, Sequence
from batchgen.export.timeline import relative_to, timeline

_MEDIA, _CONTENT, _VERSION = "media", "content.otio", "version.txt"
_BUNDLE_VERSION = "1.0.0"


def write_otio(sequence: Sequence, path: Path) -> None:
    """Write JSON; the addresses of files are relative to it."""
    made = timeline(sequence, relative_to(path.parent))
    path.write_text(_json(made), encoding="utf-8")


def write_otioz(sequence: Sequence, path: Path) -> None:
    """Write a bundle, as the adapter of that name reads it.

    Not with that adapter, which decodes the addresses of files twice and so does not find what lies in a folder
    called ``50%41``.
    """
    made = timeline(sequence, _inside)
    with zipfile.ZipFile(path, "x", strict_timestamps=False) as bundle:
        bundle.writestr(_VERSION, _BUNDLE_VERSION, zipfile.ZIP_DEFLATED)
        bundle.writestr(_CONTENT, _json(made), zipfile.ZIP_DEFLATED)
        for result in {_inside(one): one for one in sequence.results}.values():
            bundle.write(result.path, _inside(result), zipfile.ZIP_STORED)


def _json(made: otio.schema.Timeline) -> str:
    text: str = otio.adapters.write_to_string(made, "otio_json")
    return text


def _inside(result: Result) -> str:
    return f"{_MEDIA}/{result.path.name}"
