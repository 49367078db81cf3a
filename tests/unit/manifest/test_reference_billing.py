"""The seconds of reference video that a request is billed for: the rule of the model, exact, never too few."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.manifest.reference_billing import ReferenceBilling
from batchgen.references import Content, Facts, Reference
from batchgen.scenes import Manifest
from batchgen.schemas import DEFAULT_MODEL, shipped

from helpers.support import checked, one_scene, write_image, write_video


def rule() -> ReferenceBilling:
    found = ReferenceBilling.from_description(shipped().for_model(DEFAULT_MODEL, "model.json"))
    assert found is not None
    return found


def clip(seconds: float) -> Reference:
    return Reference("a", Content("x", "video/mp4", Facts("video", "mp4", 9, 64, 64, seconds=seconds), None))


PICTURE = Reference("b", Content("y", "image/png", Facts("image", "png", 9, 400, 400), None))


@pytest.mark.parametrize(
    ("lengths", "billed"),
    [
        ([], "0"),
        ([3.0], "3"),
        ([4.25], "4.25"),
        ([5.0], "5"),
        ([30.0], "5"),
        ([3.0, 30.0], "5"),
        ([3.0, 3.0, 9.0], "4.95"),
        ([4.7], "4.7"),
        ([3.0000004], "3.000001"),
    ],
)
def test_seconds_count_up_to_what_the_model_says(lengths: list[float], billed: str) -> None:
    assert str(rule().seconds([clip(length) for length in lengths])) == billed


@given(st.integers(3_000_000, 5_000_000))
def test_a_measured_length_keeps_its_microseconds(microseconds: int) -> None:
    assert rule().seconds([clip(microseconds / 1_000_000)]) == Decimal(microseconds).scaleb(-6)


@pytest.mark.parametrize(
    ("url", "is_video"),
    [("https://a/b.mp4", True), ("https://a/b.MOV?x=1", True), ("https://a/b.png", False), ("https://a/mp4", False)],
)
def test_a_url_is_a_video_by_its_ending_and_counts_in_full(url: str, is_video: bool) -> None:  # noqa: FBT001 - expected
    videos = rule().videos([Reference(url), PICTURE])
    assert len(videos) == is_video
    assert rule().seconds(videos) == Decimal(5 if is_video else 0)


def test_a_model_without_such_a_rule_bills_none() -> None:
    assert ReferenceBilling.from_description({"name": "m"}) is None


def expanded(folder: Path, references: str, pricing: str) -> Manifest:
    found = checked(folder, one_scene("character1 character2", references) + f"pricing: {pricing}\n")
    assert found.manifest is not None, found.problems
    return found.manifest


def test_a_request_knows_its_reference_videos(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", seconds=3.5)
    write_image(tmp_path / "b.png")
    made = expanded(tmp_path, "[a.mp4, b.png]", '{1080P: 0.15, reference_video: "0.05"}')
    asked = made.scenes[0].request.asked
    assert (asked.reference_videos, asked.reference_seconds) == (1, Decimal("3.5"))
    assert (made.pricing, made.reference_price) == ({"1080P": Decimal("0.15")}, Decimal("0.05"))
    assert made.as_json()["pricing"] == {"1080P": "0.15"}
    assert made.as_json()["reference_video"] == "0.05"


@pytest.mark.parametrize(
    ("written", "price"), [("same", "same"), ('"0"', Decimal(0)), ("0", Decimal(0)), ("0.1", Decimal("0.1"))]
)
def test_the_price_of_reference_video(tmp_path: Path, written: str, price: object) -> None:
    urls = "[https://a/b.mp4, https://a/c]"
    assert expanded(tmp_path, urls, f"{{reference_video: {written}}}").reference_price == price
    assert expanded(tmp_path, urls, "{720P: 1}").reference_price is None
