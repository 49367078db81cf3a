"""The API key out of a file."""

from pathlib import Path

import pytest

from batchgen.cli.keys import from_file


@pytest.mark.parametrize("content", [b"key-1", b"key-1\n", b" key-1\r\n", b"\xef\xbb\xbfkey-1\r\n"])
def test_what_editors_add_to_a_key_is_no_part_of_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    assert from_file(path).header() == "Bearer key-1"
