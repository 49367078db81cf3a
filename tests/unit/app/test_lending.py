"""Results of other run directories: what their journals tell of, what is there of it, and how it is linked in."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from batchgen.app.kept_results import Lenders, link, prepared
from batchgen.app.run_directory import RunDirectory
from batchgen.engine import events as ev
from batchgen.engine.commands import Link, Prepare, PrepareResult
from batchgen.journal.journal import Journal
from batchgen.providers.registry import asked_before
from batchgen.store.local import Limits, LocalStore
from batchgen.store.output_index import OutputIndex, Uploaded

from helpers.engine_support import scene

ASKED, VIDEO = scene("s1"), b"a video"
DIGEST = sha256(VIDEO).hexdigest()


class Maker:
    """Makes every request to be the same one, as `SceneMaker` does."""

    def prepare(self, command: Prepare) -> PrepareResult:
        return PrepareResult(
            command, ASKED.request if command.scene_id else None, None, "" if command.scene_id else "no"
        )


@pytest.fixture
def lender(tmp_path: Path) -> RunDirectory:
    """A run directory with a result of a scene."""
    folder = tmp_path / "lender"
    path = folder / "results" / "s1@1.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(VIDEO)
    with Journal(folder, asked_before) as journal:
        journal.record(
            ev.ManifestRead("t", "film", "m", (ASKED,)),
            ev.Reused("t", "s1", 1, ASKED.request, "old:s1@1", "results/s1@1.mp4", DIGEST, None),
        )
    return RunDirectory(folder)


def asked() -> tuple[str, None]:
    return ASKED.request.sha256, None


def look_up(lender: RunDirectory, scene_id: str = "s2") -> PrepareResult:
    maker: Any = Maker()
    return prepared(maker, Lenders([lender]), Prepare(scene_id, ()))


def test_what_is_there_is_lent_and_what_is_gone_is_named(lender: RunDirectory) -> None:
    there = Lenders([lender])
    (found,) = there.lent(*asked())[ASKED.request.sha256]
    assert (found.name, found.sha256, there.lost(*asked())) == (f"{lender}:s1@1", DIGEST, [])
    assert there.lent("sha-of-something-else", None) == {}
    Path(found.path).write_bytes(b"another")
    for _ in range(2):
        changed = Lenders([lender])
        assert (changed.lent(*asked()), [one.name for one in changed.lost(*asked())]) == ({}, [found.name])
        Path(found.path).unlink(missing_ok=True)


def test_a_request_that_is_made_in_a_run_is_looked_up(lender: RunDirectory, caplog: pytest.LogCaptureFixture) -> None:
    (found,) = look_up(lender).elsewhere[ASKED.request.sha256]
    assert found.name == f"{lender}:s1@1"
    assert look_up(lender, "").failure == "no"
    Path(found.path).unlink()
    with caplog.at_level(logging.WARNING, "batchgen"):
        assert look_up(lender).elsewhere == {}
    assert f"scene s2: {lender}:s1@1 is what it asks for and is not linked in: its file is gone" in caplog.text


def test_linking_in_says_what_keeps_it_from_that(tmp_path: Path, lender: RunDirectory) -> None:
    store = LocalStore(tmp_path / "here", Limits())
    store.folder.mkdir()
    wanted = Link("s2", 1, str(lender.results / "s1@1.mp4"), DIGEST)
    assert link(store, wanted).failure == ""
    assert (store.folder / "results" / "s2@1.mp4").read_bytes() == VIDEO
    other = link(store, Link("s3", 1, wanted.path, "0" * 64))
    assert (other.failure.endswith("is not the one that was delivered"), other.unstorable) == (True, False)
    with nothing_can_be_written(store.folder / "results"):
        full = link(store, Link("s4", 1, wanted.path, DIGEST))
    assert (full.unstorable, "cannot be linked in" in full.failure) == (True, True)


def test_what_a_lender_has_in_a_store_and_does_not_get_ends_no_run(tmp_path: Path, lender: RunDirectory) -> None:
    store = LocalStore(tmp_path / "here", Limits())
    store.folder.mkdir()
    (lender.results / "s1@1.mp4").unlink()
    OutputIndex("memory://lender/film", {"results/s1@1.mp4": Uploaded(7, "etag", DIGEST)}).save(lender.path)
    gone = link(store, Link("s2", 1, str(lender.results / "s1@1.mp4"), DIGEST))
    assert (gone.unstorable, "cannot be fetched back to be linked in" in gone.failure) == (False, True)


@contextmanager
def nothing_can_be_written(folder: Path) -> Iterator[None]:
    """A file in place of a folder, into which not even root can write."""
    kept = folder.rename(folder.with_name("kept"))
    folder.write_bytes(b"")
    yield
    folder.unlink()
    kept.rename(folder)
