"""Scene settings become the document that a provider takes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from batchgen.model import Asked, Request, SceneSettings
from batchgen.providers.registry import asked_before, request_form
from batchgen.providers.request_form import in_sections
from batchgen.providers.vtrix.provider import VTRIX
from batchgen.providers.vtrix.request_body import RequestFormat, as_sent
from batchgen.references import Reference
from batchgen.schemas import DEFAULT_MODEL, shipped

REFERENCES = (Reference("https://example.com/a.png"),)
DESCRIPTION = {"fields": {"references": "images", "prompt": "text", "size": "resolution"}}
OTHER: dict[str, Any] = {
    "properties": {
        "model": {"const": "other"},
        "content": {"required": ["text"], "properties": {"text": {"maxLength": 9}, "images": {}}},
        "config": {"properties": {"resolution": {"default": "64*64"}, "seed": {}}},
    }
}


def test_a_request_may_be_laid_out_otherwise() -> None:
    form = in_sections(DESCRIPTION, OTHER)
    assert dict(form.settings) == {
        "prompt": {"maxLength": 9}, "references": {}, "size": {"default": "64*64"}, "seed": {},
    }  # fmt: skip
    assert form.required == ("prompt",)
    wanted = SceneSettings("other", "a cat", REFERENCES, {"size": "64*64", "unheard": 1})
    assert form.document(wanted) == {
        "model": "other",
        "content": {"text": "a cat", "images": REFERENCES},
        "config": {"resolution": "64*64"},
    }


IN_A_LIST: dict[str, Any] = {
    "properties": {
        "model": {"const": "other"},
        "input": {
            "type": "array",
            "items": {
                "required": ["params"],
                "properties": {
                    "params": {
                        "required": ["prompt", "image"],
                        "properties": {
                            "prompt": {},
                            "image": {"type": "string"},
                            "camera": {"required": ["kind"], "properties": {"kind": {}, "mode": {}}},
                            "mode": {},
                        },
                    }
                },
            },
        },
    }
}
RENAMED = {"fields": {"references": "image", "camera_mode": "input[0].params.camera.mode"}}


def test_a_request_may_be_a_list_with_an_object_in_an_object() -> None:
    form = in_sections(RENAMED, IN_A_LIST)
    assert list(form.settings) == ["prompt", "references", "kind", "camera_mode", "mode"]
    assert form.required == ("prompt", "references"), "what stands in an object that may be left out may be, too"
    wanted = SceneSettings("other", "a cat", REFERENCES, {"mode": "x"})
    params = {"prompt": "a cat", "image": REFERENCES[0], "mode": "x"}
    assert form.document(wanted) == {"model": "other", "input": [{"params": params}]}
    nested = SceneSettings("other", "a cat", (), {"camera_mode": "y"})
    assert form.document(nested) == {
        "model": "other",
        "input": [{"params": {"prompt": "a cat", "camera": {"mode": "y"}}}],
    }


SENT = [
    ({"model": "m", "input": {"p": 1}, "parameters": {}}, [{"params": {"input": {"p": 1}, "parameters": {}}}]),
    ({"model": "m", "input": {"p": 1}}, [{"params": {"input": {"p": 1}}}]),
    ({"model": "m", "input": [{"params": {"p": 1}}]}, [{"params": {"p": 1}}]),
]


@pytest.mark.parametrize(("document", "inside"), SENT)
def test_each_request_has_a_form_as_a_list(document: dict[str, Any], inside: list[Any]) -> None:
    assert as_sent(document, RequestFormat.DOCUMENTED) == document
    assert as_sent(document, RequestFormat.PARAMS) == {"model": "m", "input": inside}


def settings(**others: Any) -> SceneSettings:
    return SceneSettings(DEFAULT_MODEL, "character1 waves", REFERENCES, others)


def test_the_hash_of_a_request_is_what_it_always_was() -> None:
    wanted = settings(size="1280*720", duration=5, seed=7)
    request = Request(wanted.asked(), request_form(shipped(), DEFAULT_MODEL).document(wanted))
    assert request.as_json() == {
        "model": DEFAULT_MODEL,
        "input": {
            "prompt": "character1 waves",
            "reference_urls": [{"source": "https://example.com/a.png", "url": "https://example.com/a.png"}],
        },
        "parameters": {"size": "1280*720", "duration": 5, "seed": 7},
    }
    assert request.sha256 == "7eb4374a45ed66eb4b89dfc3129750e4fa61d8c7a2362ad3f2d51645f3bc6cfd"


@pytest.mark.parametrize(
    "others", [{"size": "1280*720", "duration": 5, "seed": 7}, {"size": "960*960", "duration": 2}, {}]
)
def test_what_was_asked_for_is_read_back_from_a_document_that_was_stored(others: Mapping[str, Any]) -> None:
    wanted = settings(**others)
    stored = Request(wanted.asked(), request_form(shipped(), DEFAULT_MODEL).document(wanted)).as_json()
    assert asked_before(stored) == wanted.asked()


@pytest.mark.parametrize(("said", "known"), [(5, 5), (True, None), (None, None), ("x", None), ([], None)])
def test_fields_of_a_stored_document_that_make_no_sense_are_not_known(said: object, known: int | None) -> None:
    stored = {"model": "m", "input": {"prompt": "p"}, "parameters": {"size": "s", "duration": said, "seed": said}}
    assert asked_before(stored) == Asked("m", "p", "s", known, known, 0, Decimal(0))


@pytest.mark.parametrize(
    ("references", "videos"),
    [
        ([{"source": "a.png", "sha256": "x", "mime": "image/png"}], 0),
        (
            [
                {"source": "a.mp4", "sha256": "x", "mime": "video/mp4"},
                {"source": "b", "sha256": "y", "mime": "video/quicktime"},
            ],
            2,
        ),
        ([{"source": "https://a/b.mp4", "url": "https://a/b.mp4"}], None),
        (["https://a/b.mp4"], None),
        ("odd", None),
    ],
)
def test_reference_videos_of_a_stored_document_are_counted_where_their_kind_stands_there(
    references: object, videos: int | None
) -> None:
    stored = {"model": "m", "input": {"prompt": "p", "reference_urls": references}, "parameters": {}}
    asked = asked_before(stored)
    assert (asked.reference_videos, asked.reference_seconds) == (videos, None if videos != 0 else 0)


@pytest.mark.parametrize("stored", [{}, {"input": {}}, {"parameters": {}}, {"input": "x", "parameters": {}}])
def test_what_is_no_request_is_refused(stored: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="a request lacks its input or its parameters"):
        asked_before(stored)


def test_a_model_described_with_a_list_is_asked_in_one_form() -> None:
    plain, listed = {"model": "m", "input": {}}, {"model": "m", "input": [{"params": {}}]}
    assert VTRIX.formats_for("auto", [plain]) == VTRIX.formats_for("auto") == ("documented", "params")
    assert VTRIX.formats_for("auto", [listed]) == ("documented",), "the other one is the same request once more"
    assert VTRIX.formats_left_out("params", [plain]) == ("documented",)
    assert [VTRIX.formats_left_out(wanted, [listed]) for wanted in ("auto", "params")] == [(), ()]
