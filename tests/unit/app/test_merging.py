"""Which run directories are no part of one report."""

from pathlib import Path

import pytest

from batchgen.app.merging import merge_reports
from batchgen.errors import UsageError
from batchgen.layout import JOURNAL


def test_a_directory_in_which_no_run_has_begun_is_named(tmp_path: Path) -> None:
    """A job whose scenes are in no manifest leaves one."""
    (tmp_path / "part-3").mkdir()
    (tmp_path / "part-3" / JOURNAL).touch()
    with pytest.raises(UsageError, match="part-3 holds nothing: no run has begun there; leave it out"):
        merge_reports([tmp_path / "part-3"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
