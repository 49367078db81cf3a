"""Shot lists as producers have them: what they become, and what is told of wrong cells."""

import codecs
import pickle
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.app.shot_lists import InvalidShotList, import_shots

from helpers.shot_lists import FORTY, as_csv, imported, manifest, places, scenes
from helpers.support import in_process, write_image

ROOT = Path(__file__).resolve().parents[3]
PLAIN = [["Shot", "Prompt", "Refs"], ["1A", "character1 wäscht", "hero.png"], ["1B", "character1 ruht", "hero.png"]]
EXPORTED = [
    *("shot", "take", "title", "prompt", "references", "size", "duration", "seed"),
    *("status", "cost_usd", "file", "note"),
]
TEXT_MODEL = ("--model", "wan26_t2v")


def test_forty_rows_with_a_wrong_cell_and_then_without(tmp_path: Path) -> None:
    wrong = [list(row) for row in FORTY]
    wrong[6][3] = "16:9"
    ended = imported(tmp_path, as_csv(wrong, ";"))
    assert (ended.code, ended.out, places(ended)) == (3, "", ["D7 size.enum"])
    assert 'shots.csv:7:D: size cannot be "16:9"; write "1280*720" or "1920*1080"\n' in ended.err
    assert "where a column is something else: --map SETTING=COLUMN" in ended.err
    assert ended.err.endswith("1 error; nothing was written\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hero.png", "shots.csv"]
    mended = imported(tmp_path, as_csv(FORTY, ";"))
    assert mended.code == 0, mended.err
    assert "A Einstellung = id, B Handlung = prompt, C Referenzen = references" in mended.err
    assert "not used: F Kamera\n" in mended.err
    assert in_process("validate", "--strict", str(tmp_path / "film.yaml")).code == 0
    written = scenes(tmp_path)
    assert [scene["id"] for scene in written] == [row[0] for row in FORTY[1:]]
    assert written[3] == {
        "id": "040",
        "prompt": "character1 läuft; 40. Schritt",
        "references": ["hero.png"],
        "size": "1280*720",
        "duration": 5,
        "note": "Öl & Übung",
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_form_of_csv_is_the_same_list(tmp_path: Path, delimiter: str, encoding: str) -> None:
    content = as_csv(PLAIN, delimiter).decode().encode(encoding)
    assert imported(tmp_path, content).code == 0
    assert [scene["prompt"] for scene in scenes(tmp_path)] == ["character1 wäscht", "character1 ruht"]


def test_another_encoding_has_to_be_said(tmp_path: Path) -> None:
    content = as_csv(PLAIN).decode().encode("cp1252")
    ended = imported(tmp_path, content)
    assert ended.code == 3
    assert "byte 0xe4 in line 2 is not UTF-8; save the list as CSV in UTF-8; or say its encoding with" in ended.err
    assert imported(tmp_path, content, "--encoding", "cp1252").code == 0
    assert scenes(tmp_path)[0]["prompt"] == "character1 wäscht"
    for wrong in ("no-such", "hex", "rot13"):
        assert f"there is no encoding '{wrong}'" in imported(tmp_path, content, "--encoding", wrong, out=wrong).err


@pytest.mark.parametrize("content", [codecs.BOM_UTF16_LE + b"a", "a\n".encode("utf-16-le"), b"\xff\xfe\x00"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    ended = imported(tmp_path, content)
    assert (ended.code, "--encoding" in ended.err) == (3, True)


def test_a_google_sheets_export_as_it_is(tmp_path: Path) -> None:
    content = (
        "Drehplan,,,,,,\r\n,,,,,,\r\nShot,Scene title,Prompt,Refs,Watermark,Take,\r\n"
        'Shot 1A,,"character1 says ""no"",\nthen: # leaves",hero.png,FALSE,,\r\n,,,,,,\r\n'
        "Shot 1A,,character1 — 16:9,hero.png,TRUE,2,x\r\n"
    ).encode()
    assert imported(tmp_path, content).code == 0
    assert scenes(tmp_path) == [
        {
            "id": "Shot-1A",
            "prompt": 'character1 says "no",\nthen: # leaves',
            "references": ["hero.png"],
            "watermark": False,
        },
        {"id": "Shot-1A-t2", "prompt": "character1 — 16:9", "references": ["hero.png"], "watermark": True},
    ]


def test_rows_are_counted_as_the_spreadsheet_does(tmp_path: Path) -> None:
    content = (
        b'Plan,,\r\n\r\nShot,Prompt,Refs\r\n1,"character1\r\n\r\nwalks",hero.png\r\n\r\n2,character1,nowhere.png\r\n'
    )
    ended = imported(tmp_path, content)
    assert places(ended) == ["C6 reference.unusable"]
    assert '"nowhere.png" does not exist' in ended.err


def test_columns_that_export_writes_are_read_back(tmp_path: Path) -> None:
    content = as_csv(
        [
            EXPORTED,
            ["s01", "", "Gate", "'=character1", "hero.png", "1280*720", "5", "7", "completed", "0.50", "a.mp4", "'-"],
            ["s02", "2", "", "character1 {a}", "hero.png", "1920*1080", "10", "43", "failed", "", "", "wait\nfor it"],
        ]
    )
    ended = imported(tmp_path, content)
    assert ended.code == 0, ended.err
    assert "not used: I status, J cost_usd, K file\n" in ended.err
    assert scenes(tmp_path) == [
        {
            "id": "s01",
            "title": "Gate",
            "prompt": "=character1",
            "references": ["hero.png"],
            "size": "1280*720",
            "duration": 5,
            "seed": 7,
            "note": "-",
        },
        {
            "id": "s02-t2",
            "prompt": "character1 {{a}}",
            "references": ["hero.png"],
            "size": "1920*1080",
            "duration": 10,
            "seed": 43,
            "note": "wait\nfor it",
        },
    ]


def test_columns_by_the_users_own_words(tmp_path: Path) -> None:
    listed = [["Plan", "", ""], ["Was", "Bild", "Size"], ["character1 walks", "hero.png", "CU"]]
    ended = imported(tmp_path, as_csv(listed))
    assert ended.code == 3
    assert "no column is the prompt" in ended.err
    assert "--map prompt=Description" in ended.err
    options = ("--map", "prompt=was", "--map", "references=B", "--map", "size=")
    assert imported(tmp_path, as_csv(listed), *options).code == 0
    assert scenes(tmp_path) == [{"id": "s01", "prompt": "character1 walks", "references": ["hero.png"]}]


def test_letters_are_no_header(tmp_path: Path) -> None:
    listed = [["Plan", "", ""], ["Was", "Bild", ""], ["character1 walks", "hero.png", "7"]]
    options = ("--map", "prompt=A", "--map", "references=B", "--map", "id=C")
    assert imported(tmp_path, as_csv(listed), *options).code == 0
    assert scenes(tmp_path) == [{"id": "7", "prompt": "character1 walks", "references": ["hero.png"]}]


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        ("prompt", 2, "--map takes SETTING=COLUMN"),
        ("Was=prompt", 2, "write prompt=Was"),
        ("promt=Was", 2, "'promt' is not a setting of a scene; there is id, "),
        ("prompt=Wo", 3, "there is no column 'Wo' for prompt; this row, taken for the header, has A Shot, B Prompt"),
    ],
)
def test_columns_that_are_said_wrong(tmp_path: Path, option: str, code: int, said: str) -> None:
    ended = imported(tmp_path, as_csv(PLAIN), "--map", option)
    assert ended.code == code
    assert said in ended.err


def test_the_likeliest_of_several_columns(tmp_path: Path) -> None:
    listed = [["Action", "Description", "Prompt", "Refs"], ["a", "d", "character1 walks", "hero.png"]]
    ended = imported(tmp_path, as_csv(listed))
    assert "not used: A Action, B Description\n" in ended.err
    assert scenes(tmp_path)[0]["prompt"] == "character1 walks"
    twice = imported(tmp_path, as_csv([["Prompt", "PROMPT", "Refs"], ["a", "b", "hero.png"]]), out="twice.yaml")
    assert (twice.code, "the columns A Prompt and B PROMPT have the same name" in twice.err) == (3, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is nothing in the list"),
        (b"\r\n,,\r\n", "there is nothing in the list"),
        (b"Plan\r\nShot,Prompt\r\n,,", "shots.csv:2:A: there is no shot below this row, taken for the header"),
        (b'Prompt,Refs\r\n"character1 walks,hero.png\r\n', 'shots.csv:2:A: a quote " opens in this row and is never'),
        (b'Prompt,Refs\r\n"a" b,hero.png\r\n', 'shots.csv:2:A: more text stands behind a closing quote "'),
        (b"Prompt,Refs\r\n" + b"x" * 200_000, "shots.csv:2:A: this row cannot be read"),
        (b"\xd0\xcf\x11\xe0rest", "a workbook of an old form, or locked with a password"),
        (b"PK\x03\x04rest", "this is not a workbook, or it is damaged"),
    ],
)
def test_files_that_are_no_list(tmp_path: Path, content: bytes, said: str) -> None:
    ended = imported(tmp_path, content)
    assert (ended.code, said in ended.err) == (3, True), ended.err
    assert not (tmp_path / "film.yaml").exists()


