"""A client that is not ours: a public SDK of the gateway."""

from typing import Any

import pytest
from seaart_sdk import (  # type: ignore[import-untyped]  # the package has no py.typed
    Client,
    ClientConfig,
    SeaArtError,
    with_poll_callback,
    with_poll_interval,
)

from unit.emulator.client import Start, data_uri, picture, request


def body(form: str, prompt: str = "character1 waves") -> dict[str, Any]:
    documented = request(prompt, data_uri(picture()))
    if form == "documented":
        return documented
    params = {key: documented[key] for key in ("input", "parameters")}
    if form == "flat":
        params = {**params["input"], **params["parameters"]}
    given = {"model": documented["model"], "input": [{"params": params}]}
    return {**given, "metadata": {"trace_id": "t"}, "moderation": True} if form == "flat" else given


@pytest.fixture
def sdk(start: Start) -> Client:
    emulator = start(latency=(0.2, 0.2))
    return Client(ClientConfig(api_key="key", base_url=emulator.base_url, timeout=10))


FORMS = pytest.mark.parametrize("form", ["documented", "params", "flat"])


@FORMS
def test_the_sdk_gets_its_video(sdk: Client, form: str) -> None:
    created = sdk.modal.create(body(form))
    assert (created.status, created.error) == ("in_progress", None)
    task = created.wait(with_poll_interval(0.05))
    assert task.status == "completed"
    assert task.output[0].content[0].url.startswith("http://127.0.0.1:")
    assert task.usage.cost == "0.20"
    assert task.metadata.completed_at > task.metadata.in_queue_at > 0


@FORMS
def test_the_sdk_hears_of_a_failed_task(start: Start, form: str) -> None:
    emulator = start("fail-001028095-int")
    client = Client(ClientConfig(api_key="key", base_url=emulator.base_url, timeout=10))
    task = client.modal.create(body(form))
    with pytest.raises(SeaArtError, match="task failed: Internal generation error") as caught:
        client.modal.wait(task.id, with_poll_interval(0.05))
    assert caught.value.kind == "task_failed"


@FORMS
def test_the_sdk_hears_of_a_refusal(sdk: Client, form: str) -> None:
    wrong = body(form)
    wrong["model"] = "another"
    with pytest.raises(SeaArtError) as caught:
        sdk.modal.create(wrong)
    assert caught.value.status == 400


def test_the_sdk_needs_a_key(start: Start) -> None:
    client = Client(ClientConfig(api_key="", base_url=start().base_url, timeout=10))
    with pytest.raises(SeaArtError) as caught:
        client.modal.create(body("documented"))
    assert (caught.value.status, caught.value.kind) == (401, "auth")


def test_the_sdk_finds_the_models(sdk: Client) -> None:
    assert request()["model"] in [hit["name"] for hit in sdk.modal.search_models().hits]


def test_the_sdk_waits_in_the_queue(start: Start) -> None:
    emulator = start(in_queue=(0.3, 0.3))
    client = Client(ClientConfig(api_key="key", base_url=emulator.base_url, timeout=10))
    seen: list[str] = []
    task = client.modal.create(body("flat"))
    client.modal.wait(task.id, with_poll_interval(0.05), with_poll_callback(lambda status, _: seen.append(status)))
    assert (task.status, seen[0], seen[-1]) == ("in_queue", "in_queue", "completed")
    sent = emulator.entries("request")[0]
    assert (sent["flat"], sent["moderation"], sent["user_agent"][:10]) == (True, True, "sa-python/")
