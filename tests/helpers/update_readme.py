"""Puts the program's own --help into the README; tests/e2e/test_readme.py holds it there.

python tests/helpers/update_readme.py
"""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"```\n\$ batchgen --help\n.*?```", re.DOTALL)


def shown_help() -> str:
    """The block that stands in the README for ``batchgen --help`` on a terminal of 80 columns."""
    command = [sys.executable, "-P", "-m", "batchgen", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "80"})
    return f"```\n$ batchgen --help\n{done.stdout.strip()}\n```"


if __name__ == "__main__":
    README.write_text(BLOCK.sub(lambda _: shown_help(), README.read_text(encoding="utf-8")), encoding="utf-8")