def test_a_list_of_prompts_alone(tmp_path: Path) -> None:
    assert imported(tmp_path, b"Prompt\r\nOne; or two\r\nThree\r\n", *TEXT_MODEL).code == 0
    assert manifest(tmp_path)["model"] == "wan26_t2v"
    assert [scene["prompt"] for scene in scenes(tmp_path)] == ["One; or two", "Three"]


def test_the_delimiter_may_be_said_in_the_first_line(tmp_path: Path) -> None:
    content = b"sep=|\r\nShot|Prompt\r\n1|one, two\r\n2|\r\n"
    assert places(imported(tmp_path, content, *TEXT_MODEL)) == ["B3 prompt.required"]


def test_a_model_that_needs_references_and_a_list_without(tmp_path: Path) -> None:
    ended = imported(tmp_path, as_csv([["Prompt"], ["one"], ["two"]]))
    assert places(ended) == ["B1 references.required"]
    assert "the list has no column for references, which the model needs" in ended.err
    assert imported(tmp_path, as_csv([["Prompt"], ["one"]]), *TEXT_MODEL).code == 0
    assert "there is no model 'wan'" in imported(tmp_path, b"Prompt\n", "--model", "wan", out="x").err
    with_references = imported(tmp_path, as_csv(PLAIN), *TEXT_MODEL, out="other.yaml")
    assert places(with_references)[0] == "C2 unknown-key"


