"""Media files are known by their content, whatever their names say, and a bad one is only an error."""

import base64
import hashlib
import os
import struct
import sys
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from batchgen.manifest.load import LoadedManifest
from batchgen.media.probe import UnusableMedia, mime_type, probe
from batchgen.media.samples import FIGURES, clip
from batchgen.references import Facts

from helpers.support import (
    checked,
    findings,
    modes_hold,
    one_scene,
    started,
    unprivileged,
    write_image,
    write_sound,
    write_video,
)

BY_CONTENT = [
    ("JPEG", ".png", "jpeg", "image/jpeg"),
    ("PNG", ".mp4", "png", "image/png"),
    ("WEBP", "", "webp", "image/webp"),
    ("BMP", ".jpg", "bmp", "image/bmp"),
    ("GIF", ".txt", "gif", "image/gif"),
]


def measured(path: Path) -> Facts:
    with path.open("rb") as file:
        return probe(file)


def said_of(path: Path) -> str:
    """What is said of a file that cannot be measured."""
    with path.open("rb") as file, pytest.raises(UnusableMedia) as caught:
        probe(file)
    return str(caught.value)


def with_reference(folder: Path, source: str) -> LoadedManifest:
    return checked(folder, one_scene(references=f"[{source!r}]"))


def message(folder: Path, source: str) -> str:
    """The one message about a reference that cannot be used."""
    [problem] = with_reference(folder, source).problems
    assert (problem.rule, problem.place.line) == ("reference.unusable", 6)
    return problem.message


