"""References in object stores, in the memory of fsspec: measured once, sent as they were measured, or not at all."""

import base64
import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.exceptions import FSTimeoutError
from PIL import Image

from batchgen.app.storyboard import picture_references
from batchgen.contents import ReferenceChanged, ReferenceOutOfReach
from batchgen.media import stored
from batchgen.media.decoding import UnusableMedia
from batchgen.media.probe import probe
from batchgen.model import Asked, Request
from batchgen.object_stores import StoredFile, _Reader
from batchgen.providers.form_body import FormBody
from batchgen.providers.json_body import JsonBody
from batchgen.references import Content, Reference

from helpers.support import checked, findings, one_scene, write_sound

URL = "memory://film/hero.png"


def picture(color: int = 0) -> bytes:
    file = BytesIO()
    Image.new("RGB", (400, 400), color).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    memory = fsspec.filesystem("memory")
    memory.pipe_file("film/hero.png", picture())
    yield memory
    memory.store.clear()


def content_in(folder: Path, **settings: str) -> Content:
    """The only reference of a manifest whose picture is in the store."""
    manifest = checked(folder, one_scene(references=f"[{URL}]", **settings)).manifest
    assert manifest is not None
    (reference,) = manifest.scenes[0].request.references
    assert reference.content is not None
    return reference.content


def test_it_is_known_by_its_content_like_a_local_file(tmp_path: Path, store: Any) -> None:
    assert store is not None
    (tmp_path / "hero.png").write_bytes(picture())
    content = content_in(tmp_path)
    assert (content.sha256, content.mime) == (hashlib.sha256(picture()).hexdigest(), "image/png")
    assert content.is_file
    here, there = (checked(tmp_path, one_scene(references=f"[{one}]")).manifest for one in ("hero.png", URL))
    assert here is not None
    assert there is not None
    assert here.scenes[0].request.sha256 == there.scenes[0].request.sha256
    assert there.scenes[0].request.upload_bytes == len(picture())


def test_it_is_streamed_into_a_request_and_a_form(tmp_path: Path, store: Any) -> None:
    assert store is not None
    content = content_in(tmp_path)
    with JsonBody({"url": Reference(URL, content)}) as body:
        sent = b"".join(body)
    assert len(sent) == body.length
    assert json.loads(sent) == {"url": "data:image/png;base64," + base64.b64encode(picture()).decode()}
    with FormBody("file", content) as form:
        sent = b"".join(form)
    assert len(sent) == form.length
    assert picture() in sent