def test_nothing_is_written_over_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "film.yaml").write_text("mine")
    ended = imported(tmp_path, as_csv(PLAIN))
    assert ended.code == 2
    assert "would be replaced; to have that, add --force" in ended.err
    assert (tmp_path / "film.yaml").read_text() == "mine"
    assert imported(tmp_path, b"Prompt\n", "--force").code == 3
    assert (tmp_path / "film.yaml").read_text() == "mine"
    assert imported(tmp_path, as_csv(PLAIN), "--force").code == 0
    assert manifest(tmp_path)["name"] == "film"
    itself = imported(tmp_path, as_csv(PLAIN), "--force", out="shots.csv")
    assert (itself.code, "is the list itself" in itself.err) == (2, True)
    assert "is a folder" in imported(tmp_path, as_csv(PLAIN), out=".").err
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert imported(tmp_path, as_csv(PLAIN), out="gone.yaml").code == 2


@pytest.mark.parametrize(("out", "name"), [("a/manifest.yaml", "a"), ("Öl 2.yml", "Oel-2"), ("镜.yaml", "batch")])
def test_the_batch_has_the_name_of_its_manifest(tmp_path: Path, out: str, name: str) -> None:
    assert imported(tmp_path, as_csv(PLAIN), out=out).code == 0
    assert manifest(tmp_path, out)["name"] == name


def test_doubts_do_not_keep_a_list_from_being_imported(tmp_path: Path) -> None:
    ended = imported(tmp_path, as_csv([["Prompt", "Refs", "Seed"], *[["nobody", "hero.png", "1"]] * 2]))
    assert ended.code == 0
    assert places(ended) == ["B2 references.unmentioned", "A3 scenes.twins", "B3 references.unmentioned"]
    assert "the same request as scene s01 in A2" in ended.err


