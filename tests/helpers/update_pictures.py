"""Makes docs/images: the storyboard as a Chromium shows it, of runs against an emulator with its real videos.

python tests/helpers/update_pictures.py
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image
from playwright.sync_api import sync_playwright

if __name__ == "__main__":  # pytest has put it on the path by itself
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.boards import many
from helpers.runs import KEY, emulator
from helpers.support import batchgen

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
_MOST_BYTES = 200_000
_FAULTS = ({"match": "Dark clouds", "fault": "fail-001028095"}, {"match": "against the wind", "fault": "lost-response"})
_EDIT = ("opens the shutters", "throws the shutters open")
_DECODED = "Promise.all([...document.images].map((one) => (one.loading = 'eager', one.decode())))"
_DESK, _PHONE = {"width": 1280, "height": 1160}, {"width": 390, "height": 844}


def _run(manifest: Path, *options: str) -> None:
    ended = batchgen("run", manifest, "--yes", "--no-progress", "--poll-interval=0.2", *options, BATCHGEN_API_KEY=KEY)
    assert ended.code in (0, 1), ended.err


def _film(folder: Path) -> Path:
    """The run directory of a short film: two scenes that went wrong, one that was edited, a take that was picked."""
    manifest, run_dir = folder / "storyboard.yaml", folder / "runs" / "lighthouse"
    with emulator(folder, rules=_FAULTS) as gateway:
        _run(manifest, f"--base-url={gateway.base_url}")
        manifest.write_text(manifest.read_text(encoding="utf-8").replace(*_EDIT), encoding="utf-8")
        _run(manifest, f"--base-url={gateway.base_url}")
    assert batchgen("pick", run_dir, "s03-breakfast-t2").code == 0
    return run_dir


def _one(folder: Path) -> Path:
    """The run directory of a rehearsal of one scene."""
    manifest = folder / "quickstart.yaml"
    first, _, _ = manifest.read_text(encoding="utf-8").partition("  - id: s02")
    manifest.write_text(first, encoding="utf-8")
    _run(manifest, "--emulator")
    return folder / "runs" / "quickstart-rehearsal"


def _looks(run_dir: Path) -> Iterator[tuple[bytes, bytes]]:
    """The pictures of its results: a still and further frames each."""
    for strip in sorted((run_dir / "posters").glob("*-frames.webp")):
        yield strip.with_name(strip.name.replace("-frames", "")).read_bytes(), strip.read_bytes()


def _seen(chromium: Any, page: Path, **how: Any) -> Image.Image:
    context = chromium.new_context(**{"viewport": _DESK, **how})
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.evaluate(_DECODED)
    image = Image.open(BytesIO(tab.screenshot()))
    context.close()
    return image


def _printed(chromium: Any, page: Path) -> Image.Image:
    """Its first sheet."""
    tab = chromium.new_page()
    tab.goto(page.as_uri())
    tab.emulate_media(media="print")
    tab.evaluate(_DECODED)
    printed = tab.pdf(
        format="A4", print_background=True, margin=dict.fromkeys(("top", "bottom", "left", "right"), "10mm")
    )
    image: Image.Image = pypdfium2.PdfDocument(printed)[0].render(scale=1.5).to_pil()
    tab.close()
    return image


def _save(name: str, image: Image.Image) -> None:
    path = IMAGES / f"{name}.webp"
    image.convert("RGB").save(path, quality=82, method=6)
    assert path.stat().st_size <= _MOST_BYTES, f"{path} is too large"


def main() -> None:
    """Make all of them."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as started:
        folder = Path(place) / "film"
        shutil.copytree(ROOT / "manifests", folder)
        film = _film(folder)
        large = many(Path(place) / "large", 300, looks=list(_looks(film)))
        page = film / "report.html"
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        IMAGES.mkdir(exist_ok=True)
        _save("storyboard", _seen(chromium, page))
        _save("storyboard-dark", _seen(chromium, page, color_scheme="dark"))
        _save("storyboard-phone", _seen(chromium, page, viewport=_PHONE, device_scale_factor=2))
        _save("storyboard-print", _printed(chromium, page))
        _save("storyboard-300", _seen(chromium, large))
        _save("storyboard-one", _seen(chromium, _one(folder) / "report.html", viewport={"width": 1280, "height": 720}))
        chromium.close()


if __name__ == "__main__":
    main()
