"""Cells of shot lists: what ids, values and references they become, and which are wrong."""

from pathlib import Path

import pytest

from batchgen.report.as_csv import harmless

from helpers.shot_lists import as_csv, imported, places, rows, scenes
from helpers.support import in_process, write_image

ROOT = Path(__file__).resolve().parents[3]
TEXT_MODEL = ("--model", "wan26_t2v")


def test_braces_stand_for_themselves_and_are_told_of(tmp_path: Path) -> None:
    ended = imported(tmp_path, as_csv([["Prompt", "Refs"], ["character1 {x} }{", "hero.png"]]))
    assert (ended.code, "braces in prompts, written {{ and }} to stand for themselves: s01" in ended.err) == (0, True)
    assert scenes(tmp_path)[0]["prompt"] == "character1 {{x}} }}{{"
    plan = in_process("plan", str(tmp_path / "film.yaml"), "--format", "json").out
    assert "character1 {x} }{" in plan


@pytest.mark.parametrize(
    ("header", "names", "ids"),
    [
        (("Shot",), [("Shot 1A",), ("12/3",), ("Größe ß",)], ["Shot-1A", "12-3", "Groesse-ss"]),
        (("Scene", "Shot"), [("1", "A"), ("1", "B"), ("2", "2A")], ["1-A", "1-B", "2A"]),
        (("Scene", "Shot"), [("1", "10"), ("10", "1")], ["1-10", "10-1"]),
        (("Szene",), [("7",), ("8",)], ["7", "8"]),
        (("Nr.", "Szene"), [("1", "Garten"), ("2", "Garten")], ["1", "2"]),
        (("Shot", "ID"), [("1", "a"), ("1", "b")], ["a", "b"]),
        (("Shot",), [("x",), ("",), ("镜头",)], ["x", "s02", "s03"]),
        (("Shot", "Take"), [("1", "1"), ("1", "2,0")], ["1-t1", "1-t2"]),
        (("Shot #", "Take No."), [("no", ""), ("010", "")], ["no", "010"]),
        (("#",), [("1",), ("2.5",)], ["1", "2.5"]),
        (("Shot",), [("x" * 80,)], ["x" * 64]),
    ],
)
def test_ids_are_made_of_what_stands_there(
    tmp_path: Path, header: tuple[str, ...], names: list[tuple[str, ...]], ids: list[str]
) -> None:
    listed = [[*header, "Prompt", "Refs"], *([*name, "character1 walks", "hero.png"] for name in names)]
    ended = imported(tmp_path, as_csv(listed))
    assert ended.code == 0, ended.err
    assert [scene["id"] for scene in scenes(tmp_path)] == ids


def test_a_made_up_id_says_its_row(tmp_path: Path) -> None:
    ended = imported(tmp_path, as_csv([["Prompt", "Refs"], ["", ""], ["character1 walks", "hero.png"]]))
    assert "named in their order: s01; " in ended.err
    assert "  - id: s01   # row 3\n" in (tmp_path / "film.yaml").read_text()


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [("Shot 1", "Shot-1", "C3 id.unique"), ("a", "A", "C3 id.case"), ("1", "3-Jan", "C3 id.date")],
)
def test_ids_that_cannot_be(tmp_path: Path, first: str, second: str, rule: str) -> None:
    ended = imported(tmp_path, rows(first, second))
    assert places(ended) == [rule]
    assert "in C2" in ended.err or "differ in letter case" in ended.err or "is a date, 3-Jan; " in ended.err


@pytest.mark.parametrize("date", ["2026-03-01", "01.03.2026", "1/3/2026", "3-Jan", "Jan-26", "1. Mrz", "03. Jan"])
def test_dates_in_the_place_of_ids(tmp_path: Path, date: str) -> None:
    assert places(imported(tmp_path, rows(date))) == ["C2 id.date"]


