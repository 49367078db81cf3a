"""What several tests need: manifests to check, media to measure, and the program to run."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image

from batchgen.cli.main import main
from batchgen.manifest.load import LoadedManifest, load_manifest
from batchgen.model import Problem
from batchgen.providers.registry import request_form
from batchgen.schemas import shipped

from helpers.preloaded import parent

PROGRAM = [sys.executable, "-P", "-m", "batchgen"]
PROMPT = "character1 walks"
REFERENCE = "https://example.com/hero.png"


def one_scene(prompt: str | None = PROMPT, references: str | None = f"[{REFERENCE}]", **settings: str) -> str:
    """A manifest of one scene; the prompt stands in line 5, the references in 6, the rest from 7 on."""
    lines = ["version: 1", "name: limits", "scenes:", "  - id: s01"]
    lines.append("" if prompt is None else f"    prompt: {prompt}")
    lines.append("" if references is None else f"    references: {references}")
    lines += [f"    {name}: {value}" for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def checked(folder: Path, text: str | bytes, *, strict: bool = False, check_urls: bool = False) -> LoadedManifest:
    """Check a manifest with this text, in this folder."""
    path = folder / "manifest.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_manifest(path, shipped(), request_form, strict=strict, check_urls=check_urls)


def told(problems: Sequence[Problem]) -> list[str]:
    """Problems as ``LINE RULE``, warnings as ``LINE RULE warning``."""
    return [
        f"{problem.place.line} {problem.rule}{' warning' if problem.severity == 'warning' else ''}"
        for problem in problems
    ]


def findings(folder: Path, text: str | bytes, **options: bool) -> list[str]:
    """What checking a manifest with this text finds, as `told` writes it."""
    return told(checked(folder, text, **options).problems)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """All that was shown, however its lines were broken."""
        return " ".join(f"{self.out} {self.err}".split())


def in_process(*arguments: str) -> Ended:
    """Run the command line in this process, by its public entry."""
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Ended(code, out.getvalue(), err.getvalue())


def batchgen(*arguments: str | Path, folder: Path | None = None, **environment: str) -> Ended:
    """Run the command line as a process of its own."""
    return started([*PROGRAM, *map(str, arguments)], folder, environment)


def started(command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end."""
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})}
    special = any(name.startswith(("PYTHON", "LC_", "LANG", "COVERAGE", "TMPDIR")) for name in environment or {})
    if list(command[: len(PROGRAM)]) == PROGRAM and not special:
        return Ended(*parent().run(command[len(PROGRAM) :], folder, settings))
    ended = subprocess.run(
        command,
        cwd=folder,
        env=settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=100,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


_WITHOUT_PRIVILEGE = """
import ctypes, os, sys
DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-P", *sys.argv[1:]])
"""


def unprivileged(*arguments: str | Path) -> list[str]:
    """The command that runs Python with these arguments and may not do what file modes forbid.

    Root may, so root's powers over file modes are taken from it. Another user would not do: it
    often cannot read the interpreter that runs the tests.
    """
    return [sys.executable, "-P", "-c", _WITHOUT_PRIVILEGE, *map(str, arguments)]


def modes_hold(folder: Path) -> bool:
    """Whether `unprivileged` processes are really kept out by file modes here."""
    closed = folder / "closed-to-all"
    closed.write_bytes(b"")
    closed.chmod(0)
    return started(unprivileged("-c", f"open({str(closed)!r})")).code != 0


def write_image(
    path: Path, form: str = "PNG", size: tuple[int, int] = (400, 400), mode: str = "RGB", color: Any = 0
) -> Path:
    """A picture of one colour."""
    Image.new(mode, size, color).save(path, form)
    return path


def write_video(  # noqa: PLR0913 - each has a default
    path: Path,
    container: str = "mp4",
    seconds: float = 4,
    *,
    rate: int = 2,
    title: str = "",
    size: tuple[int, int] = (64, 64),
) -> Path:
    """A black clip of that many seconds, half seconds included; tiny where no size is given."""
    with av.open(path, "w", format=container) as file:
        file.metadata.update({"title": title} if title else {})
        stream = file.add_stream("mpeg4", rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(int(seconds * rate)):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


_SOUND_CODECS = {"wav": ("pcm_s16le", "s16"), "mp3": ("libmp3lame", "s16p"), "flac": ("flac", "s16")}
_SAMPLES_PER_SECOND = 16_000
_SAMPLES_PER_FRAME = 1152


def write_sound(path: Path, container: str = "wav", seconds: float = 4) -> Path:
    """Silence of that many seconds."""
    codec, sample_format = _SOUND_CODECS[container]
    with av.open(path, "w", format=container) as file:
        stream = file.add_stream(codec, rate=_SAMPLES_PER_SECOND, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame(format=sample_format, layout="mono", samples=int(seconds * _SAMPLES_PER_SECOND))
        frame.sample_rate = _SAMPLES_PER_SECOND
        frame.pts = 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        fifo = av.AudioFifo()
        fifo.write(frame)
        while part := fifo.read(_SAMPLES_PER_FRAME, partial=True):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path


def pad(path: Path, size: int) -> Path:
    """Lengthen a media file to ``size`` bytes, sparse where the disk can, and valid as before.

    MP4 gets an atom that says "free", wav a chunk that says "JUNK"; decoders of the other formats
    stop before the end.
    """
    begin = path.stat().st_size
    with path.open("r+b") as file:
        head = file.read(8)
        file.seek(begin)
        if head.endswith(b"ftyp"):
            file.write((size - begin).to_bytes(4, "big") + b"free")
        elif head.startswith(b"RIFF"):
            file.write(b"JUNK" + (size - begin - 8).to_bytes(4, "little"))
        file.truncate(size)
    return path
