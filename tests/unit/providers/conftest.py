"""Requests with real reference files."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from batchgen.model import Asked, Request
from batchgen.references import Content, Facts, Reference

MakeRequest = Callable[..., Request]


@pytest.fixture
def make_request(tmp_path: Path) -> MakeRequest:
    """A request whose local references are files with the given contents."""

    def make(*contents: bytes, prompt: str = "character1 waves") -> Request:
        references = [Reference("https://example.com/a.png")]
        for number, content in enumerate(contents):
            path = tmp_path / f"reference{number}"
            path.write_bytes(content)
            facts = Facts("image", "png", len(content), 400, 400)
            known = Content(hashlib.sha256(content).hexdigest(), "image/png", facts, path)
            references.append(Reference(path.name, known))
        parameters = {"size": "1280*720", "duration": 5, "audio": True, "seed": 3}
        fields = {"prompt": prompt, "reference_urls": tuple(references)}
        document = {"model": "m", "input": fields, "parameters": parameters}
        return Request(Asked("m", prompt, "1280*720", 5, 3), document)

    return make
