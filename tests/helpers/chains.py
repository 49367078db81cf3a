"""Batches of scenes that are built on one another, and what the gateway's log and the frames say of them."""

import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageChops

from helpers.runs import Batch, Entry, Gateway, batch

_SENT = re.compile(r"sha256 ([0-9a-f]{64})\)")
LONG = {"duration": 3}
"""What a video that is a reference has to last at least."""


def last(name: str) -> Entry:
    return {"scene": name, "frame": "last"}


def film(folder: Path, gateway: Gateway, scenes: dict[str, list[Any]], **settings: Any) -> Batch:
    """A batch of scenes by what each refers to; the hero where that is nothing."""
    made = batch(folder, gateway, 0, pricing={"720P": "0.10", "reference_video": "0"}, **settings)
    for name, references in scenes.items():
        words = " ".join(f"character{number}" for number in range(1, max(len(references), 1) + 1))
        made.scenes[name] = {
            "prompt": f"{words} in {folder.name} {name}",
            "seed": 5,
            **({"references": references} if references else {}),
        }
    made.write()
    return made


def sent(gateway: Gateway, made: Batch, name: str) -> list[list[str]]:
    """For each submission of a scene, the hashes of the bytes that came as its references."""
    prompt = made.scenes[name]["prompt"]
    posts = [entry["request"]["input"] for entry in gateway.posts() if entry["request"]["input"]["prompt"] == prompt]
    return [[_SENT.findall(url)[0] for url in post["reference_urls"]] for post in posts]


def order(gateway: Gateway) -> list[str]:
    """The scenes of the submissions, in order."""
    return [prompt.rpartition(" ")[2] for prompt in gateway.prompts()]


def frames(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def image_of(made: Batch, digest: str) -> Image.Image:
    """The picture among the frames of the run directory that has this hash."""
    (content,) = (
        content
        for content in (path.read_bytes() for path in (made.run_dir / "frames").iterdir())
        if sha256(content).hexdigest() == digest
    )
    return Image.open(BytesIO(content))


def is_alike(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox() is None


def shown(frame: Any) -> Image.Image:
    """A frame as players show it: of this size, colours that are not named are those of BT.709."""
    image: Image.Image = frame.to_image(src_colorspace="itu709")
    return image


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def result(made: Batch, name: str, attempt: int = 1) -> Path:
    return made.run_dir / "results" / f"{name}@{attempt}.mp4"
