"""The videos themselves, measured with PyAV."""

import time
from io import BytesIO
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from batchgen.emulator.video.drawing import VideoSpec, draw_frame, draw_shot
from batchgen.emulator.video.renderer import RenderingStoppedError, RenderInput, render
from batchgen.schemas import DEFAULT_MODEL, shipped

TIERS = shipped().for_model(DEFAULT_MODEL, "model.json")["tiers"]
SIZES = [size for tier in TIERS.values() for size in tier["enum"]]
A_FRAME = 1 / 6


def spec(**changes: Any) -> VideoSpec:
    given: dict[str, Any] = {
        "width": 1280,
        "height": 720,
        "seconds": 2,
        "seed": 7,
        "prompt": "character1 waves",
        "shots": 1,
        "sound": False,
        "watermark": False,
        "reference": "",
        "picture": None,
    }
    return VideoSpec(**{**given, **changes})


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart, from 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean) / 3


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_every_documented_size(size: str, *, sound: bool) -> None:
    width, height = map(int, size.split("*"))
    video = render(RenderInput(spec(width=width, height=height, sound=sound)))
    with av.open(BytesIO(video), "r") as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (width, height)
        assert [audio.codec_context.name for audio in container.streams.audio] == (["aac"] if sound else [])
        assert (container.duration or 0) / 1_000_000 == pytest.approx(2, abs=A_FRAME)
        frames = [decoded.to_image() for decoded in container.decode(video=0)]  # type: ignore[no-untyped-call]
    assert len(frames) == 12
    assert difference(frames[0], frames[-1]) > 0.2


def test_sound_can_be_heard_to_the_end() -> None:
    with av.open(BytesIO(render(RenderInput(spec(sound=True, seconds=3)))), "r") as container:
        samples = sum(block.samples for block in container.decode(audio=0))
        assert samples / container.streams.audio[0].rate == pytest.approx(3, abs=A_FRAME)


def test_the_same_is_the_same_and_anything_else_is_not() -> None:
    first = render(RenderInput(spec()))
    assert render(RenderInput(spec())) == first
    for change in ({"seed": 8}, {"prompt": "character1 sits"}, {"watermark": True}, {"shots": 2}):
        assert render(RenderInput(spec(**change))) != first


def test_keys_tell_videos_apart() -> None:
    inputs = [
        RenderInput(spec()),
        RenderInput(spec(seed=8)),
        RenderInput(spec(seconds=3)),
        RenderInput(spec(), "another reference"),
    ]
    assert len({render_input.key for render_input in inputs}) == len(inputs)
    assert RenderInput(spec()).key == RenderInput(spec()).key


def test_seeds_can_be_told_apart_at_a_glance() -> None:
    shots = [draw_shot(spec(seed=seed), 0) for seed in range(4)]
    for number, one in enumerate(shots):
        for other in shots[number + 1 :]:
            assert difference(one, other) > 12


def test_the_reference_is_in_the_picture() -> None:
    blue = spec(picture=Image.new("RGB", (300, 200), "blue"))
    red = spec(picture=Image.new("RGB", (300, 200), "red"))
    assert difference(draw_shot(blue, 0), draw_shot(red, 0)) > 12
    named = spec(reference="https://example.com/a.png")
    assert difference(draw_shot(named, 0), draw_shot(spec(), 0)) > 2


def test_shots_have_backgrounds_of_their_own() -> None:
    many = spec(shots=3)
    assert difference(draw_shot(many, 0), draw_shot(many, 1)) > 12


def test_the_watermark_is_in_the_lower_right_corner() -> None:
    plain, marked = draw_shot(spec(), 0), draw_shot(spec(watermark=True), 0)
    box = ImageChops.difference(plain, marked).getbbox()
    assert box is not None
    assert box[0] > 1280 / 2
    assert box[1] > 720 * 0.85


@pytest.mark.parametrize("prompt", ["word " * 300, "x" * 1500, "世" * 1500, "", "\ud800 \x00 \n\n end", "a\u202eb"])
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    for width, height in ((1280, 720), (832, 1088), (64, 64)):
        image = draw_shot(spec(width=width, height=height, prompt=prompt, reference="r" * 5000), 0)
        assert draw_frame(image, spec(width=width, height=height), 1.0).size == (width, height)


def test_rendering_stops_when_it_is_not_wanted() -> None:
    with pytest.raises(RenderingStoppedError):
        render(RenderInput(spec()), lambda: True)


def test_five_seconds_take_about_one_second_of_one_core() -> None:
    picture = Image.new("RGB", (720, 720), "red")
    begun = time.thread_time()
    render(RenderInput(spec(seconds=5, sound=True, picture=picture)))
    # Three times the aim, since a shared machine measures what it likes.
    assert time.thread_time() - begun < 3
