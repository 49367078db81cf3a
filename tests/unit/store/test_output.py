"""A folder in an object store, fsspec's memory in its place: what goes up, what stays, and what comes back."""

import os
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import fsspec
import pytest

from batchgen.errors import UsageError
from batchgen.layout import attempt_of
from batchgen.object_stores import of_type, place_in_store
from batchgen.store.cache import brought_back, make_room, taken_up
from batchgen.store.output import OutputFailed, OutputFolder
from batchgen.store.output_index import OutputIndex, Uploaded

_numbers = count()


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.fixture
def url() -> str:
    return f"memory://unit{next(_numbers)}/films/film"


@pytest.fixture
def store() -> Any:
    return fsspec.filesystem("memory")


@pytest.fixture
def folder(url: str) -> OutputFolder:
    return OutputFolder(OutputIndex(url), sleep=lambda _: None)


def kept(run_dir: Path, name: str, content: bytes) -> Path:
    path = run_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


RESULT = "results/s1@1.mp4"


def test_what_is_brought_up_is_known_by_the_next_look(
    tmp_path: Path, folder: OutputFolder, url: str, store: Any
) -> None:
    folder.bring_up(RESULT, kept(tmp_path, RESULT, b"video"), digest(b"video"))
    folder.copy(RESULT, "videos/s1.mp4", ())
    folder.write("report.csv", b"rows")
    assert sorted(name.partition("films/film/")[2] for name in store.find(url)) == [
        "report.csv",
        RESULT,
        "videos/s1.mp4",
    ]
    folder.index.save(tmp_path)
    again = OutputIndex.of(tmp_path)
    assert again == folder.index
    OutputFolder(again).look()
    assert again.is_certain("videos/s1.mp4", digest(b"video"))
    assert again.url_of("videos/s1.mp4", digest(b"video")) == f"{url}/videos/s1.mp4"
    assert again.url_of("videos/s1.mp4", digest(b"other")) is None
    assert again.url_of("videos/s1.mp4", None) is None


def test_a_result_that_was_found_there_counts_until_it_is_compared(folder: OutputFolder, url: str, store: Any) -> None:
    store.pipe_file(f"{url}/{RESULT}", b"video")
    store.pipe_file(f"{url}/videos/s1.mp4", b"video")
    folder.look()
    assert folder.index.has(RESULT, digest(b"video"))
    assert not folder.index.is_certain(RESULT, digest(b"video"))
    assert not folder.index.has("videos/s1.mp4", digest(b"video")), "what lies there may be anybody's"


def test_the_same_content_is_not_written_again(tmp_path: Path, folder: OutputFolder, url: str, store: Any) -> None:
    store.pipe_file(f"{url}/{RESULT}", b"video")
    written = store.info(f"{url}/{RESULT}")["created"]
    folder.bring_up(RESULT, kept(tmp_path, RESULT, b"video"), digest(b"video"))
    assert store.info(f"{url}/{RESULT}")["created"] == written
    assert folder.index.is_certain(RESULT, digest(b"video"))


@pytest.mark.parametrize("own", [b"mine", b"other"], ids=["another size", "the same size"])
def test_what_lies_in_the_way_is_put_aside(
    tmp_path: Path, folder: OutputFolder, url: str, store: Any, own: bytes
) -> None:
    store.pipe_file(f"{url}/{RESULT}", own)
    store.pipe_file(f"{url}/report.csv", own)
    folder.bring_up(RESULT, kept(tmp_path, RESULT, b"video"), digest(b"video"))
    folder.put_aside("report.csv")
    folder.write("report.csv", b"rows")
    found = [name for name in store.find(url) if ".found-" in name]
    assert [store.cat_file(name) for name in found] == [own, own]
    assert "/films/film/report.found-" in found[0]
    assert store.cat_file(f"{url}/{RESULT}") == b"video"
    folder.put_aside("ledger.csv")