def test_a_file_without_an_end(tmp_path: Path) -> None:
    ended = in_process("import", "/dev/zero", "--out", str(tmp_path / "film.yaml"))
    assert (ended.code, "more than 67108864 bytes" in ended.err) == (3, True)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(tmp_path: Path, ends: str) -> None:
    content = ends.join(["Größe,Prompt,Refs", "960*960,character1,hero.png", ""])  # the header as macOS composes it
    assert imported(tmp_path, content.encode()).code == 0
    assert scenes(tmp_path)[0]["size"] == "960*960"


@given(st.binary(max_size=200) | st.text(st.sampled_from('Prompt,Refs;Shot\t"\r\n{}=-#1\ufeff\0'), max_size=200))
def test_any_content_ends_in_a_manifest_or_an_error(tmp_path: Path, content: bytes | str) -> None:
    found = content if isinstance(content, bytes) else content.encode()
    for name in ("shots.csv", "shots.xlsx"):
        ended = imported(tmp_path, b"PK\x03\x04" * (name == "shots.xlsx") + found, *TEXT_MODEL, "--force", name=name)
        assert ended.code in (0, 3), ended.err


def test_texts_that_would_steer_a_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2J\u202eevil"
    listed = [["Shot", "Prompt", "Refs", "Size", f"{evil}\nfilm.yaml: ok"], ["1", "character1", "hero.png", evil]]
    for content in (as_csv(listed), as_csv([[evil], ["a"]]), as_csv([["Prompt", "Refs"], ["a", evil]])):
        ended = imported(tmp_path, content)
        assert ended.code == 3
        assert "evil" in ended.err
        assert not {"\x1b", "\u202e"} & set(ended.err)
        assert "\nfilm.yaml" not in ended.err


def test_the_page_shows_what_is_said(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "shot-list.md").read_text(encoding="utf-8")
    header, _, *listed = [line.strip("|").split("|") for line in page.split("```")[2].strip().split("\n")[:4]]
    (tmp_path / "refs").mkdir()
    for name in ("hero.png", "dog.mp4"):
        shutil.copy(ROOT / "manifests" / "refs" / name, tmp_path / "refs")
    ended = imported(tmp_path, as_csv([[cell.strip() for cell in row] for row in (header, *listed)]))
    shown = ended.err.replace(str(tmp_path / "film.yaml"), "film.yaml").partition("\n\n")[0]
    assert f"```\n{shown}\n```" in page


@pytest.mark.parametrize("out", ["shots.csv/film.yaml", "x" * 300])
def test_a_place_that_cannot_be_written(tmp_path: Path, out: str) -> None:
    ended = imported(tmp_path, as_csv(PLAIN), out=out)
    assert ended.code == 2, ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hero.png", "shots.csv"]


def test_problems_go_from_one_process_to_another(tmp_path: Path) -> None:
    (tmp_path / "shots.csv").write_bytes(b"Shot,Prompt\n1,\n")
    with pytest.raises(InvalidShotList) as caught:
        import_shots(tmp_path / "shots.csv", out=tmp_path / "film.yaml", model="wan26_t2v")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (str(again), again.problems, again.used) == (str(caught.value), caught.value.problems, caught.value.used)


def test_results_of_other_scenes_are_read_as_they_are_exported(tmp_path: Path) -> None:
    write_image(tmp_path / "s01#first")
    rows = [
        ["s01", "character1 stands", "hero.png"],
        ["s02", "character1 and character2 go on", "s01#last\ns01#2.50"],
        ["s03", "character1, character2, character3", "s02#video; s01#first, hero.png"],
        ["s04", "character1", "s01#first"],
    ]
    ended = imported(tmp_path, as_csv([["Shot", "Prompt", "References"], *rows]))
    assert ended.code == 0, ended.err
    assert [scene["references"] for scene in scenes(tmp_path)] == [
        ["hero.png"],
        [{"scene": "s01", "frame": "last"}, {"scene": "s01", "frame": 2.5}],
        [{"scene": "s02"}, {"scene": "s01", "frame": "first"}, "hero.png"],
        ["s01#first"],
    ], "a file of that name goes before, where it has a line of its own"


def test_an_unknown_scene_is_told_with_its_cell(tmp_path: Path) -> None:
    rows = [["Shot", "Prompt", "References"], ["s01", "character1", "s02#last"]]
    ended = imported(tmp_path, as_csv(rows))
    assert places(ended) == ["C2 reference.scene"]
