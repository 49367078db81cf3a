"""Files that are uploaded: taken in bounds, served, measured, and gone in the end."""

from io import BytesIO
from pathlib import Path

import pytest
import urllib3
from urllib3.filepost import encode_multipart_formdata

from batchgen.emulator.uploads import StoreFullError, UploadStore

from helpers.support import write_video
from unit.emulator.client import Answer, Client, Start, picture, request

UPLOAD = "/storage/files"


def upload(client: Client, content: bytes, name: str = "a.png", field: str = "file") -> Answer:
    body, kind = encode_multipart_formdata({field: (name, content, "image/png"), "purpose": "reference"})
    return client.send("POST", UPLOAD, body, Content_Type=kind)


def test_an_upload_is_served_and_opened_as_a_reference(start: Start, tmp_path: Path) -> None:
    client = start(bill_reference_video=True)
    video = write_video(tmp_path / "a.mp4", seconds=4).read_bytes()
    urls = [upload(client, content, name).json()["url"] for content, name in ((video, "a.mp4"), (picture(), "b"))]
    served = urllib3.request("GET", urls[0])
    assert (served.status, served.data, served.headers["content-type"]) == (200, video, "video/mp4")
    part = urllib3.request("GET", urls[0], headers={"Range": "bytes=2-5"})
    assert (part.status, part.data) == (206, video[2:6])
    usage = client.bought(request("a", *urls))["usage"]
    assert usage["metadata"]["reference_seconds"] == 4
    (entry,) = (entry for entry in client.entries("request") if entry.get("request"))
    assert entry["request"]["input"]["reference_urls"] == [url.partition("?")[0] for url in urls]
    # What it is follows from its content, and not from its name.
    assert client.create(request("a", *[upload(client, video, "a.png").json()["url"]] * 4)).code == "001028003"
    kept = [entry for entry in client.entries("request") if entry.get("upload")]
    assert [entry["body_bytes"] for entry in kept] == [len(video), len(picture()), len(video)]


def test_an_upload_that_is_gone_is_no_reference(start: Start) -> None:
    client = start(url_lifetime=0.0)
    url = upload(client, picture()).json()["url"]
    assert urllib3.request("GET", url).status == 410
    gone = [url, f"{client.base_url}{UPLOAD}/none.png?expires=99999999999", f"{client.base_url}{UPLOAD}/x"]
    assert [client.create(request("a", each)).code for each in gone] == ["001028004"] * 3
    text = upload(start(), b"text, and no picture").json()["url"]
    assert start().create(request("a", text)).status == 200, "another emulator does not fetch it"
    # Nor are such URLs a way into the folder.
    assert client.send("GET", f"{UPLOAD}/..%2f..%2fetc%2fpasswd?expires=99999999999").status == 404


def test_anything_but_a_form_with_a_file_is_refused(start: Start) -> None:
    client = start()
    wrong = [
        (b"", ""),
        (b"{}", "application/json"),
        (b"", "multipart/form-data"),
        (b"garbage", "multipart/form-data; boundary=x"),
        encode_multipart_formdata({"file": "a text"}),
        encode_multipart_formdata({"other": ("a.png", b"content")}),
        encode_multipart_formdata([("file", ("a", b"1")), ("file", ("b", b"2"))]),
        encode_multipart_formdata({str(number): "x" for number in range(20)}),
    ]
    for body, kind in wrong:
        answer = client.send("POST", UPLOAD, body, Content_Type=kind)
        assert (answer.status, answer.code) == (400, "bad_request"), (body, kind)
        assert "'file'" in answer.json()["error"]["message"]


def test_an_upload_needs_a_key_and_has_a_size(start: Start) -> None:
    client = start()
    assert client.send("POST", UPLOAD, b"", Authorization="").status == 401
    sizes = {"Content_Length": str(2**30), "Content_Type": "multipart/form-data; boundary=x"}
    assert client.send("POST", UPLOAD, b"", **sizes).status == 413


def test_faults_of_an_upload(start: Start) -> None:
    statuses = {kind: upload(start(f"upload-{kind}"), picture()).status for kind in ("401", "403", "404", "500-html")}
    assert list(statuses.values()) == [401, 403, 404, 500]
    assert upload(start("upload-data"), picture()).json()["data"]["url"].startswith("http://127.0.0.1")
    assert upload(start("upload-empty"), picture()).body == b""
    with pytest.raises(urllib3.exceptions.HTTPError):
        upload(start("upload-reset"), picture())


def test_the_store_is_bounded_and_forgets_what_has_expired() -> None:
    store = UploadStore(max_files=2, max_total_size=10)
    first = store.add(BytesIO(b"1234"), "a.PNG", now=0, lifetime=5)
    assert first.name.endswith(".png")
    store.add(BytesIO(b"56"), "../../b", now=1, lifetime=5)
    # The same content takes no further room, and lives longer.
    assert store.add(BytesIO(b"1234"), "other.png", now=3, lifetime=5).path == first.path
    with pytest.raises(StoreFullError):
        store.add(BytesIO(b"7"), "c", now=4, lifetime=5)
    assert store.find(first.name, now=7) is not None
    third = store.add(BytesIO(b"123456"), "c", now=7, lifetime=5)
    with pytest.raises(StoreFullError):
        store.add(BytesIO(b"1"), "d", now=7, lifetime=5)
    assert sorted(path.name for path in third.path.parent.iterdir()) == sorted([first.name, third.name])
    assert store.find(first.name, now=9) is None
    store.close()
    assert not third.path.parent.exists()
