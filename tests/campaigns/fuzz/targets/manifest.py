"""Any bytes are a manifest or told to be none: in bounded time, with findings and never a traceback."""

import io
import json
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from batchgen.cli import problems as _  # noqa: F401 - the command imports these when it runs, too late to be watched
from batchgen.cli.validate import command
from batchgen.manifest import load as _load  # noqa: F401
from batchgen.manifest.document import Document, UnreadableManifest
from batchgen.manifest.yaml_reader import MAX_VALUES, read
from batchgen.schemas import compiled, shipped

INVALID = 3


def check(data: bytes) -> None:
    """Do what ``batchgen validate`` does in both its forms, and read the text with both YAML parsers."""
    path = _folder() / "manifest.yaml"
    path.write_bytes(data)
    code, out, told = _validated(path, "json")
    assert told == ""
    findings = json.loads(out)
    compiled(shipped().document("findings")).validate(findings)
    found = findings["findings"]
    assert code == (INVALID if any(finding["severity"] == "error" for finding in found) else 0)
    _check_places(data, found)
    code_of_text, out, told = _validated(path, "text")
    assert (code_of_text, out) == (code, "")
    assert all(line.isprintable() for line in told.split("\n")), told
    _check_parsers(data)


@cache
def _folder() -> Path:
    """A folder of this process, with a picture and a list of rows that a manifest may name."""
    folder = Path(tempfile.mkdtemp(prefix="manifest-"))
    Image.new("RGB", (400, 400)).save(folder / "a.png")
    (folder / "rows.csv").write_text("id,seed\na,5\nb,x\n,{hero}\n")
    return folder


def _validated(path: Path, form: str) -> tuple[Any, str, str]:
    out, err = io.StringIO(), io.StringIO()
    assert command.callback is not None
    with redirect_stdout(out), redirect_stderr(err):
        code = command.callback(manifests=(path,), profile=None, form=form, strict=form == "strict", check_urls=False)
    return code, out.getvalue(), err.getvalue()


def _check_places(data: bytes, found: list[dict[str, Any]]) -> None:
    """Every finding points into the file, or just behind its end."""
    lines = len(data.decode("utf-8", "replace").splitlines()) + 1
    for finding in found:
        assert 1 <= finding["line"] <= lines
        assert 1 <= finding["column"] <= len(data) + 1


def _check_parsers(data: bytes) -> None:
    """What both parsers read, they read alike."""
    read_by = [document for document in (_parsed(data, loader) for loader in MAX_VALUES) if document is not None]
    assert all(document.data == read_by[0].data for document in read_by)


def _parsed(data: bytes, loader: type) -> Document | None:
    try:
        return read(data, loader)
    except UnreadableManifest as error:
        assert error.problem.message  # noqa: PT017 - a promise about the error, beside others
        return None
