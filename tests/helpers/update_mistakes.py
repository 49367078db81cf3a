"""Writes down what ``batchgen validate`` says of each mistake; tests/unit/manifest/test_mistakes.py compares.

python tests/helpers/update_mistakes.py
"""

import subprocess
import sys
from pathlib import Path

MISTAKES = Path(__file__).resolve().parents[1] / "examples" / "mistakes"


def manifests() -> list[Path]:
    """A manifest for each mistake."""
    return sorted(MISTAKES.glob("*.yaml"))


if __name__ == "__main__":
    for manifest in manifests():
        command = [sys.executable, "-P", "-m", "batchgen", "validate", manifest.name]
        done = subprocess.run(command, cwd=MISTAKES, capture_output=True, encoding="utf-8", check=False)
        manifest.with_suffix(".txt").write_text(done.stderr, encoding="utf-8")