@pytest.mark.parametrize("name", ["01.02.03", "May 3", "Jan", "3-1", "1.2", "2026"])
def test_ids_that_are_no_dates(tmp_path: Path, name: str) -> None:
    assert imported(tmp_path, rows(name)).code == 0


@pytest.mark.parametrize(
    ("header", "written", "value"),
    [
        ("Length", "5", 5),
        ("Duration (s)", "5,0", 5),
        ("Länge in Sekunden", "5.00 s", 5),
        ("Dauer", "5 Sek.", 5),
        ("Dauer [s]", '5"', 5),
        ("Size", "1280 × 720 px", "1280*720"),  # noqa: RUF001
        ("Auflösung", "1280X720", "1280*720"),
        ("Seed", "0", 0),
        ("seed", "Zufall", "random"),
        ("Takes", "3", 3),
        ("prompt_extend", "ja", True),
        ("Prompt extend", "FALSCH", False),
        ("watermark", "x", True),
        ("SHOT TYPE", "multi", "multi"),
        ("Titel", "2026-03-01", "2026-03-01"),
        ("Anmerkung", "no", "no"),
    ],
)
def test_values_as_producers_write_them(tmp_path: Path, header: str, written: str, value: object) -> None:
    ended = imported(tmp_path, rows(written, header=header))
    assert ended.code == 0, ended.err
    (scene,) = scenes(tmp_path)
    assert [scene[name] for name in scene if name not in ("id", "prompt", "references")] == [value]


@pytest.mark.parametrize(
    ("header", "written", "rule"),
    [
        ("Duration", "0:05", "C2 duration.type"),
        ("Duration", "five", "C2 duration.type"),
        ("Duration", "99", "C2 duration.maximum"),
        ("Size", "CU", "C2 size.enum"),
        ("Seed", "1,5", "C2 seed.type"),
        ("Seed", "99999999999", "C2 seed.maximum"),
        ("Watermark", "perhaps", "C2 watermark.type"),
        ("Takes", "0", "C2 takes.minimum"),
        ("Title", "#REF!", "C2 cell.error"),
        ("Length", "#BEZUG!", "C2 cell.error"),
    ],
)
def test_wrong_values(tmp_path: Path, header: str, written: str, rule: str) -> None:
    ended = imported(tmp_path, rows(written, header=header))
    assert (ended.code, places(ended)[0]) == (3, rule)


def test_all_wrong_cells_in_one_go(tmp_path: Path) -> None:
    listed = [["Shot", "Prompt", "Refs", "Dauer"], ["1", "", "hero.png", "x"], ["1", "character1", "", "5"]]
    ended = imported(tmp_path, as_csv(listed))
    assert places(ended) == ["B2 prompt.required", "D2 duration.type", "A3 id.unique", "C3 references.required"]


def test_references(tmp_path: Path) -> None:
    for name in ("a.png", "b c.png", "d, e.png"):
        write_image(tmp_path / name)
    data = "data:image/png;base64,iVBORw0KGgo="
    cell = f"a.png; b c.png,hero.png\nd, e.png\n{data}"
    ended = imported(tmp_path, as_csv([["Prompt", "Refs"], ["character1", cell]]))
    assert set(places(ended)) == {"B2 reference.unusable", "B2 references.unmentioned"}
    cell = "a.png; b c.png,hero.png\n\nd, e.png"
    assert imported(tmp_path, as_csv([["Prompt", "Refs"], ["character1", cell]])).code == 0
    assert scenes(tmp_path)[0]["references"] == ["a.png", "b c.png", "hero.png", "d, e.png"]


def test_references_lead_from_the_manifest_to_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "films").symlink_to(tmp_path / "real")
    cell = "hero.png;https://example.com/b.png;/no/such.png"
    wrong = imported(tmp_path / "lists", as_csv([["Prompt", "Refs"], ["character1", cell]]), out="../films/film.yaml")
    assert places(wrong)[0] == "B2 reference.unusable"
    cell = "hero.png;https://example.com/b.png"
    ended = imported(tmp_path / "lists", as_csv([["Prompt", "Refs"], ["character1", cell]]), out="../films/film.yaml")
    assert ended.code == 0, ended.err
    assert scenes(tmp_path / "films")[0]["references"] == ["../lists/hero.png", "https://example.com/b.png"]
    assert in_process("validate", str(tmp_path / "films" / "film.yaml")).code == 0


