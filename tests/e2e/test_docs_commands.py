"""Every command that README and docs show is run, each page in a folder of its own, in the order of the page.

The recipes and the first film take longer: tests/campaigns/test_recipes.py and test_first_steps.py; docs/scale.md
is in test_shards.py there, the chain of docs/continuity.md in test_continuity.py, and docs/cluster.md needs Dask:
tests/campaigns/cluster/test_example.py.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from batchgen.cli.main import COMMANDS

from helpers.pages_commands import PAGES, Block, blocks, garden, run
from helpers.runs import Gateway

ELSEWHERE = frozenset({"cluster.md", "continuity.md", "scale.md", "recipes.md", "first-film.md", "index.md"})
UNDER_WAY = frozenset({"control", "emulator"})
"""Commands that need a run under way, or are one."""


def scripts() -> Iterator[tuple[str, list[Block]]]:
    """The blocks of each page, and the examples of the help."""
    for page in PAGES:
        if page.name not in ELSEWHERE:
            yield page.stem, blocks(page)
    examples = [entry.example for name, entry in COMMANDS.items() if name not in UNDER_WAY]
    # What init makes is another batch than the one whose runs the pages speak of.
    yield "help", [Block("--help", example) for example in examples if "runs/" not in example]
    yield "help on runs", [Block("--help", example) for example in examples if "runs/" in example]


def test_every_command_that_is_shown(tmp_path: Path, gateway: Gateway) -> None:
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    garden(prepared, gateway)
    count = 0
    for name, listed in scripts():
        folder = tmp_path / name
        if listed:
            left_out = shutil.ignore_patterns("runs") if name == "help" else None
            shutil.copytree(prepared, folder, ignore=left_out)
        for block in listed:
            run(block, folder, gateway)
            count += len(block.lines())
    assert count > 25, "the commands are found at all"
