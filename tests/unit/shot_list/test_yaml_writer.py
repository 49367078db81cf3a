"""What is written reads back as it was, by this and by another reader of YAML."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batchgen.manifest.yaml_reader import read
from batchgen.model import Data
from batchgen.shot_list.yaml_writer import manifest_text

TRAPS = [
    *("16:9", "no", "010", "=", "- a", "-", "#", "a # b", "a: b", "a:", "{x}", "[x]", "*a", "&a", "!a", "%a", "@a"),
    *(
        "`a`",
        "'",
        '"',
        "~",
        "null",
        "1e3",
        "0o7",
        "1_000",
        ".5",
        "<<",
        "? a",
        "| a",
        "> a",
        "y",
        "n",
        "Yes",
        "2026-01-01",
    ),
    *("a\nb", "a\n\n b", "  a\n", "a\n", "\na", "a \n b", "a\tb\nc", "\u2028", "a\u0085b", "a\r\nb", "\ufeff", "\x07"),
    *(
        "\u3000全角",
        "👩\u200d👧",
        "\U000e0001",
        "\\n",
        "\\",
        "---",
        "...",
        "a\n---\nb",
        "a\n# b",
        "1280*720",
        "refs/a.png",
    ),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(TRAPS)


def both(text: str) -> list[object]:
    return [read(text.encode()).data, yaml.safe_load(text)]


@pytest.mark.parametrize("text", TRAPS)
def test_no_text_is_taken_for_anything_else(text: str) -> None:
    scene: dict[str, Data] = {"id": text, "prompt": text, "references": [text, "a"], "duration": 5, "watermark": False}
    written = manifest_text("Made.", {"version": 1, "name": text}, [scene, scene], {text: "row 2"})
    expected = {"version": 1, "name": text, "scenes": [scene, scene]}
    assert both(written) == [expected, expected]


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_any_texts_read_back(texts: list[str]) -> None:
    scenes: list[dict[str, Data]] = [{"id": "a", "prompt": text, "references": list(texts)} for text in texts]
    expected = {"version": 1, "scenes": scenes}
    assert both(manifest_text("Made.", {"version": 1}, scenes, {})) == [expected, expected]


def test_a_manifest_reads_well() -> None:
    scene: dict[str, Data] = {
        "id": "Shot-1A",
        "prompt": "one: #2\nand a tail  \n\n  of three",
        "references": ["refs/a.png", "b c.png"],
    }
    written = manifest_text("Made of shots.csv.", {"version": 1, "name": "film"}, [scene], {"Shot-1A": "row 2"})
    assert written.splitlines() == [
        "# Made of shots.csv.",
        "version: 1",
        "name: film",
        "scenes:",
        "  - id: Shot-1A   # row 2",
        "    prompt: |-",
        "      one: #2",
        "      and a tail  ",
        "",
        "        of three",
        '    references: [refs/a.png, "b c.png"]',
    ]
