"""Media files that would have their reader open other files, ask other hosts, or work for ever."""

import base64
import json
import os
import resource
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from helpers.hostile import Answer, HostileGateway, done, listening, numbered, says, watched
from helpers.runs import CREATE, emulator
from helpers.servers import Peer, server
from helpers.support import batchgen, write_image, write_video

MOST_CPU_S = 20
MOST_MEMORY_MB = 400


def playlists(targets: list[str]) -> Iterator[tuple[str, bytes]]:
    """Files in every format that has a reader open something else, for each target."""
    mpd = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1" width="64" height="64">'
        "<BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )
    forms = {
        "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n",
        "hls-map": '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI="{0}"\n#EXTINF:4,\n{0}\n#EXT-X-ENDLIST\n',
        "hls-key": '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI="{0}"\n#EXTINF:4,\n{0}\n',
        "hls-master": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n",
        "concat": "ffconcat version 1.0\nfile '{}'\n",
        "dash": mpd,
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="400" '
        'height="400"><image xlink:href="{}" width="400" height="400"/></svg>',
        "asx": '<ASX version="3.0"><ENTRY><REF HREF="{}"/></ENTRY></ASX>',
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=control:{}\n",
        "mvg": "push graphic-context\nimage over 0,0 0,0 '{}'\npop graphic-context\n",
        "eps": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({}) (r) file closefile\n",
    }
    for number, target in enumerate(targets):
        for name, text in forms.items():
            yield f"{name}-{number}", text.format(target).encode()


def spelled(secret: Path, address: str) -> list[str]:
    """A file and a host as FFmpeg's protocols name them."""
    host = address.removeprefix("http://")
    by_path = [str(secret), secret.name, f"file:{secret}", f"concat:{secret}|{secret}"]
    return [*by_path, f"{address}/x.ts", f"tcp://{host}"]


def test_the_eyes_of_these_tests_see_what_ffmpeg_opens(tmp_path: Path) -> None:
    """A control: left to itself, FFmpeg does follow such lists, and that is noticed."""
    secret = write_video(tmp_path / "secret.mp4")
    (tmp_path / "a.mp4").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    with watched(secret) as opened, listening() as listener:
        with av.open(tmp_path / "a.mp4", options={"safe": "0"}):
            assert opened()
        (tmp_path / "b.mp4").write_text(f"ffconcat version 1.0\nfile '{listener.address}/x.mp4'\n")
        free = {"safe": "0", "protocol_whitelist": "file,http,tcp"}
        with pytest.raises(av.FFmpegError), av.open(tmp_path / "b.mp4", options=free):
            raise AssertionError
        assert listener.requests


def test_references_that_name_other_files_or_hosts(tmp_path: Path) -> None:
    secret = write_video(tmp_path / "secret.mp4")
    with listening() as listener, watched(secret) as opened:
        contents = dict(playlists(spelled(secret, listener.address)))
        for number, (name, content) in enumerate(contents.items()):
            (tmp_path / f"{name}.{('mp4', 'png', 'mov')[number % 3]}").write_bytes(content)
        names = sorted(path.name for path in tmp_path.iterdir() if path != secret)
        found = validated(tmp_path, names)
        assert not opened()
        assert listener.received == []
    assert [found[name] for name in names] == ["reference.unusable"] * len(contents)


def validated(folder: Path, sources: list[str]) -> dict[str, str]:
    """The rule that each source breaks, by a `validate` of one manifest that uses them all."""
    cast = {f"c{number}": source for number, source in enumerate(sources)}
    prompt = " ".join(f"{{c{number}}}" for number in range(len(sources)))
    manifest = folder / "manifest.yaml"
    manifest.write_text(
        json.dumps({"version": 1, "name": "a", "cast": cast, "scenes": [{"id": "a", "prompt": prompt}]})
    )
    ended = batchgen("validate", "--format=json", manifest, folder=folder)
    assert ended.code == 3, ended.err
    paths = {finding["path"]: finding["rule"] for finding in json.loads(ended.out)["findings"]}
    return {source: paths.get(f"$.cast.c{number}", "") for number, source in enumerate(sources)}


def file_of(content: bytes) -> Answer:
    """An answer that is this file."""
    return lambda peer: peer.answer(200, content)