class _Unreadable(BytesIO):
    """A file that our own code handles wrongly."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise TypeError(f"a bug, after {size} bytes")


def test_a_bug_is_never_said_of_the_file() -> None:
    with pytest.raises(TypeError, match="a bug"):
        probe(_Unreadable(b"x" * 100))


def test_a_title_that_is_not_utf_8(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", title="x" * 20)
    content = path.read_bytes()
    assert content.count(b"x" * 20) == 1
    path.write_bytes(content.replace(b"x" * 20, "Ü".encode("latin-1") * 20))
    assert measured(path).seconds == 4


def test_a_part_that_claims_to_be_longer_than_its_file_is_not_made_room_for(tmp_path: Path) -> None:
    content = write_sound(tmp_path / "a.wav").read_bytes()
    assert measured(tmp_path / "a.wav").kind == "audio"
    (tmp_path / "b.wav").write_bytes(content + b"LIST" + (2**31).to_bytes(4, "little") + b"INFOISFT" + b"y" * 20)
    assert said_of(tmp_path / "b.wav") == "has a part that claims to be longer than the file"


@pytest.mark.parametrize(("form", "ending", "found", "mime"), BY_CONTENT)
def test_images_whatever_their_names(tmp_path: Path, form: str, ending: str, found: str, mime: str) -> None:
    facts = measured(write_image(tmp_path / f"a{ending}", form, (400, 300)))
    assert (facts.kind, facts.format, facts.width, facts.height) == ("image", found, 400, 300)
    assert mime_type(facts) == mime


@pytest.mark.parametrize(
    ("container", "found", "mime"), [("mp4", "mp4", "video/mp4"), ("mov", "mov", "video/quicktime")]
)
def test_videos_whatever_their_names(tmp_path: Path, container: str, found: str, mime: str) -> None:
    facts = measured(write_video(tmp_path / "a.jpg", container, 3.5))
    assert facts == Facts("video", found, (tmp_path / "a.jpg").stat().st_size, 64, 64, seconds=3.5)
    assert mime_type(facts) == mime


@pytest.mark.parametrize(("container", "mime"), [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("flac", "audio/flac")])
def test_sounds_whatever_their_names(tmp_path: Path, container: str, mime: str) -> None:
    facts = measured(write_sound(tmp_path / "a.mp4", container, 3.5))
    assert (facts.kind, facts.format, facts.seconds) == ("audio", container, 3.5)
    assert mime_type(facts) == mime


def test_a_text_called_a_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("this is a text\n" * 100)
    assert message(tmp_path, "a.mp4") == '"a.mp4" is neither an image nor a video nor a sound, whatever its name says'


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert message(tmp_path, "a.png") == '"a.png" is empty'


def test_a_folder(tmp_path: Path) -> None:
    assert message(tmp_path, ".") == '"." is a folder, not a file'


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert message(tmp_path, "a.png") == '"a.png" is not a regular file'


def test_a_missing_file_and_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "hero.png").touch()
    assert message(tmp_path, "heroo.png").endswith("does not exist; did you mean hero.png?")
    assert message(tmp_path, "nothing-like-it").endswith("does not exist")
    assert message(tmp_path, "refs/hero.png").endswith("does not exist; there is no folder refs")


@pytest.mark.parametrize("source", ["hero.png/x", "a" * 300, "a\x00b", "/proc/self/mem", "loop"])
def test_a_name_that_cannot_be_opened(tmp_path: Path, source: str) -> None:
    (tmp_path / "hero.png").touch()
    (tmp_path / "loop").symlink_to("loop")
    text = one_scene(references=f'["{source}"]'.replace("\x00", "\\0"))
    [problem] = checked(tmp_path, text).problems
    assert problem.rule == "reference.unusable"
    assert "cannot be read" in problem.message


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    if not modes_hold(tmp_path):
        pytest.skip("nothing keeps this user from reading any file")
    write_image(tmp_path / "a.png").chmod(0)
    (tmp_path / "manifest.yaml").write_text(one_scene(references="[a.png]"))
    ended = started(unprivileged("-m", "batchgen", "validate", tmp_path / "manifest.yaml"))
    assert ended.code == 3
    assert ':6:18: "a.png" cannot be read: Permission denied' in ended.err


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_an_image_that_breaks_off(tmp_path: Path, form: str) -> None:
    noise = Image.effect_noise((400, 400), 50).convert("RGB")
    noise.save(tmp_path / "a", form)
    os.truncate(tmp_path / "a", (tmp_path / "a").stat().st_size // 2)
    assert said_of(tmp_path / "a").startswith(("is an image that cannot be decoded: ", "is neither"))


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_a_video_that_breaks_off(tmp_path: Path, container: str, keep: float) -> None:
    path = write_video(tmp_path / "a", container, 30)
    os.truncate(path, int(path.stat().st_size * keep))
    assert said_of(path).startswith("is ")


@pytest.mark.parametrize("damaged", [0, 1])
def test_the_first_picture_has_to_decode_and_no_other_is_decoded(damaged: int) -> None:
    content = bytearray(clip(FIGURES["dog"], 3))
    with av.open(BytesIO(content), "r") as container:
        assert container.streams.video[0].codec_context.has_b_frames, "the decoder holds pictures back"
        packet = list(container.demux(container.streams.video[0]))[damaged]
    position = packet.pos or 0
    content[position : position + packet.size] = bytes(packet.size)
    if damaged:
        assert probe(BytesIO(content)).kind == "video"
        return
    with pytest.raises(UnusableMedia, match="is a video that cannot be decoded: "):
        probe(BytesIO(content))


def test_a_picture_of_far_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    for side in (7_000, 60_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
        )
        (tmp_path / f"{side}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert "far more pixels than any picture needs" in said_of(tmp_path / "60000.png")
    assert measured(tmp_path / "7000.png").width == 7_000
    assert findings(tmp_path, one_scene(references="[7000.png]")) == [
        "6 image.width.maximum",
        "6 image.height.maximum",
    ]


def test_a_multi_picture_photograph_is_a_jpeg(tmp_path: Path) -> None:
    image = Image.new("RGB", (400, 400))
    image.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[image])
    with Image.open(tmp_path / "a.jpg") as opened:
        assert opened.format == "MPO"
    assert measured(tmp_path / "a.jpg").format == "jpeg"
    assert with_reference(tmp_path, "a.jpg").problems == ()


def test_a_song_with_a_cover_is_a_sound(tmp_path: Path) -> None:
    write_image(tmp_path / "cover.png", size=(32, 32))
    write_sound(tmp_path / "plain.mp3", "mp3")
    picture = (tmp_path / "cover.png").read_bytes()
    frame = b"\x00image/png\x00\x03\x00" + picture
    tag = b"APIC" + len(frame).to_bytes(4, "big") + b"\x00\x00" + frame
    size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    song = b"ID3\x03\x00\x00" + size + tag + (tmp_path / "plain.mp3").read_bytes()
    with av.open(BytesIO(song)) as container:
        assert len(container.streams.video) == 1
    facts = probe(BytesIO(song))
    assert (facts.kind, facts.format, facts.seconds) == ("audio", "mp3", 4.0)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{other}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        '<?xml version="1.0"?>\n<MPD type="static"><BaseURL>{other}</BaseURL></MPD>\n',
    ],
)
def test_lists_that_name_other_files_are_not_followed(tmp_path: Path, text: str) -> None:
    other = write_video(tmp_path / "other.mp4")
    (tmp_path / "a.mp4").write_text(text.format(other=other))
    opened: list[str] = []
    with _opens(opened):
        assert said_of(tmp_path / "a.mp4").startswith("is neither an image nor a video")
    assert str(other) not in opened


class _opens:  # noqa: N801 - reads as a phrase where it is used
    """Collects the names of the files that Python opens meanwhile.

    An audit hook cannot be taken away again, so there is one, and it looks where to put the names.
    """

    sink: list[str] | None = None
    installed = False

    def __init__(self, sink: list[str]) -> None:
        self._sink = sink

    def __enter__(self) -> None:
        if not _opens.installed:
            sys.addaudithook(_opens.seen)
            _opens.installed = True
        _opens.sink = self._sink

    def __exit__(self, *_: object) -> None:
        _opens.sink = None

    @staticmethod
    def seen(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and _opens.sink is not None:
            _opens.sink.append(str(arguments[0]))


def test_each_file_is_opened_once_however_many_scenes_use_it(tmp_path: Path) -> None:
    write_image(tmp_path / "hero.png")
    write_video(tmp_path / "dog.mp4")
    names = ["hero.png", "./hero.png", str(tmp_path / "hero.png"), "../" + tmp_path.name + "/dog.mp4", "dog.mp4"]
    text = "version: 1\nname: a\ncast: {hero: hero.png}\nscenes:\n"
    text += "".join(
        f"  - {{id: s{number}, prompt: character1, references: [{names[number % len(names)]}]}}\n"
        for number in range(100)
    )
    opened: list[str] = []
    with _opens(opened):
        assert findings(tmp_path, text) == []
    media = sorted(Path(name).name for name in opened if name.endswith((".png", ".mp4")))
    assert media == ["dog.mp4", "hero.png"]


def test_an_opaque_alpha_channel_is_warned_of(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", mode="RGBA", color=(0, 0, 0, 255))
    [problem] = with_reference(tmp_path, "a.png").problems
    assert (problem.rule, problem.severity) == ("image.alpha", "warning")
    assert "though all of it is opaque" in problem.message


@pytest.mark.parametrize(("mode", "transparent"), [("LA", True), ("P", True), ("RGBA", True), ("RGB", False)])
def test_transparency_in_every_way_that_png_has(tmp_path: Path, mode: str, transparent: bool) -> None:  # noqa: FBT001
    image = Image.new("RGBA" if transparent else "RGB", (400, 400), (9, 9, 9, 0) if transparent else (9, 9, 9))
    image.convert(mode).save(tmp_path / "a.png")
    facts = measured(tmp_path / "a.png")
    assert (facts.alpha, facts.transparency) == (transparent, transparent)


def uri(path: Path, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode()}"


def test_a_data_uri_is_measured_like_a_file(tmp_path: Path) -> None:
    good, small = write_image(tmp_path / "good.png"), write_image(tmp_path / "small.png", size=(100, 400))
    found = with_reference(tmp_path, uri(good, "image/png"))
    assert found.problems == ()
    assert found.manifest is not None
    [scene] = found.manifest.scenes
    assert scene.request.as_json()["input"] == {
        "prompt": "character1 walks",
        "reference_urls": [
            {
                "source": "data:image/png;base64",
                "sha256": hashlib.sha256(good.read_bytes()).hexdigest(),
                "mime": "image/png",
            }
        ],
    }
    assert [problem.rule for problem in with_reference(tmp_path, uri(small, "image/png")).problems] == [
        "image.width.minimum"
    ]


def test_a_data_uri_that_misnames_its_content(tmp_path: Path) -> None:
    [problem] = with_reference(tmp_path, uri(write_image(tmp_path / "a.png"), "image/jpeg")).problems
    assert (problem.rule, problem.severity) == ("reference.mime", "warning")
    assert "says it is image/jpeg, but its content is image/png" in problem.message


@pytest.mark.parametrize(
    ("data", "rule", "part"),
    [
        ("AAAAA", "reference.unusable", "is not valid base64"),
        ("AAAA", "reference.unusable", "is neither an image nor a video nor a sound"),
        ("AA-A", "references.pattern", "data:{MIME};base64,{DATA}"),
        ("", "references.pattern", "data:{MIME};base64,{DATA}"),
    ],
)
def test_a_data_uri_that_holds_nothing(tmp_path: Path, data: str, rule: str, part: str) -> None:
    [problem] = with_reference(tmp_path, f"data:image/png;base64,{data}").problems
    assert problem.rule == rule
    assert part in problem.message


def test_the_same_content_under_another_name_is_the_same_request(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png")
    (tmp_path / "b.dat").write_bytes(path.read_bytes())
    hashes = set()
    for source in ("a.png", "b.dat", uri(path, "image/png")):
        manifest = with_reference(tmp_path, source).manifest
        assert manifest is not None
        hashes.add(manifest.scenes[0].request.sha256)
    assert len(hashes) == 1


MB = 1024 * 1024


_MOVED = {"/moved": "/hero.png", "/round": "/round", "/away": "ftp://127.0.0.1/hero.png"}


class _Answers(BaseHTTPRequestHandler):
    """Answers as the path says."""

    protocol_version = "HTTP/1.1"
    sound = b""

    def do_HEAD(self) -> None:
        status, mime, length = {
            "/hero.png": (200, "image/png", 1000),
            "/gone": (404, "text/html", 0),
            "/no-head": (405, "text/html", 0),
            "/page": (200, "text/html; charset=utf-8", 10),
            "/untyped": (200, None, 10),
            "/octets": (200, "application/octet-stream", 10),
            "/gif": (200, "image/gif", 10),
            "/long.png": (200, "image/png", 10 * MB + 1),
            "/long.mp4": (200, "video/mp4", 100 * MB + 1),
            "/quick.mov": (200, "video/quicktime", 100 * MB),
            "/line.wav": (200, "audio/x-wav", len(self.sound)),
            "/grown.wav": (200, "audio/x-wav", len(self.sound) + (self.command == "HEAD")),
            "/shrunk.wav": (200, "audio/x-wav", len(self.sound) - (self.command == "HEAD")),
            "/lost.wav": (200 if self.command == "HEAD" else 404, "audio/x-wav", len(self.sound)),
            "/odd.wav": (200 if self.command == "HEAD" else 302, "audio/x-wav", len(self.sound)),
            "/moved": (302, None, 0),
            "/away": (302, None, 0),
            "/odd": (302, None, 0),
            "/round": (302, None, 0),
        }[self.path]
        self.send_response(status)
        if mime is not None:
            self.send_header("Content-Type", mime)
        if status == 302:
            self.send_header("Location", _MOVED.get(self.path, "http://[::1"))
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.sound)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a web server of our own."""
    _Answers.sound = write_sound(tmp_path_factory.mktemp("sound") / "a", "wav", 4).read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


