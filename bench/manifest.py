"""A manifest of 10,000 scenes: validating it, beside only loading it with PyYAML's C loader.

Both are measured in processes of their own that do nothing else, several times in turn; the
smallest time of each counts.
"""

import random
import tempfile
from pathlib import Path

from bench.processes import command, measured

SCENES = 10_000
ROUNDS = 5

_LOAD = """
import yaml
text = open(sys.argv[1], encoding="utf-8").read()
start = time.process_time()
yaml.load(text, yaml.CSafeLoader)
"""
_VALIDATE = """
from pathlib import Path
from batchgen.manifest.load import load_manifest
from batchgen.providers.registry import request_form
from batchgen.schemas import shipped
start = time.process_time()
checked = load_manifest(Path(sys.argv[1]), shipped(), request_form)
assert len(checked.manifest.scenes) == {scenes} and not checked.problems
"""


def _write(path: Path, scenes: int = SCENES) -> None:
    """A manifest in which every scene has its own prompt and seed, and most settings are shared."""
    words = ["walks", "sings", "waits", "over", "under", "before", "the", "old", "quiet", "garden", "lake", "sky"]
    chance = random.Random(1)  # noqa: S311 - any text will do, as long as it is always the same
    lines = ["version: 1", "name: bench", "defaults: {size: 1280*720}", "scenes:"]
    for number in range(scenes):
        prompt = " ".join(["character1 and character2", *chance.choices(words, k=20)])
        lines += [
            f"  - id: s{number:05d}",
            f"    prompt: {prompt}",
            f"    references: [https://example.com/{number % 50}.png, https://example.com/{number % 7}.mp4]",
            f"    seed: {chance.randrange(2**31)}",
            f"    duration: {chance.choice([5, 10])}",
            f"    shot_type: {chance.choice(['single', 'multi'])}",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run() -> None:
    """Print time and memory of both, and the ratio of the times; then the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "bench.yaml", Path(folder) / "small.yaml"
        _write(path)
        _write(small, 1)
        size = path.stat().st_size / 1e6
        rounds = [(measured(_LOAD, path), measured(_VALIDATE.format(scenes=SCENES), path)) for _ in range(ROUNDS)]
        whole, start = (min(command("validate", str(each)) for _ in range(ROUNDS)) for each in (path, small))
    load = min(loaded[0] for loaded, _ in rounds)
    validate = min(validated[0] for _, validated in rounds)
    print(f"{SCENES} scenes, {size:.1f} MB, CPU, best of {ROUNDS}")
    print(f"yaml.load(CSafeLoader)  {load:6.2f} s  {max(loaded[1] for loaded, _ in rounds):5.0f} MB")
    print(f"batchgen validate       {validate:6.2f} s  {max(validated[1] for _, validated in rounds):5.0f} MB")
    print(f"ratio                   {validate / load:6.2f}     (aim: at most 2, and at most 300 MB)")
    print(f"the whole command       {whole:6.2f} s")
    print(f"of that start-up        {start:6.2f} s         (one scene)")
