"""Fetching and checking is work that another process can do: all that it needs comes along, nothing is shared."""

import hashlib
import pickle
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import av
import pytest

from batchgen.media.posters import Poster, poster
from batchgen.store.check import check
from batchgen.store.interface import Checked, Fetched, FetchFailed, Wanted
from batchgen.store.local import Limits, LocalStore
from batchgen.store.posters import Posters

from helpers.films import make_film, mismatch
from helpers.servers import Peer, server
from helpers.support import write_sound, write_video


def test_other_processes_fetch_and_check_and_this_one_keeps(tmp_path: Path) -> None:
    video = write_video(tmp_path / "result.mp4", seconds=2, size=(480, 480)).read_bytes()

    def answer(peer: Peer) -> None:
        peer.read_head()
        peer.answer(404 if peer.target == "/gone" else 200, video)

    store = LocalStore(tmp_path, Limits(connections=2, silence_s=20.0))
    with server(answer) as address, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        wanted = [Wanted(f"s{number}", 1, f"{address}/{number}", "480*480", 2) for number in range(3)]
        odd = [Wanted("small", 1, f"{address}/x", "960*960", 2), Wanted("gone", 1, f"{address}/gone", "480*480", 2)]
        futures = [pool.submit(store.work(each)) for each in [*wanted, *odd]]
        checked = [future.result(60) for future in futures[:-1]]
        with pytest.raises(FetchFailed, match="404") as failed:
            futures[-1].result(60)
    assert failed.value.expired
    assert [each.mismatch for each in checked[:3]] == [None, None, None]
    assert "960*960 was asked for" in str(checked[3].mismatch)
    names = [store.keep(each, found) for each, found in zip(wanted, checked, strict=False)]
    assert names == ["results/s0@1.mp4", "results/s1@1.mp4", "results/s2@1.mp4"]
    assert checked[0].fetched.sha256 == hashlib.sha256(video).hexdigest()
    with store.open(names[0]) as kept:
        assert kept.read() == video
    assert store.has(names[0])
    assert not store.has("results/s9@1.mp4")


def test_what_is_kept_already_stays_and_another_file_is_put_aside(tmp_path: Path) -> None:
    store, wanted = LocalStore(tmp_path, Limits()), Wanted("s1", 1, "", "", 0)
    (tmp_path / "results").mkdir()

    def keep(content: bytes) -> list[str]:
        came = tmp_path / "results" / "s1@1.fetched"
        came.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        assert store.keep(wanted, Checked(Fetched(came, len(content), sha256), None)) == "results/s1@1.mp4"
        assert store.holds("results/s1@1.mp4", sha256)
        return sorted(path.name.partition("-")[0] for path in (tmp_path / "results").iterdir())

    assert keep(b"one") == ["s1@1.mp4"]
    assert keep(b"one") == ["s1@1.mp4"]
    assert keep(b"two") == ["s1@1.found", "s1@1.mp4"]


def rewrapped(film: Path, path: Path, *, without: int = 0) -> Path:
    """The pictures of a film in the container that a name asks for, ``without`` so many seconds at its beginning.

    Those stay in the file, since what is shown is made from them.
    """
    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None and packet.time_base is not None:
                packet.pts -= int(without / packet.time_base)
                packet.dts -= int(without / packet.time_base)
                packet.stream = stream
                target.mux(packet)
    return path


@pytest.mark.parametrize("name", ["v.mp4", "v.mov", "v.mkv", "v.ts"])
def test_pictures_are_made_while_a_result_is_checked_and_are_those_of_a_file_alone(tmp_path: Path, name: str) -> None:
    path, wanted = rewrapped(make_film(tmp_path / "film.mp4", 24, 12), tmp_path / name), Wanted("s1", 1, "", "64*48", 2)
    with path.open("rb") as file:
        alone = poster(file)
    assert check(Fetched(path, 0, ""), wanted, is_pictured=False) == Checked(Fetched(path, 0, ""), None, alone)
    assert check(Fetched(path, 0, ""), wanted, is_pictured=True).pictures is None


