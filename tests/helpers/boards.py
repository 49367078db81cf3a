"""Run directories to look at: every status, takes, changes and hostile texts, with real videos, without a run."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import av
from PIL import Image, ImageDraw

from batchgen.app.reporting import write_reports
from batchgen.engine import events as ev
from batchgen.engine.events import SceneFacts
from batchgen.journal.records import Stamp, encode
from batchgen.layout import JOURNAL, POSTERS, RESULTS
from batchgen.model import Asked, RequestFacts, TaskResult

PRICE = Decimal("0.50")
STARTED, SENT, ENDED = "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:06.000Z", "2026-01-02T03:05:36.500Z"
HOSTILE = (
    "</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>"
    "<!-- \u202egnp.exe\u2066 ]]> & \"quoted\" 'single' {{ 7 * 7 }} \x07 javascript:alert(1)"
)
"""Whatever somebody might write into a prompt, or a gateway into an error."""
_TINTS = ((38, 70, 83), (42, 157, 143), (138, 90, 60), (120, 60, 110), (60, 90, 150))


def write_film(path: Path, seconds: int = 2, rate: int = 12) -> Path:
    """A video that browsers play: a black beginning, then a bar that moves."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(seconds * rate):
            image = Image.new("RGB", (320, 180))
            if number:
                ImageDraw.Draw(image).rectangle((number * 8, 30, number * 8 + 60, 150), fill=(230, 160, 60))
            file.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        file.mux(stream.encode(None))
    return path


def asked(prompt: str, *, seed: int = 7, tier: str = "720P", references: Sequence[str] = ("hero.png",)) -> RequestFacts:
    """A request with such a prompt, and the hash that goes with what it asks for."""
    size = "1920*1080" if tier == "1080P" else "1280*720"
    files = [{"source": name, "sha256": sha256(name.encode()).hexdigest(), "mime": "image/png"} for name in references]
    document = {"model": "wan26_r2v", "input": {"prompt": prompt, "files": files}, "parameters": {"seed": seed}}
    known = sha256(repr(document).encode()).hexdigest()
    names = tuple(Path(name).stem for name in references)
    return RequestFacts(known, document, tier, names, Asked("wan26_r2v", prompt, size, 5, seed))


def scene(name: str, prompt: str, **how: object) -> SceneFacts:
    """A scene with such a prompt; ``shot``, ``take``, ``title`` and ``note`` as in `SceneFacts`."""
    request = asked(prompt, **{key: how.pop(key) for key in ("seed", "tier", "references") if key in how})  # type: ignore[arg-type]
    return SceneFacts(name, request, PRICE, **how)  # type: ignore[arg-type]


def sent(of: SceneFacts, attempt: int = 1, request: RequestFacts | None = None) -> list[ev.Event]:
    """A submission that made a task."""
    begun = ev.Submitting(SENT, of.scene_id, attempt, request or of.request, PRICE)
    return [begun, ev.Submitted(SENT, of.scene_id, attempt, f"task-{of.scene_id}-{attempt}")]


def delivered(
    of: SceneFacts, video: str, attempt: int = 1, request: RequestFacts | None = None, mismatch: str | None = None
) -> list[ev.Event]:
    """An attempt whose result is here; ``video`` is the hash of the file."""
    path = f"{RESULTS}/{of.scene_id}@{attempt}.mp4"
    done = ev.Completed(ENDED, of.scene_id, attempt, TaskResult("https://cdn.example/v.mp4", None, PRICE))
    return [*sent(of, attempt, request), done, ev.Downloaded(ENDED, of.scene_id, attempt, path, video, mismatch)]


def failed(of: SceneFacts, code: str, message: str, attempt: int = 1) -> list[ev.Event]:
    """An attempt whose task failed."""
    return [*sent(of, attempt), ev.Failed(ENDED, of.scene_id, attempt, code, message, None, None, again=False)]


def _painted(size: tuple[int, int], text: str, number: int) -> bytes:
    image = Image.new("RGB", size, _TINTS[number % len(_TINTS)])
    ImageDraw.Draw(image).text((12, 12), text, fill=(255, 255, 255))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=50)
    return buffer.getvalue()


