"""A tool that nobody here wrote tries the emulator's own description of itself."""

import subprocess
import sys
from pathlib import Path

from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.schemas import shipped

# Left out: that every body the schema describes is accepted (a schema cannot say that the content of
# a data URI has to decode as a picture; 400 is documented for that), and that a wrong key is refused
# (the emulator takes any).
NOT_CHECKED = "positive_data_acceptance,ignored_auth"


def test_the_description_is_honest(tmp_path: Path) -> None:
    with EmbeddedEmulator(Settings(latency=(0.0, 0.0), seed=1), shipped()) as emulator:
        ended = tried(emulator.base_url, tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "Tested: 7" in ended.stdout


def tried(base_url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{base_url}/openapi.json",
            "--header=Authorization: Bearer key",
            f"--exclude-checks={NOT_CHECKED}",
            # A preview takes the bodies of a submission.
            "--exclude-path=/model/v1/generation/precharge",
            "--max-examples=6",
            "--seed=1",
            "--no-color",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