@pytest.mark.parametrize("name", ["v.mp4", "v.mov"])
def test_a_film_that_is_cut_at_its_beginning_without_encoding_it_anew(tmp_path: Path, name: str) -> None:
    cut = rewrapped(make_film(tmp_path / "film.mp4", 48, 12), tmp_path / name, without=2)
    assert mismatch(cut, "64*48", 2) is None


@pytest.mark.parametrize(
    ("frames", "sound_s", "said"),
    [(20, 5.0, "the pictures of the video last 2.00 s, and 5 s were asked for"), (50, 5.2, None), (48, 5.0, None)],
)
def test_sound_that_goes_on_hides_no_pictures_that_end(
    tmp_path: Path, frames: int, sound_s: float, said: str | None
) -> None:
    assert mismatch(make_film(tmp_path / "v.mp4", frames, 10, sound_s=sound_s), "64*48", 5) == said


@pytest.mark.parametrize(
    "moments", [range(5, 50), range(0, 50, 10)], ids=["begins after its sound", "a picture a second, the last one cut"]
)
def test_pictures_that_come_late_or_unevenly_are_no_early_end(tmp_path: Path, moments: range) -> None:
    film = make_film(tmp_path / "v.mp4", len(moments), 10, sound_s=5.0, moments=moments)
    assert mismatch(film, "64*48", 5) is None


def test_what_cannot_be_pictured_is_checked_all_the_same(tmp_path: Path) -> None:
    found = check(Fetched(write_sound(tmp_path / "s.wav"), 0, ""), Wanted("s1", 1, "", "64*48", 2), is_pictured=False)
    assert (found.pictures, found.mismatch) == (None, "the result is not a video but audio")


def test_a_video_that_comes_again_is_not_pictured_again(tmp_path: Path) -> None:
    video = make_film(tmp_path / "v.mp4", 24, 12).read_bytes()

    def answer(peer: Peer) -> None:
        peer.read_head()
        peer.answer(200, video)

    with server(answer) as address, closing(LocalStore(tmp_path, Limits())) as store:
        wanted = [Wanted(f"s{number}", 1, f"{address}/{number}", "64*48", 2) for number in range(2)]
        found = []
        for each in wanted:
            found.append(store.work(each)())
            store.keep(each, found[-1])
    assert [one.pictures is None for one in found] == [False, True]
    posters = Posters(tmp_path)
    assert found[0].pictures is not None
    assert posters.content(posters.still(found[0].fetched.sha256)) == found[0].pictures.still
    assert posters.content(posters.strip(found[0].fetched.sha256)) == found[0].pictures.strip


def test_a_result_is_kept_though_its_pictures_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "posters").touch()  # where their folder is to be
    (tmp_path / "results").mkdir()
    came = tmp_path / "results" / "s1@1.fetched"
    came.write_bytes(b"one")
    found = Checked(Fetched(came, 3, "ab" * 32), None, Poster(b"a picture"))
    assert LocalStore(tmp_path, Limits()).keep(Wanted("s1", 1, "", "", 0), found) == "results/s1@1.mp4"


def test_work_holds_no_connection(tmp_path: Path) -> None:
    work = LocalStore(tmp_path, Limits()).work(Wanted("s1", 2, "http://127.0.0.1:9/x", "480*480", 2))
    assert pickle.loads(pickle.dumps(work)) == work  # noqa: S301 - our own
    assert str(work).count("s1@2.fetched") == 1


def test_a_failure_survives_the_way_between_processes() -> None:
    failed = pickle.loads(pickle.dumps(FetchFailed("the URL answers 403", expired=True)))  # noqa: S301 - our own
    assert (str(failed), failed.expired) == ("the URL answers 403", True)


@pytest.mark.parametrize(
    ("size", "seconds", "said"),
    [
        ("480*480", 2, None),
        ("", 0, None),
        ("16:9", 0, None),
        ("720p", 2, None),
        ("480*482", 0, "480*482 was asked for"),
        ("", 3, "3 s were asked for"),
    ],
)
def test_what_is_not_known_is_not_compared(tmp_path: Path, size: str, seconds: int, said: str | None) -> None:
    found = mismatch(write_video(tmp_path / "result.mp4", seconds=2, size=(480, 480)), size, seconds)
    assert found is None if said is None else said in str(found)
