"""Makes the pages under docs/reference/ out of schemas and program; tests/unit/docs/test_reference.py holds them there.

python tests/helpers/update_reference.py
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

if __name__ == "__main__":  # pytest has put it on the path by itself
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.reference.columns import columns_page
from helpers.reference.commands import commands_page
from helpers.reference.error_codes import error_codes_page
from helpers.reference.manifest import manifest_page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "manifest.md": manifest_page,
    "commands.md": commands_page,
    "columns.md": columns_page,
    "error-codes.md": error_codes_page,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made(), encoding="utf-8")