def test_it_is_fetched_once_however_often_it_is_asked_for(
    tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = list[str]()
    read = type(store).cat_file

    def counted(self: Any, path: str, **how: Any) -> Any:
        reads.append(path)
        return read(self, path, **how)

    monkeypatch.setattr(type(store), "cat_file", counted)
    first = content_in(tmp_path)
    assert len(reads) == 1, "hashed and measured in one go"
    assert content_in(tmp_path) == first
    assert len(reads) == 1
    store.pipe_file("film/hero.png", picture(5))
    assert content_in(tmp_path).sha256 != first.sha256
    (tmp_path / "cache" / "batchgen" / "measured").rename(tmp_path / "gone")
    (tmp_path / "cache" / "batchgen" / "measured").write_text("in the way")
    assert content_in(tmp_path).sha256 != first.sha256, "what cannot be remembered is fetched again"


def test_what_changes_while_it_is_read_is_not_remembered(
    tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = type(store).cat_file

    def replaced(self: Any, path: str, **how: Any) -> Any:
        content = read(self, path, **how)
        self.pipe_file("film/hero.png", picture(9))
        return content

    with monkeypatch.context() as patched:
        patched.setattr(type(store), "cat_file", replaced)
        (problem,) = checked(tmp_path, one_scene(references=f"[{URL}]")).problems
    assert "changed while it was read; try again" in problem.message
    assert content_in(tmp_path).sha256 == hashlib.sha256(picture(9)).hexdigest()


def test_the_storyboard_has_a_picture_that_was_made_with_the_same_fetch(
    tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_in(tmp_path)
    monkeypatch.delattr(type(store), "cat_file")
    request = Request(Asked(), {"references": [Reference(URL, content)]})
    picture_references(tmp_path, [request])
    (made,) = (tmp_path / "posters").iterdir()
    with Image.open(made) as small:
        assert (made.stem, small.size) == (content.sha256, (139, 139))
    made.unlink()
    for kept in (tmp_path / "cache" / "batchgen" / "measured").iterdir():
        kept.unlink()
    picture_references(tmp_path, [request])
    assert not made.exists(), "it is not fetched once more"


def test_what_is_remembered_and_makes_no_sense_is_found_anew(tmp_path: Path, store: Any) -> None:
    assert store is not None
    first = content_in(tmp_path)
    (kept,) = (tmp_path / "cache" / "batchgen" / "measured").iterdir()
    for nonsense in (b"", b"[]", b'{"sha256": 5}', b'{"sha256": "a", "facts": {"size": 5}}'):
        kept.chmod(0o600)
        kept.write_bytes(nonsense)
        assert content_in(tmp_path) == first


@pytest.mark.parametrize("change", ["gone", "another", "longer"])
def test_what_changed_since_it_was_checked_is_not_sent(tmp_path: Path, store: Any, change: str) -> None:
    content = content_in(tmp_path)
    if change == "gone":
        store.rm_file("film/hero.png")
    else:
        store.pipe_file("film/hero.png", picture(7) if change == "another" else picture() + b"more")
    why = "cannot be read any more" if change == "gone" else "is another file than the one that was checked"
    with pytest.raises(ReferenceChanged, match=f"{URL} {why}"):
        JsonBody({"url": Reference(URL, content)}).__enter__()


def test_a_store_that_is_out_of_reach_says_nothing_of_the_file(
    tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_in(tmp_path)

    def away(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(type(store), "info", away)
    with pytest.raises(ReferenceOutOfReach, match=f"{URL} cannot be read any more: no route"):
        JsonBody({"url": Reference(URL, content)}).__enter__()


class Breaking:
    """A store whose reads break, or come short, so many times."""

    async_impl = True

    def __init__(self, breaks: int, error: Exception | None) -> None:
        self.breaks, self.error = breaks, error
        self.asked = list[tuple[int, int]]()

    def cat_file(self, _: str, *, start: int, end: int, timeout: float) -> bytes:
        assert timeout >= 60
        self.asked.append((start, end))
        if self.breaks:
            self.breaks -= 1
            if self.error is not None:
                raise self.error
            return b"x"
        return picture()[start:end]


def opened(store: Breaking) -> Any:
    return _Reader(store, StoredFile(URL, len(picture()), "1"))


@pytest.mark.parametrize("error", [OSError(5, "reset"), TimeoutError("slow"), None])
def test_a_read_that_breaks_is_repeated_from_where_it_was(error: Exception | None) -> None:
    store = Breaking(2, error)
    reader = opened(store)
    reader.seek(8)
    assert reader.read() == picture()[8:]
    assert store.asked[:3] == [store.asked[0]] * 3
    with pytest.raises(OSError, match=r"None|reset|slow|shorter"):
        opened(Breaking(99, error)).read(9)


@pytest.mark.parametrize(
    ("error", "said"), [(PermissionError("Access Denied"), "Denied"), (FSTimeoutError(), "gives no answer in time")]
)
def test_a_read_that_is_denied_or_hangs_is_not_repeated(error: Exception, said: str) -> None:
    store = Breaking(99, error)
    with pytest.raises(OSError, match=said):
        opened(store).read(9)
    assert len(store.asked) == 1


def test_a_reader_moves_as_files_do() -> None:
    reader = opened(Breaking(0, None))
    assert (reader.seek(-4, 2), reader.read(99)) == (len(picture()) - 4, picture()[-4:])
    assert (reader.read(5), reader.tell()) == (b"", len(picture()))
    assert (reader.seek(-10, 1), reader.seek(-1_000_000, 1)) == (len(picture()) - 10, 0)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("memory://film/none.png", "there is no such file, or no such bucket"),
        ("memory://film", "it is a folder, not a file"),
        ("memory://film/text.png", "is neither an image nor a video nor a sound"),
        ("abfs://film/hero.png", "install batchgen[azure]"),
    ],
)
def test_one_that_cannot_be_read_is_an_error_of_the_manifest(tmp_path: Path, store: Any, source: str, why: str) -> None:
    store.pipe_file("film/text.png", b"text, and no picture")
    (problem,) = checked(tmp_path, one_scene(references=f"[{source}]")).problems
    assert (problem.rule, why in problem.message) == ("reference.unusable", True), problem.message


def test_limits_hold_there_too(tmp_path: Path, store: Any) -> None:
    write_sound(tmp_path / "line.wav", seconds=3)
    store.put_file(str(tmp_path / "line.wav"), "film/line.wav")
    sound = "memory://film/line.wav"
    assert findings(tmp_path, one_scene(references=f"[{sound}]")) == ["6 audio.kind.enum"]
    told = findings(tmp_path, one_scene(references=f"[{URL}]", audio_url=sound, duration="3"))
    assert told == ["7 audio_url.local warning"]
    image = BytesIO()
    Image.new("RGB", (90, 90)).save(image, "PNG")
    store.pipe_file("film/small.png", image.getvalue())
    assert "6 image.width.minimum" in findings(tmp_path, one_scene(references="[memory://film/small.png]"))


def test_what_no_reference_can_be_is_not_fetched(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store is not None
    monkeypatch.setattr(stored, "MOST_BYTES", 10)
    with pytest.raises(UnusableMedia, match="more than any reference may have; it was not fetched"):
        stored.measured(URL, probe)