def test_references_of_a_list_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(as_csv([["Prompt", "Refs"], ["character1", "hero.png"]]))
    (tmp_path / "here").mkdir()
    write_image(tmp_path / "here" / "hero.png")
    (tmp_path / "here" / "shots.csv").symlink_to(tmp_path / "real.csv")
    ended = in_process("import", str(tmp_path / "here" / "shots.csv"), "--out", str(tmp_path / "film.yaml"))
    assert ended.code == 0, ended.err
    assert scenes(tmp_path)[0]["references"] == ["here/hero.png"], "beside the name that was given"


def test_a_text_that_was_cut_at_its_comma(tmp_path: Path) -> None:
    ended = imported(tmp_path, b"Shot,Prompt\r\n1,one, two\r\n", *TEXT_MODEL)
    assert places(ended) == ["C2 row.cells"]
    assert "this row has 3 cells, and the header 2: a text with , in it was cut in two" in ended.err
    assert 'value "1,one,two"' in ended.err
    shifted = b"Shot;Prompt;Refs;Size\r\n1;one; two;hero.png;1280*720\r\n2;character1;hero.png;\r\n"
    assert places(imported(tmp_path, shifted)) == ["E2 row.cells"], "what has moved is not told of as well"
    hidden = b"Shot;Prompt;Refs;Size;Note\r\n1;one; two;hero.png;1280*720;\r\n2;character1;hero.png;;\r\n"
    assert places(imported(tmp_path, hidden)) == ["F2 row.cells"], "nothing stands beyond the header"


def test_a_row_that_ends_in_an_empty_cell_is_a_doubt_where_others_do_not(tmp_path: Path) -> None:
    ended = imported(tmp_path, b"Shot,Prompt\r\n1,one,\r\n2,two\r\n", *TEXT_MODEL)
    assert (ended.code, "warning: this row has 3 cells" in ended.err) == (0, True), ended.err
    always = imported(tmp_path, b"Shot,Prompt\r\n1,one,\r\n2,two,\r\n", *TEXT_MODEL, "--force")
    assert (always.code, "row.cells" in always.err) == (0, False)


@pytest.mark.parametrize(
    ("name", "said"),
    [("refs/hero.png", "a picture (PNG)"), ("refs/dog.mp4", "a video (MP4 or MOV)"), ("x.pdf", "a PDF")],
)
def test_what_is_no_list_is_told_what_it_is(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\n")
    path = tmp_path / name if name == "x.pdf" else ROOT / "manifests" / name
    ended = in_process("import", str(path), "--out", str(tmp_path / "film.yaml"))
    assert (ended.code, f"this is {said}, and not a list" in ended.err, "encoding" in ended.err) == (3, True, False)


def test_a_list_may_begin_with_the_letters_of_a_picture(tmp_path: Path) -> None:
    ended = imported(tmp_path, b"BM,Shot,Prompt\r\nx,1,one\r\n", *TEXT_MODEL)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("text", ["=a", "-a", "+1", "@a", " =a", "＝a", "a", "'a", "a=b", "\ta", "#a"])  # noqa: RUF001
def test_what_reports_make_harmless_is_read_as_it_was(tmp_path: Path, text: str) -> None:
    assert imported(tmp_path, rows(harmless(text), header="Note")).code == 0
    assert scenes(tmp_path)[0]["note"] == text


@pytest.mark.parametrize("cell", ["x" * 300, "a\nb" * 100, "\x01"])
def test_references_that_no_file_can_be(tmp_path: Path, cell: str) -> None:
    assert imported(tmp_path, as_csv([["Prompt", "Refs"], ["character1", cell]])).code == 3