def test_results_that_name_other_files_or_hosts(tmp_path: Path) -> None:
    # Beside the results: names without a folder are looked for there.
    secret = tmp_path / "runs" / "film" / "results" / "secret.mp4"
    secret.parent.mkdir(parents=True)
    write_video(secret)
    gateway = HostileGateway()
    with listening() as listener, watched(secret) as opened, server(gateway) as address:
        contents = list(playlists([secret.name, f"file:{secret}", f"{listener.address}/x.ts"]))
        gateway.files = {f"/{number}": file_of(content) for number, (_, content) in enumerate(contents, 1)}
        gateway.read = {number: done(f"{address}/{number}") for number in range(1, len(contents) + 1)}
        film = numbered(tmp_path, address, len(contents))
        film.run("--workers=24", expect=1)
        assert not opened()
        assert listener.received == []
    assert {row["error_code"] for row in film.report().values()} == {"download_failed"}


def test_what_the_emulator_is_sent_names_nothing_either(tmp_path: Path) -> None:
    secret = write_video(tmp_path / "secret.mp4")
    with emulator(tmp_path) as gateway, listening() as listener, watched(secret) as opened:
        contents = list(playlists([secret.name, f"file:{secret}", f"{listener.address}/x.ts"]))
        statuses = {
            posted(gateway.base_url, content, mime) for _, content in contents for mime in ("video/mp4", "image/png")
        }
        urls = [str(secret), f"file://{secret}", f"{listener.address}/a.png", f"{listener.address}/a.mp4"]
        for url in urls:
            submitted(gateway.base_url, {"prompt": "character1", "reference_urls": [url]})
        assert not opened()
        assert listener.received == []
    assert statuses == {400}


def posted(base_url: str, content: bytes, mime: str) -> int:
    reference = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    return submitted(base_url, {"prompt": "character1", "reference_urls": [reference]})


def submitted(base_url: str, fields: dict[str, Any]) -> int:
    """The status of an emulator's answer to a submission."""
    body = json.dumps({"model": "wan26_r2v", "input": fields, "parameters": {"size": "960*960", "duration": 2}})
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    request = urllib.request.Request(base_url + CREATE, body.encode(), headers)  # noqa: S310 - an address of our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.skipif(sys.platform != "linux", reason="devices, pipes and /proc as Linux has them")
def test_references_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "dangling.png").symlink_to("/nowhere")
    for name, head in HEADS.items():
        (tmp_path / name).write_bytes(head)
        os.truncate(tmp_path / name, 1 << 40)
    sources = ["pipe.mp4", "loop.png", "zero.png", "folder.png", "dangling.png", *HEADS, "a" * 5_000]
    sources += [
        "/dev/zero",
        "/dev/stdin",
        "/dev/tty",
        "/proc/self/mem",
        "/proc/self/environ",
        "/proc/1/root",
        "a\u0000b",
    ]
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    found = validated(tmp_path, sources)
    assert {source: rule for source, rule in found.items() if rule != "reference.unusable"} == {}
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun < MOST_CPU_S


HEADS = {
    "holes.avi": b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\x7fhdrl",
    "holes.mkv": b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff",
    "holes.aac": b"\xff\xf1\x50\x80\x00\x1f\xfc" * 100,
    "holes.tiff": b"II*\0\x08\0\0\0",
    "holes.png": b"\x89PNG\r\n\x1a\n",
    "holes.mp4": b"\0\0\0\x18ftypisom",
}
"""The beginnings of files with a terabyte of holes: some formats are searched to their end."""