def test_what_goes_up_meanwhile_disturbs_no_comparison(
    tmp_path: Path, folder: OutputFolder, url: str, store: Any
) -> None:
    class Own(set[str]):
        """Hashes of results; while they are looked at, another thread has brought up one more."""

        def __contains__(self, sha256: object) -> bool:
            folder.index.files[f"results/more{len(folder.index.files)}@1.mp4"] = Uploaded(1, "etag", "hash")
            return super().__contains__(sha256)

    folder.bring_up(RESULT, kept(tmp_path, RESULT, b"video"), digest(b"video"))
    store.pipe_file(f"{url}/videos/s1.mp4", b"video")
    folder.copy(RESULT, "videos/s1.mp4", Own())
    assert folder.index.is_certain("videos/s1.mp4", digest(b"video"))


@pytest.mark.parametrize("is_known", [True, False])
def test_an_own_video_makes_way_for_another_and_no_other_file_does(
    tmp_path: Path, folder: OutputFolder, url: str, store: Any, *, is_known: bool
) -> None:
    own = {digest(content) for content in (b"first", b"second")}
    for number, content in enumerate((b"first", b"second"), 1):
        name = f"results/s1@{number}.mp4"
        folder.bring_up(name, kept(tmp_path, name, content), digest(content))
        folder.copy(name, "videos/s1.mp4", own)
        if not is_known:
            folder.index.files["videos/s1.mp4"] = Uploaded(len(content), "")
    assert store.cat_file(f"{url}/videos/s1.mp4") == b"second"
    assert len(store.find(f"{url}/videos")) == 1
    store.pipe_file(f"{url}/videos/s1.mp4", b"other")
    folder.copy("results/s1@1.mp4", "videos/s1.mp4", own)
    assert sorted(store.cat_file(name) for name in store.find(f"{url}/videos")) == [b"first", b"other"]


def test_a_store_that_fails_says_so_and_is_asked_twice(
    tmp_path: Path, folder: OutputFolder, url: str, store: Any
) -> None:
    store.pipe_file(f"{url}/results", b"where the folder would be")
    waits: list[float] = []
    asked = OutputFolder(folder.index, waits.append)
    with pytest.raises(OutputFailed, match=f"{url} cannot be written to: "):
        asked.bring_up(RESULT, kept(tmp_path, RESULT, b"video"), digest(b"video"))
    assert len(waits) == 1
    assert folder.index.files == {}
    store.rm_file(f"{url}/results")
    asked.bring_up(RESULT, tmp_path / RESULT, digest(b"video"))


def test_a_place_is_tried_out_and_left_clean(folder: OutputFolder, url: str, store: Any) -> None:
    folder.try_out()
    assert store.find(url) == []
    assert folder.read("none.json") is None
    folder.remove("none.mp4")
    folder.look()
    assert folder.index.files == {}


@pytest.mark.parametrize(
    "written",
    ["", "[]", "{}", '{"version": 2, "url": "u", "files": {}}', '{"version": 1, "url": "u", "files": {"a": 1}}'],
)
def test_what_cannot_be_read_is_not_known(tmp_path: Path, written: str) -> None:
    (tmp_path / "output.json").write_text(written, encoding="utf-8")
    assert OutputIndex.of(tmp_path) is None


def test_a_result_comes_back_once(tmp_path: Path, folder: OutputFolder, url: str, store: Any) -> None:
    path = kept(tmp_path, RESULT, b"video")
    folder.bring_up(RESULT, path, digest(b"video"))
    folder.index.save(tmp_path)
    path.unlink()
    assert brought_back(path, digest(b"video")).read_bytes() == b"video"
    assert not path.stat().st_mode & 0o222
    store.rm_file(f"{url}/{RESULT}")
    assert brought_back(path, digest(b"video")).read_bytes() == b"video"
    path.unlink()
    with pytest.raises(OSError, match="is not there any more; the next run fetches it"):
        brought_back(path, digest(b"video"))
    assert not brought_back(tmp_path / "results/s2@1.mp4", "").exists(), "is in neither place"


