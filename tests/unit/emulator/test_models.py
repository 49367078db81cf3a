"""A model that takes neither references nor sound, beside the default one."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest

from batchgen.schemas import DEFAULT_MODEL, Catalogue

from unit.emulator.client import Client, Start, request

HERE = Path(__file__).parents[2]


@pytest.fixture
def client(start: Start) -> Client:
    return start(catalogue=Catalogue(HERE.parent / "schemas", HERE / "examples" / "models"))


def sketch(**parameters: Any) -> dict[str, Any]:
    return {"model": "sketch", "input": {"prompt": "a boat"}, "parameters": parameters}


def test_each_model_has_its_own_schema_and_prices(client: Client) -> None:
    assert client.send("GET", "/").json()["models"] == ["sketch", "wan26_i2v", DEFAULT_MODEL, "wan26_t2v"]
    assert client.bought(request())["usage"]["cost"] == "0.20"
    task = client.bought(sketch(size="128*64"))
    # The model has no duration: 5 seconds at what its first tier costs here.
    assert task["usage"]["cost"] == "0.50"
    video = client.send("GET", task["output"][0]["content"][0]["url"]).body
    with av.open(BytesIO(video)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, len(container.streams.audio)) == (128, 64, 0)


def test_what_a_model_does_not_take_is_refused(client: Client) -> None:
    for body in (sketch(duration=5), {**sketch(), "input": {"prompt": "a", "reference_urls": []}}, {"model": "sketch"}):
        answer = client.create(body)
        assert (answer.status, answer.code) == (400, "invalid_request")


def test_the_description_names_all_in_both_forms(client: Client) -> None:
    paths = client.send("GET", "/openapi.json").json()["paths"]
    body = paths["/model/v1/generation"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert len(body["anyOf"]) == 8
