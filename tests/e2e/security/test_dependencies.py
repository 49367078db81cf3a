"""The judgement on what pip-audit says; that it is asked at all is up to CI."""

from typing import Any

import pytest

from campaigns.dependencies import judged

CLEAN: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": [], "fix_versions": ["2"]}]}
UNASKED: dict[str, Any] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("listed", "strict", "code", "said"),
    [
        ([CLEAN], True, 0, "1 distributions asked about, 0 advisories"),
        ([CLEAN, BAD], False, 1, "b 1: PYSEC-1, mended in 2"),
        ([CLEAN, UNASKED], False, 0, "NOT audited, the advisories could not be reached: c"),
        ([CLEAN, UNASKED], True, 2, "NOT audited"),
        ([BAD, UNASKED], True, 1, "NOT audited"),
        ([], False, 0, "NOT audited, the advisories could not be reached: all of them"),
        ([], True, 2, "NOT audited"),
    ],
)
def test_what_could_not_be_asked_about_never_passes_for_sound(
    capsys: pytest.CaptureFixture[str], listed: list[dict[str, Any]], code: int, said: str, *, strict: bool
) -> None:
    assert judged(listed, strict=strict) == code
    assert said in capsys.readouterr().out
