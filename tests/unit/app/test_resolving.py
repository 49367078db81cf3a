"""Which submission is meant by a name that is settled."""

from dataclasses import replace
from pathlib import Path

import pytest

from batchgen.app.resolving import resolve
from batchgen.engine import events as ev
from batchgen.errors import UsageError
from batchgen.journal.journal import Journal

from helpers.engine_support import scene

AT = "2026-01-01T00:00:00.000Z"
TAKES = tuple(replace(scene(f"s1-t{n}", request=f"r{n}"), shot="s1", take=n) for n in (1, 2))


def test_a_shot_that_has_takes_is_answered_with_these(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(
            [ev.RunStarted(AT, "1"), ev.ManifestRead(AT, "film", "m", (*TAKES, replace(scene("s2"), shot="s2")))]
        )
    with pytest.raises(UsageError, match="s1 has takes; settle one of them: s1-t1, s1-t2"):
        resolve(tmp_path, "s1", not_created=True)
    for name in ("s2", "s9"):
        with pytest.raises(UsageError, match=f"never a submission of a scene '{name}'"):
            resolve(tmp_path, name, not_created=True)
