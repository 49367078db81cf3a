"""What is said of a reference that names no file: what was probably meant, or nothing."""

from pathlib import Path

import pytest

from batchgen.manifest.path_remedies import path_remedy

FILES = ("refs/hero.png", "refs/dog.png", "refs/Cat.PNG", "refs/a.png", "refs/b.png", "old.refs/hero.png")
REMEDIES = {
    "refs/Hero.png": "there is refs/hero.png; write it",
    "REFS/cat.png": "there is refs/Cat.PNG; write it",
    "refs/../Refs/hero.png": "there is refs/../refs/hero.png; write it",
    "refs\\hero.png": "write / in place of \\: refs/hero.png",
    "refs\new.png": "\\n does not stand for itself; write refs/new.png",
    "C:\temp\fox.png": "\\t and \\f do not stand for themselves; write C:/temp/fox.png",
    "~/hero.png": "~ does not stand for the home folder here",
    "~mara/hero.png": "~ does not stand for the home folder here",
    "refs/d*.png": "name each file: refs/dog.png",
    "refs/*.png": "name each file: refs/a.png, refs/b.png, refs/dog.png (and 2 more)",
    "refs/*.gif": "name each file",
    "gone/*.png": "name each file",
    "www.example.com": "write https://www.example.com",
    "WWW.example.com/a.png": "write https://WWW.example.com/a.png",
    "cdn.example.com/a.png": "if this is an address, write https://cdn.example.com/a.png",
    "refs/hero.png ": "a blank stands before or behind its name",
    "refs/hero.png, refs/dog.png": "these are 2 files",
    "refs/hero.png - refs/dog.png": "[refs/hero.png, refs/dog.png]",
    "old.refs/gone.png": None,
    "refs/gone.png": None,
    "refs/hero.png": None,
    "refs/hero.png/x": None,
    "refs/link.png": None,
    "a\0b": None,
    "x" * 300: None,
}


@pytest.mark.parametrize(("source", "expected"), REMEDIES.items())
def test_a_reference_that_names_no_file(tmp_path: Path, source: str, expected: str | None) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "refs" / "link.png").symlink_to("nothing")
    found = path_remedy(source, tmp_path)
    assert (found is None) == (expected is None)
    assert (expected or "") in (found or "")


def test_letter_case_counts_in_a_whole_path_too(tmp_path: Path) -> None:
    (tmp_path / "hero.png").write_bytes(b"")
    found = path_remedy(str(tmp_path / "HERO.png"), Path("elsewhere"))
    assert found is not None
    assert found.startswith(f"there is {tmp_path / 'hero.png'}; ")