ADDRESSES = {
    "/hero.png": [],
    "/moved": [],
    "/quick.mov": [],
    "/gone": ["6 url.status"],
    "/no-head": ["6 url.status warning"],
    "/page": ["6 url.type"],
    "/untyped": ["6 url.type warning"],
    "/octets": ["6 url.type warning"],
    "/gif": ["6 image.format.enum"],
    "/long.png": ["6 image.bytes.maximum"],
    "/long.mp4": ["6 video.bytes.maximum"],
    "/line.wav": ["6 audio.kind.enum"],
    "/round": ["6 url.unusable"],
    "/away": ["6 url.unusable"],
    "/odd": ["6 url.unusable"],
}


@pytest.mark.parametrize(("path", "expected"), ADDRESSES.items())
def test_addresses_are_asked_where_the_user_wants_it(
    tmp_path: Path, address: str, path: str, expected: list[str]
) -> None:
    text = one_scene(references=f"[{address}{path}]")
    assert findings(tmp_path, text) == []
    assert findings(tmp_path, text, check_urls=True) == expected


def test_sound_is_fetched_to_learn_its_length(tmp_path: Path, address: str) -> None:
    def found(duration: int) -> list[str]:
        text = one_scene(references=f"[{address}/hero.png]", duration=str(duration), audio_url=f"{address}/line.wav")
        return findings(tmp_path, text, check_urls=True)

    assert found(4) == []
    assert found(3) == ["8 audio_url.duration warning"]
    assert found(5) == ["8 audio_url.duration warning"]


@pytest.mark.parametrize("name", ["grown", "shrunk", "lost", "odd"])
def test_a_sound_that_does_not_come_as_announced(tmp_path: Path, address: str, name: str) -> None:
    text = one_scene(references=f"[{address}/hero.png]", audio_url=f"{address}/{name}.wav")
    assert findings(tmp_path, text, check_urls=True) == ["7 url.unusable"]


def test_an_address_where_nobody_answers(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    port = server.server_port
    server.server_close()
    text = one_scene(references=f"[http://127.0.0.1:{port}/a]")
    [problem] = checked(tmp_path, text, check_urls=True).problems
    assert problem.rule == "url.unusable"
    assert "cannot be reached" in problem.message


@pytest.mark.parametrize("url", ["http://[::1/a", "http://a:b:c/", "http://\\ud800/", "http://xn--/"])
def test_an_address_that_no_client_takes(tmp_path: Path, url: str) -> None:
    rules = [
        problem.rule for problem in checked(tmp_path, one_scene(references=f"['{url}']"), check_urls=True).problems
    ]
    assert rules == ["url.unusable"]
