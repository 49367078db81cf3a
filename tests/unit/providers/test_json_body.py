"""Bodies are written while they are sent."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchgen.contents import ReferenceChanged
from batchgen.providers.json_body import JsonBody
from batchgen.providers.vtrix.request_body import RequestFormat, as_sent

from unit.providers.conftest import MakeRequest

CHUNK = 3 * 64 * 1024
SIZES = [0, 1, 2, 3, 4, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 2]


def data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


@pytest.mark.parametrize("form", RequestFormat)
def test_the_body_is_the_json_that_it_stands_for(make_request: MakeRequest, form: RequestFormat) -> None:
    contents = [bytes([number % 251]) * size for number, size in enumerate(SIZES)]
    with JsonBody(as_sent(make_request(*contents, prompt='quotes " and ü \u0000').document, form)) as body:
        sent = b"".join(body)
    inner = {
        "input": {
            "prompt": 'quotes " and ü \u0000',
            "reference_urls": ["https://example.com/a.png", *map(data_uri, contents)],
        },
        "parameters": {"size": "1280*720", "duration": 5, "audio": True, "seed": 3},
    }
    expected = (
        {"model": "m", **inner} if form is RequestFormat.DOCUMENTED else {"model": "m", "input": [{"params": inner}]}
    )
    assert json.loads(sent) == expected
    assert body.length == len(sent)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.binary(max_size=300), prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_the_announced_length_is_what_is_sent(make_request: MakeRequest, content: bytes, prompt: str) -> None:
    with JsonBody(as_sent(make_request(content, prompt=prompt).document, RequestFormat.DOCUMENTED)) as body:
        sent = b"".join(body)
    assert len(sent) == body.length
    assert json.loads(sent)["input"]["prompt"] == prompt


@pytest.mark.parametrize("now", [b"", b"shorter", b"longer than it was when it was measured"])
def test_a_file_of_another_size_is_refused_before_anything_is_sent(
    make_request: MakeRequest, tmp_path: Path, now: bytes
) -> None:
    request = make_request(b"measured content")
    (tmp_path / "reference0").write_bytes(now)
    with (
        pytest.raises(ReferenceChanged, match="reference0 had 16 bytes"),
        JsonBody(as_sent(request.document, RequestFormat.DOCUMENTED)),
    ):
        pass


def test_a_file_that_is_gone_is_refused(make_request: MakeRequest, tmp_path: Path) -> None:
    request = make_request(b"one", b"two")
    (tmp_path / "reference1").unlink()
    with (
        pytest.raises(ReferenceChanged, match="cannot be read any more"),
        JsonBody(as_sent(request.document, RequestFormat.DOCUMENTED)),
    ):
        pass


@pytest.mark.parametrize("change", ["shorter", "longer", "other bytes"])
def test_a_file_that_changes_while_it_is_sent_never_becomes_a_whole_body(
    make_request: MakeRequest, tmp_path: Path, change: str
) -> None:
    request = make_request(b"a" * (4 * CHUNK))
    sent = bytearray()
    path = tmp_path / "reference0"
    with JsonBody(as_sent(request.document, RequestFormat.DOCUMENTED)) as body:
        pieces = iter(body)
        while len(sent) < CHUNK:
            sent += next(pieces)
        with path.open("r+b") as file:
            if change == "shorter":
                file.truncate(2 * CHUNK)
            elif change == "longer":
                file.seek(0, 2)
                file.write(b"b")
            else:
                file.seek(3 * CHUNK + 5)
                file.write(b"b")
        with pytest.raises(ReferenceChanged, match="reference0"):
            sent.extend(b"".join(pieces))
    assert len(sent) < body.length
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(sent)


MEMORY = """
import hashlib, resource, sys
from pathlib import Path
from batchgen.providers.json_body import JsonBody
from batchgen.providers.vtrix.request_body import RequestFormat, as_sent
from batchgen.model import Asked, Request
from batchgen.references import Content, Facts, Reference
path = Path(sys.argv[1])
with path.open("rb") as file:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
content = Content(digest, "video/mp4", Facts("video", "mp4", path.stat().st_size), path)
request = Request(Asked("m"), {"model": "m", "input": {"reference_urls": (Reference("v", content),) * 3}})
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with JsonBody(as_sent(request.document, RequestFormat.DOCUMENTED)) as body:
    sent = sum(len(piece) for piece in body)
assert sent == body.length > 400_000_000, sent
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle)
"""


def test_three_videos_of_100_mb_take_a_few_mb_of_memory(tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    with video.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    done = subprocess.run([sys.executable, "-P", "-c", MEMORY, str(video)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 32 * 1024
