"""A model that takes neither references nor sound, beside the default one."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest

from batchgen.app.model_import import import_model
from batchgen.emulator.models import Model
from batchgen.schemas import DEFAULT_MODEL, Catalogue

from helpers.support import write_video
from unit.emulator.client import Client, Start, data_uri, picture, request

SHIPPED = ["wan26_i2v", DEFAULT_MODEL, "wan26_t2v"]
HERE = Path(__file__).parents[2]


@pytest.fixture
def client(start: Start) -> Client:
    return start(catalogue=Catalogue(HERE.parent / "schemas", HERE / "examples" / "models"))


def sketch(**parameters: Any) -> dict[str, Any]:
    return {"model": "sketch", "input": {"prompt": "a boat"}, "parameters": parameters}


def test_each_model_has_its_own_schema_and_prices(client: Client) -> None:
    assert client.send("GET", "/").json()["models"] == ["sketch", *SHIPPED]
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
    assert len(body["anyOf"]) == 12


def test_one_picture_stands_alone(client: Client, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip").read_bytes()
    fields = {"prompt": "it runs", "img_url": data_uri(picture())}
    body = {"model": "wan26_i2v", "input": fields, "parameters": {"size": "960*960", "duration": 2}}
    assert client.bought(body)["usage"]["cost"] == "0.20"
    [entry] = [entry for entry in client.entries("request") if entry["method"] == "POST"]
    assert entry["request"]["input"]["img_url"].startswith("data:image/png;base64,(")
    for wrong in ("https://a/b.mp4", "nothing", ["https://a/b.png"], data_uri(clip, "video/mp4")):
        answer = client.create({**body, "input": {**fields, "img_url": wrong}})
        assert (answer.status, answer.code) == (400, "invalid_request")


def test_a_model_may_take_a_list_only_and_be_priced_by_what_it_likes(start: Start, tmp_path: Path) -> None:
    import_model(HERE / "examples" / "specifications" / "list.json", out=tmp_path / "models")
    emulator = start(catalogue=Catalogue(HERE.parent / "schemas", tmp_path / "models"))
    params = {"prompt": "it runs", "image": "https://a/b.png", "duration": "2"}
    body = {"model": "reel_v1_i2v", "input": [{"params": params}]}
    assert emulator.bought(body)["usage"]["cost"] == "0.20"
    dear = {**body, "input": [{"params": {**params, "resolution": "720p"}}]}
    assert emulator.bought(dear)["usage"]["cost"] == "0.30"
    assert emulator.create({**body, "input": params}).code == "invalid_request"
    assert emulator.create({**body, "input": [{"params": {**params, "steps": 11}}]}).code == "invalid_request"
    requests = [entry["request"] for entry in emulator.entries("request") if "request" in entry]
    assert requests[0] == params


def reel(folder: Path, *parameters: str) -> Model:
    """A model with these parameters, all of them texts without limits."""
    listed = [{"name": name, "type": "string"} for name in ("prompt", *parameters)]
    (folder / "spec.json").write_text(json.dumps({"model_id": "reel", "parameters": listed}))
    import_model(folder / "spec.json", out=folder / "models")
    return Model("reel", Catalogue(HERE.parent / "schemas", folder / "models"))


DURATIONS = {"7": 7, "5s": 5, "0": 5, "short": 5, None: 5, 6: 6}


@pytest.mark.parametrize(("said", "drawn"), DURATIONS.items())
def test_a_duration_that_is_none_in_seconds_is_one_all_the_same(tmp_path: Path, said: Any, drawn: int) -> None:
    assert reel(tmp_path, "duration").seconds({} if said is None else {"duration": said}) == drawn


SIZES = {"960*960": "960*960", "720x480": "720*480", "16:9": "1280*720", "721*480": "1280*720"}


@pytest.mark.parametrize(("said", "drawn"), SIZES.items())
def test_a_size_that_is_none_in_pixels_is_drawn_in_one_that_is(tmp_path: Path, said: str, drawn: str) -> None:
    model = reel(tmp_path, "size")
    assert (model.size({"size": said}), model.tier({"size": said})) == (drawn, "default")