def test_a_link_to_a_file_is_a_reference_like_any_other(tmp_path: Path) -> None:
    write_image(tmp_path / "hero.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "hero.png")
    assert validated(tmp_path, ["link.png", "nowhere.png"]) == {"link.png": "", "nowhere.png": "reference.unusable"}


def boxed(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4 file."""
    return struct.pack(">I", len(content) + 8) + kind + content


def with_tracks(clip: bytes, count: int) -> bytes:
    """An MP4 file with one of its tracks so many times."""
    begin = clip.index(b"moov") - 4
    size = struct.unpack_from(">I", clip, begin)[0]
    inside = clip[begin + 8 : begin + size]
    track = inside.index(b"trak") - 4
    length = struct.unpack_from(">I", inside, track)[0]
    copies = inside[:track] + inside[track : track + length] * count + inside[track + length :]
    return clip[:begin] + boxed(b"moov", copies) + clip[begin + size :]


def frames_of(picture: bytes, path: Path) -> bytes:
    """A clip whose frames are this JPEG, whatever the header says of its size."""
    with av.open(path, "w", format="mov") as file:
        stream = file.add_stream("mjpeg", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for number in range(2):
            packet = av.Packet(picture)
            packet.stream = stream
            packet.pts = packet.dts = number
            file.mux(packet)
    return path.read_bytes()


def test_results_that_are_too_much(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    write_image(tmp_path / "large.jpg", "JPEG", (9_000, 9_000))
    large = frames_of((tmp_path / "large.jpg").read_bytes(), tmp_path / "frames.mov")
    files: dict[str, Answer] = {
        "/declared": lambda peer: peer.answer(200, b"x", content_length=str(10**14)),
        "/absurd": lambda peer: peer.answer(200, b"x", content_length="9" * 5_000),
        "/negative": lambda peer: peer.answer(200, b"x", content_length="-5"),
        "/tracks": file_of(with_tracks(clip, 20_000)),
        "/frames": file_of(large),
        "/picture": file_of((tmp_path / "large.jpg").read_bytes()),
        "/nothing": file_of(b""),
        "/text": file_of(b"\x1b[2J" * 1_000),
        "/half": file_of(clip[: len(clip) // 2]),
    }
    gateway = HostileGateway(files=files)
    with server(gateway) as address:
        gateway.read = {number: done(address + path) for number, path in enumerate(files, 1)}
        film = numbered(tmp_path, address, len(files))
        measured = _MEASURED.format(arguments=["run", str(film.manifest), f"--base-url={address}", *OPTIONS])
        ended = subprocess.run(
            [sys.executable, "-P", "-c", measured],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "BATCHGEN_API_KEY": "sk-0123456789"},
            capture_output=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
    code, cpu_s, memory_mb = json.loads(ended.stdout)
    assert code == 1, ended.stderr
    assert cpu_s < MOST_CPU_S
    assert memory_mb < MOST_MEMORY_MB
    rows = dict(zip(files, film.report().values(), strict=True))
    assert {row["status"] for row in rows.values()} == {"failed"}
    assert "larger than" in rows["/declared"]["error_message"]
    assert rows["/frames"]["error_code"] == rows["/tracks"]["error_code"] == "download_failed"
    assert "\x1b" not in ended.stderr


OPTIONS = ["--poll-interval=0.1", "--no-progress", "--request-timeout=3", "--yes"]
_MEASURED = """
import json, resource, sys
from batchgen.cli.main import main
code = None
try:
    main({arguments})
except SystemExit as end:
    code = end.code
used = resource.getrusage(resource.RUSAGE_SELF)
status = open("/proc/self/status").read() if sys.platform == "linux" else ""
peak = int(status.split("VmHWM:")[1].split()[0]) if status else 0
print(json.dumps([code, used.ru_utime + used.ru_stime, peak / 1024]))
"""


def test_what_a_manifest_names_is_not_fetched_unless_asked(tmp_path: Path) -> None:
    with listening() as listener:
        film = numbered(tmp_path, "", 1)
        film.references = [f"{listener.address}/hero.png"]
        film.write()
        film.do("validate", film.manifest)
        film.do("plan", film.manifest)
        assert listener.received == []


def test_addresses_that_are_asked_lead_to_no_file(tmp_path: Path) -> None:
    heads: list[bytes] = []

    def redirecting(peer: Peer) -> None:
        heads.append(peer.read_head())
        says({}, 302, location="file:///etc/passwd")(peer)

    with server(redirecting) as address:
        film = numbered(tmp_path, "", 1)
        film.references = [f"{address}/hero.png"]
        film.write()
        ended = film.do("validate", "--check-urls", film.manifest, expect=3, BATCHGEN_API_KEY="sk-0123456789")
    assert "neither http nor https" in ended.err
    assert not any(b"authorization" in head.lower() for head in heads)
