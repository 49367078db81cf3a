"""Runs the tests of runs as they stand, with a cluster that each run is told of: ``python tests/campaigns/cluster``."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.clusters import cluster  # noqa: E402 - found by the line above

ACCEPTANCE = tuple(
    f"tests/e2e/test_{name}.py"
    for name in ("kept_results", "money", "paid_once", "run_real_media", "run_resume", "run_scenes")
)
"""Runs that buy, break off, go on, and account for it."""


def main(arguments: list[str]) -> int:
    """Run them; the exit code of pytest."""
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "cluster") as made:
        environment = {**os.environ, "BATCHGEN_EXECUTOR": made.executor}
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *(arguments or ACCEPTANCE)]
        ended = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        print(f"{made.executed()} pieces of work were done by the cluster")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
