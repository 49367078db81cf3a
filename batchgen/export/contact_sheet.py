"""A sequence as one picture: a still of each shot with its name, as PNG, or as pages of a PDF."""

from collections.abc import Iterator
from collections.abc import Sequence as Row
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageStat

from batchgen.export.drawing import ALARM, FAINT, GROUND, INK, fitted, slate, write_line
from batchgen.export.interface import Result, Sequence, Shot, reading
from batchgen.media.film import still

PDF = ".pdf"
_COLUMNS, _ROWS = 5, 4
"""Of a page. A picture has as many rows as it takes."""
_LEAST_COLUMNS = 3
"""So that the headline has room."""
_STILL = (320, 180)
_GAP, _CAPTION, _HEAD = 20, 56, 72
_MOMENTS = (Fraction(35, 100), Fraction(60, 100), Fraction(10, 100), Fraction(85, 100))
"""Of the length of a result: the first at which it is not black is shown."""
_BLACK = 12
"""Of 255, for the mean of all pixels."""
_DPI = 150.0


def write(sequence: Sequence, path: Path) -> None:
    """Write one picture, or pages where the name ends so."""
    if path.suffix.lower() != PDF:
        _page(sequence, sequence.shots).save(path, "PNG")
        return
    first, *others = (_page(sequence, shots) for shots in _pages(sequence.shots))
    first.save(path, "PDF", save_all=True, append_images=others, resolution=_DPI, title=sequence.title)


def _pages(shots: Row[Shot]) -> Iterator[Row[Shot]]:
    each = _COLUMNS * _ROWS
    return (shots[begin : begin + each] for begin in range(0, len(shots), each))


def _page(sequence: Sequence, shots: Row[Shot]) -> Image.Image:
    columns = min(_COLUMNS, max(_LEAST_COLUMNS, len(sequence.shots)))
    rows = -(-len(shots) // columns)
    width, height = _STILL[0] + _GAP, _STILL[1] + _CAPTION + _GAP
    page = Image.new("RGB", (columns * width + _GAP, _HEAD + rows * height), GROUND)
    write_line(page, (_GAP, _HEAD / 2), f"{sequence.title}: {_summary(sequence)}", _HEAD / 3)
    for number, shot in enumerate(shots):
        row, column = divmod(number, columns)
        page.paste(_cell(shot), (_GAP + column * width, _HEAD + row * height))
    return page


def _summary(sequence: Sequence) -> str:
    absent = len(sequence.shots) - len(sequence.results)
    shots = f"{len(sequence.shots)} shot{'' if len(sequence.shots) == 1 else 's'}"
    return f"{shots}, {float(sequence.frames / sequence.rate):.1f} s" + (f", {absent} missing" if absent else "")


def _cell(shot: Shot) -> Image.Image:
    cell = Image.new("RGB", (_STILL[0], _STILL[1] + _CAPTION), GROUND)
    with reading(shot):
        shown = slate(_STILL, shot.name, shot.title, shot.missing) if shot.result is None else _still(shot.result)
    cell.paste(shown, (0, 0))
    write_line(cell, (0, _STILL[1] + 16), shot.name, 18, INK if shot.result else ALARM)
    write_line(cell, (0, _STILL[1] + 40), shot.title or shot.prompt, 14, FAINT)
    return cell


def _still(result: Result) -> Image.Image:
    """A still of a result that is not black, if there is one."""
    length = result.film.frames / result.film.rate
    stills = (fitted(still(result.path, length * moment), _STILL) for moment in _MOMENTS)
    first = next(stills)
    return first if _brightness(first) > _BLACK else next((one for one in stills if _brightness(one) > _BLACK), first)


def _brightness(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).mean[0]