def test_what_comes_back_is_what_was_delivered_or_does_not_come(
    tmp_path: Path, folder: OutputFolder, url: str, store: Any
) -> None:
    store.pipe_file(f"{url}/{RESULT}", b"forged")
    folder.look()
    folder.index.save(tmp_path)
    path = tmp_path / RESULT
    with pytest.raises(OSError, match="is not the file that was delivered"):
        brought_back(path, digest(b"video"))
    assert list(path.parent.iterdir()) == []
    known = OutputIndex.of(tmp_path)
    assert known is not None
    assert not known.has(RESULT, digest(b"video")), "so that the next run fetches it from the gateway"


def test_the_least_lately_used_go_first_with_their_names_in_the_view(tmp_path: Path) -> None:
    paths = [kept(tmp_path, f"results/s{number}@1.mp4", bytes(1000)) for number in range(5)]
    (tmp_path / "videos").mkdir()
    for number, path in enumerate(paths):
        os.utime(path, ns=(number * 10**9, number * 10**9))
        os.link(path, tmp_path / "videos" / f"s{number}.mp4")
    copy = tmp_path / "videos" / "copy.mp4"
    copy.write_bytes(bytes(1000))
    os.utime(copy, ns=(0, 0))
    kept(tmp_path, "results/notes.txt", bytes(10_000))
    brought_back(paths[1], "")
    assert taken_up(tmp_path) == 6000
    assert make_room(tmp_path, 6000, lambda _: True) == 6000
    left = make_room(tmp_path, 3400, lambda name: name != "results/s2@1.mp4")
    assert sorted(path.name for path in tmp_path.glob("*/*.mp4")) == [
        *("s1.mp4", "s1@1.mp4", "s2.mp4", "s2@1.mp4", "s4.mp4", "s4@1.mp4")
    ]
    assert left == taken_up(tmp_path) == 3000


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("results/s1@2.mp4", ("s1", 2)),
        ("results/s1@1.found-0123abcd.mp4", None),
        ("results/../s1@1.mp4", None),
        ("videos/s1.mp4", None),
        ("None", None),
    ],
)
def test_the_name_of_a_result_is_that_of_its_attempt(name: str, key: tuple[str, int] | None) -> None:
    assert attempt_of(name) == key


def test_a_place_is_a_bucket_alone() -> None:
    assert place_in_store("S3://Bucket/a/", "test at") == "s3://Bucket/a"
    assert place_in_store("abfs://box@account.dfs.core.windows.net/a", "test at").startswith("abfs://box@account")
    for url in (
        "s3://",
        "s3:///a",
        "s3://b?x=1",
        "s3://b#x",
        "s3://key@b",
        "s3://key:secret@b",
        "abfs://b:secret@a",
        "s3://[",
    ):
        with pytest.raises(UsageError, match="the address to test at does not name a bucket alone") as refused:
            place_in_store(url, "test at")
        assert "secret" not in str(refused.value)


def test_a_store_is_told_the_type_of_a_file_in_its_own_words() -> None:
    told = {protocol: of_type(protocol, "video/mp4") for protocol in ("s3", "gs", "memory")}
    assert told == {"s3": {"ContentType": "video/mp4"}, "gs": {"content_type": "video/mp4"}, "memory": {}}


def test_an_index_tells_what_changed_there_since() -> None:
    index = OutputIndex("memory://b/film", {"a": Uploaded(1, "x", "hash"), "b": Uploaded(1, "x", "hash")})
    index.seen([("a", 1, "x"), ("b", 1, "y"), ("c", 3, "z")])
    assert index.files == {"a": Uploaded(1, "x", "hash"), "b": Uploaded(1, "y"), "c": Uploaded(3, "z")}
