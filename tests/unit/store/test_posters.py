"""posters/: each picture made once, none trusted that was not made here, no name that leads out."""

import os
from io import BufferedReader, BytesIO
from pathlib import Path

import pytest

from batchgen.store.posters import Posters

from helpers.boards import write_film
from helpers.support import write_image

SHA = "ab" * 32


def test_pictures_are_made_once(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    posters, asked = Posters(tmp_path), []

    def opened() -> BufferedReader:
        asked.append(film)
        return film.open("rb")

    for _ in range(2):
        posters.of_result(SHA, opened)
    assert len(asked) == 1
    assert sorted(path.name for path in (tmp_path / "posters").iterdir()) == [f"{SHA}-frames.webp", f"{SHA}.webp"]
    for path in (posters.still(SHA), posters.strip(SHA)):
        assert posters.content(path) == path.read_bytes()


def test_a_picture_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    posters, image = Posters(tmp_path), write_image(tmp_path / "hero.png")
    posters.of_reference(SHA, lambda: image.open("rb"))
    posters.still(SHA).unlink()
    posters.of_reference(SHA, lambda: image.open("rb"))
    assert posters.content(posters.still(SHA))


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"RIFF0000WEBP" + bytes(100_000)])
def test_what_somebody_else_put_there_is_not_shown(tmp_path: Path, content: bytes) -> None:
    posters = Posters(tmp_path)
    path = posters.still(SHA)
    path.parent.mkdir()
    path.write_bytes(content)
    assert posters.content(path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    posters = Posters(tmp_path)
    posters.still(SHA).parent.mkdir()
    os.mkfifo(posters.still(SHA))
    assert posters.content(posters.still(SHA)) is None


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc/passwd", "", "AB" * 32, "a\x00b", "\ud800"])
def test_no_hash_in_a_journal_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    posters = Posters(tmp_path)
    assert posters.still(name).parent == posters.strip(name).parent == tmp_path / "posters"
    assert posters.still(name).name.isascii()


def test_nothing_is_left_where_writing_fails(tmp_path: Path) -> None:
    posters = Posters(tmp_path)
    posters.still(SHA).mkdir(parents=True)
    image = BytesIO(write_image(tmp_path / "hero.png").read_bytes())
    with pytest.raises(OSError, match="director"):
        posters.of_reference(SHA, lambda: image)
    assert [path.name for path in (tmp_path / "posters").iterdir()] == [f"{SHA}.webp"]
