"""report.html: one file that runs nothing but its own script, and says of every amount whose it is."""

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from batchgen.engine import events as ev
from batchgen.model import TaskResult
from batchgen.report.page import Pictures, as_html
from batchgen.report.storyboard import storyboard
from batchgen.text import balanced

from helpers.boards import HOSTILE, asked, delivered, failed, scene
from unit.report.test_storyboard import CODES, SHA, state_of

PICTURE = "data:image/webp;base64,UklGRg=="


class Seen(HTMLParser):
    """The elements of a page, and the text of those that hold no markup."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.raw:
            self.raw[str(self.cdata_elem)].append(data)

    def attributes(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def page_of(
    *scenes: ev.SceneFacts, events: list[ev.Event], rehearsal: bool = False, stills: tuple[str, ...] = ()
) -> str:
    state = state_of(scenes, *events)
    files = {attempt.key for attempt in state.all_attempts() if attempt.has_file}
    board = storyboard(state, CODES, files=files, is_rehearsal=rehearsal)
    pictures = Pictures(dict.fromkeys(stills, PICTURE), {SHA: PICTURE})
    return b"".join(as_html(board, pictures, identity="1d", written_at="2026-01-02T03:04:05.678Z")).decode()


def hostile() -> str:
    of = scene("s01", HOSTILE, title=HOSTILE, note=HOSTILE, references=(HOSTILE,))
    changed = delivered(of, SHA, request=asked(HOSTILE[::-1]))
    return page_of(of, events=[*changed, *failed(of, HOSTILE, HOSTILE, 2)])


def test_the_policy_names_the_one_style_and_the_one_script_by_their_hashes() -> None:
    seen = Seen(hostile())
    (policy,) = [one["content"] for tag, one in seen.tags if "Content-Security-Policy" in (one.get("http-equiv") or "")]
    data, script = seen.raw["script"]
    (style,) = seen.raw["style"]
    hashes = [b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "img-src 'self' data:; media-src 'self'; base-uri 'none'; form-action 'none'"
    )
    assert json.loads(data)["name"] == "film"


def test_no_text_from_elsewhere_becomes_markup() -> None:
    seen = Seen(hostile())
    names = {name for _, attributes in seen.tags for name in attributes}
    assert {name for name in names if name.startswith("on") or name == "style"} == set()
    assert [tag for tag, _ in seen.tags].count("script") == 2
    assert {tag for tag, _ in seen.tags} & {"iframe", "object", "embed", "base", "link"} == set()
    links = seen.attributes("href")
    assert [one for one in links if one and not re.match(r"#|results/|data:image/", one)] == []
    assert "\x07" not in hostile()


def test_ids_of_the_page_are_no_ids_of_scenes() -> None:
    taken = {"s01-t1", "s01"}
    of = scene("s01-t1", "a", shot="s01", take=1)
    ids = Seen(page_of(of, scene("s01-t2", "b", shot="s01", take=2), events=[])).attributes("id")
    assert len(ids) == len(set(ids))
    assert {one for one in ids if one and not one.startswith("_")} == taken | {"s01-t2"}


def test_data_ends_no_element() -> None:
    of = scene("s01", "a")
    state = state_of([of])
    state.name = "</script><!--<script>\u2028"
    page = b"".join(as_html(storyboard(state, CODES), Pictures(), identity="<!--", written_at="")).decode()
    data, _ = Seen(page).raw["script"]
    assert json.loads(data)["name"] == state.name
    assert not set(data) & set("<>&\u2028")


@pytest.mark.parametrize("rehearsal", [True, False])
def test_every_amount_of_a_rehearsal_is_marked(*, rehearsal: bool) -> None:
    of, other = scene("s01", "a"), scene("s02", "b")
    page = page_of(of, other, events=[*delivered(of, SHA), *failed(other, "001028095", "no")], rehearsal=rehearsal)
    amounts = re.findall(r"[0-9.]+ USD(.{0,40})", page)
    assert len(amounts) > 6
    assert {'<small class="rehearsal">' in after for after in amounts} == {rehearsal}


def test_amounts_are_written_as_they_are() -> None:
    of = scene("s01", "a")
    begun = delivered(of, SHA)
    cost = TaskResult(None, None, Decimal("1E-7"))
    page = page_of(of, events=[*begun[:2], ev.Completed("t", "s01", 1, cost)])
    assert "0.0000001 USD" in page
    whole = page_of(of, events=[*begun[:2], ev.Completed("t", "s01", 1, TaskResult(None, None, Decimal(3)))])
    assert "3.00 USD" in whole
    assert set(re.findall(r"[0-9.]+(?= USD)", whole)) == {"3.00", "5.00", "0.00"}, "one form of amounts"


def test_a_reference_is_in_the_page_once_however_many_scenes_use_it() -> None:
    scenes = [scene(f"s{number}", f"{number}") for number in range(5)]
    known = hashlib.sha256(b"hero.png").hexdigest()
    page = page_of(*scenes, events=[], stills=(known,))
    assert page.count(PICTURE) == 1
    assert page.count(f'href="#_r{known}"') == 5


def test_addresses_are_encoded_and_times_are_read() -> None:
    of = scene("s01", "a")
    page = page_of(of, events=delivered(of, SHA), stills=(SHA,))
    assert 'href="results/s01%401.mp4"' in page
    assert "2026-01-02 03:04:05 UTC" in page
    assert "took 1 min 30 s" in page


@pytest.mark.parametrize(
    "source", ["refs/hero.png", "/home/me/hero.png", r"C:\me\hero.png", "https://h.example/a/hero.png?key=sk/1#x"]
)
def test_of_a_reference_its_name_is_shown_and_nothing_that_leads_to_it(source: str) -> None:
    of = scene("s01", "a", references=(source,))
    plain = replace(of, request=replace(of.request, characters=()))
    told = re.findall(r"<bdi>(.*?)</bdi></span></li>", page_of(plain, events=[]))
    assert told == ["hero.png"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain", "plain"),
        ("a\u2066b", "a\u2066b\u2069"),
        ("a\u2066b\nc", "a\u2066b\u2069\nc"),
        ("a\u2069b", "ab"),
        ("\u2067\u2066x\u2069", "\u2067\u2066x\u2069\u2069"),
        ("\u2066a\u2069", "\u2066a\u2069"),
        ("", ""),
    ],
)
def test_turns_of_direction_end_in_their_line(text: str, told: str) -> None:
    assert balanced(text) == told