class Board:
    """A run directory in the making."""

    def __init__(self, folder: Path, name: str = "garden", budget: str | None = "20.00") -> None:
        """Make its folders, and one video that all results are."""
        self.folder, self.name = folder, name
        self.padding, self.model = 0, "wan26_r2v"
        self.looks: Sequence[tuple[bytes, bytes]] = ()
        self.scenes: list[SceneFacts] = []
        self.events: list[ev.Event] = []
        self._budget = None if budget is None else Decimal(budget)
        (folder / RESULTS).mkdir(parents=True)
        (folder / POSTERS).mkdir()
        self._video = write_film(folder / "film.mp4")

    def add(self, of: SceneFacts, *events: ev.Event) -> None:
        """One more scene, and what happened to it."""
        self.scenes.append(of)
        self.events += events

    def kept(self, of: SceneFacts, attempt: int = 1, **how: object) -> list[ev.Event]:
        """An attempt whose video lies in results/ and whose pictures are there."""
        name = f"{of.scene_id}@{attempt}"
        (self.folder / RESULTS / f"{name}.mp4").hardlink_to(self._video)
        known = sha256(f"{self.folder.name}{name}".encode()).hexdigest()
        number = len(self.scenes)
        painted = _painted((320, 180), name, number), _painted((160, 270), "", number)
        still, strip = self.looks[number % len(self.looks)] if self.looks else painted
        self._put(known, still)
        self._put(f"{known}-frames", strip)
        return delivered(of, known, attempt, **how)  # type: ignore[arg-type]

    def reference(self, name: str) -> None:
        """A picture of a reference of that name."""
        self._put(sha256(name.encode()).hexdigest(), _painted((160, 120), Path(name).stem, len(name)))

    def _put(self, name: str, content: bytes) -> None:
        """What follows a picture in its file is no part of it."""
        (self.folder / POSTERS / f"{name}.webp").write_bytes(content.ljust(self.padding, b"\0"))

    def write(self) -> Path:
        """The journal and the reports; the page."""
        begun = ev.RunStarted(STARTED, "1", budget_usd=self._budget)
        read = ev.ManifestRead(STARTED, self.name, self.model, tuple(self.scenes))
        lines = [begun, read, *self.events, ev.RunEnded(ENDED, 1)]
        stamped = (encode(event, Stamp(self.folder.parent.name, number)) for number, event in enumerate(lines, 1))
        (self.folder / JOURNAL).write_bytes(b"".join(stamped))
        self._video.unlink(missing_ok=True)
        write_reports(self.folder)
        return self.folder / "report.html"


def every_status(folder: Path) -> Path:
    """A board of a few shots on which everything stands that a storyboard can show."""
    board = Board(folder)
    board.reference("hero.png")
    for number in (1, 2, 3):
        name, prompt = f"s01-t{number}", "character1 waves at the gate"
        take = scene(name, prompt, seed=number, shot="s01", take=number, title="Gate")
        board.add(take, *board.kept(take))
    for name, of in _single_scenes().items():
        board.add(of, *_happened(board, name, of))
    return board.write()


def _single_scenes() -> dict[str, SceneFacts]:
    references = ("hero.png", "dog.mp4")
    return {
        "changed": scene("s02", "character1 runs at dawn", title="The chase", note="Rain: wait for it"),
        "failed": scene("s03", "character1 sleeps", tier="1080P"),
        "unknown": scene("s04", "character1 laughs", references=references),
        "running": scene("s05", "character1 reads"),
        "pending": scene("s06", "character1 leaves"),
        "mismatch": scene("s07", "character1 returns"),
        "hostile": scene("s08", HOSTILE, title=HOSTILE, note=HOSTILE, references=(HOSTILE,)),
    }


def _happened(board: Board, name: str, of: SceneFacts) -> Iterator[ev.Event]:
    if name == "changed":
        before = asked("character1 runs at night")
        yield from board.kept(of, request=before)
        yield from board.kept(of, attempt=2)
    elif name == "failed":
        yield from failed(of, "001028095", "Internal generation error")
    elif name == "unknown":
        yield ev.Submitting(SENT, of.scene_id, 1, of.request, PRICE, request_id="q-4711")
        yield ev.OutcomeUnknown(SENT, of.scene_id, 1, "submit_unknown", "the connection broke")
    elif name == "running":
        yield from sent(of)
    elif name == "pending":
        yield ev.HeldBack(SENT, of.scene_id, "budget", "the budget of 20.00 USD does not allow it")
    elif name == "mismatch":
        yield from board.kept(of, mismatch="the video lasts 2.0 s, and 5 s were asked for")
    else:
        yield from failed(of, HOSTILE[:60], HOSTILE)


def many(folder: Path, count: int, bytes_each: int = 0, looks: Sequence[tuple[bytes, bytes]] = ()) -> Path:
    """A board of so many scenes, each with its own pictures: some in takes, a failure here and there.

    A still has at least ``bytes_each`` bytes, where what the videos show needs them. ``looks`` are stills and strips
    to be shown in turn; without any, they are painted.
    """
    board = Board(folder, budget=None)
    board.padding, board.looks = bytes_each, looks
    board.reference("hero.png")
    prompt = "character1 walks along the shore towards the lighthouse, the wind in the grass. " * 4
    for number in range(1, count + 1):
        shot, take = (f"s{number - (number - 1) % 3:04d}", (number - 1) % 3 + 1) if number % 12 < 3 else ("", None)
        name = f"s{number:04d}"
        of = scene(name, f"{prompt}{number}", seed=number, shot=shot or name, take=take)
        events = failed(of, "001028095", "Internal error") if number % 17 == 0 else board.kept(of)
        board.add(of, *events)
    return board.write()
