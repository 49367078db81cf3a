"""What is planned of a manifest: what was chosen has to be there."""

from pathlib import Path

import pytest

from batchgen.app.loading import Loading, load
from batchgen.app.planning import plan
from batchgen.engine.steps import Choice
from batchgen.errors import UsageError

TEXT = """version: 1
name: film
defaults: {size: 960*960, duration: 3, references: [https://example.com/a.png]}
scenes:
  - {id: s01, prompt: character1 walks}
  - {id: s02, prompt: character1 runs, takes: 2}
"""


def chosen(folder: Path, **choice: tuple[str, ...]) -> list[str]:
    """The scenes that are planned."""
    path = folder / "film.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return [step.scene.scene_id for step in plan(load(Loading(path=path)), Choice(**choice)).steps]  # type: ignore[arg-type] # all are texts


@pytest.mark.parametrize(
    ("globs", "again", "said"),
    [
        (("s01",), ("s02",), "s02 is to be paid for once more, and is not among the scenes that are selected: s01"),
        (("s01",), ("s01", "s02-t*"), "s02-t[*] is to be paid for once more, and is not among"),
        ((), ("nobody",), "there is no scene nobody to be paid for once more"),
        (("nobody",), ("nobody",), "no scene matches nobody"),
    ],
)
def test_a_wish_for_what_is_not_selected_is_wrong_usage(
    tmp_path: Path, globs: tuple[str, ...], again: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(tmp_path, globs=globs, again=again)


def test_a_wish_may_be_for_one_of_those_that_match(tmp_path: Path) -> None:
    assert chosen(tmp_path, globs=("s02-t1",), again=("s*",)) == ["s02-t1"]
    assert chosen(tmp_path, globs=("s02",), again=("s02-t2",)) == ["s02-t1", "s02-t2"]
