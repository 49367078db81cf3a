"""The formats, by the names that users give; what each needs is imported when it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from batchgen.errors import UsageError
from batchgen.export.interface import Sequence, Write

_TIMELINES = ("opentimelineio", "otio_cmx3600_adapter", "otio_fcp_adapter")


@dataclass(frozen=True, slots=True)
class Format:
    """How an export is written.

    ``suffixes`` are the ends that its name may have, ``refers`` says that it leads to the files of the results, and
    that these have to stay where they are; ``needs`` are modules of an extra.
    """

    write: Write
    suffixes: tuple[str, ...]
    refers: bool = False
    needs: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise `UsageError` where something is not installed."""
        if any(find_spec(module) is None for module in self.needs):
            raise UsageError("timelines need OpenTimelineIO with its adapters: pip install 'batchgen[export]'")


def _otio(sequence: Sequence, path: Path) -> None:
    from batchgen.export.otio_file import write_otio

    write_otio(sequence, path)


def _otioz(sequence: Sequence, path: Path) -> None:
    from batchgen.export.otio_file import write_otioz

    write_otioz(sequence, path)


def _fcp7xml(sequence: Sequence, path: Path) -> None:
    from batchgen.export.fcp7xml import write

    write(sequence, path)


def _edl(sequence: Sequence, path: Path) -> None:
    from batchgen.export.edl import write

    write(sequence, path)


def _animatic(sequence: Sequence, path: Path) -> None:
    from batchgen.export.animatic import write

    write(sequence, path)


def _contact_sheet(sequence: Sequence, path: Path) -> None:
    from batchgen.export.contact_sheet import write

    write(sequence, path)


FORMATS: Mapping[str, Format] = {
    "otio": Format(_otio, (".otio",), refers=True, needs=_TIMELINES),
    "otioz": Format(_otioz, (".otioz",), needs=_TIMELINES),
    "fcp7xml": Format(_fcp7xml, (".xml",), refers=True, needs=_TIMELINES),
    "edl": Format(_edl, (".edl",), refers=True, needs=_TIMELINES),
    "mp4": Format(_animatic, (".mp4",)),
    "contact-sheet": Format(_contact_sheet, (".png", ".pdf")),
}
