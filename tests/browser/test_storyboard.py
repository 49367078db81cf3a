"""report.html in a real browser, from the disk: playing, finding, choosing, printing, and texts that attack."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from batchgen.app.exporting import write_export
from batchgen.app.picking import pick_from, picks
from batchgen.app.reporting import write_reports

from helpers import boards

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -e '.[browser]'")
ALL = ["s01-t1", "s01-t2", "s01-t3", "s02", "s03", "s04", "s05", "s06", "s07", "s08"]
HD = {"width": 1280, "height": 900}


def begins(page: Any, video: str) -> None:
    """The time of a video advances."""
    page.wait_for_selector(video)
    moved = f"""() => new Promise((done) => {{
        const look = () => document.querySelector("{video}").currentTime > 0.2 ? done(true) : setTimeout(look, 30);
        look();
    }})"""
    assert page.evaluate(moved)


def test_the_page_shows_every_scene_and_asks_no_network(opened: Any, board: Path) -> None:
    tab = opened(board)
    assert tab.shown() == ALL
    assert tab.page.locator("#s03").text_content().count("001028095") == 1
    assert "again with --retry-failed" in tab.page.locator("#s03").text_content()
    assert tab.page.evaluate("[...document.images].every((one) => one.loading === 'lazy')")


def test_a_click_on_the_picture_plays_the_video(opened: Any, board: Path) -> None:
    tab = opened(board)
    tab.page.click("#s02 a.poster")
    begins(tab.page, "#s02 video")


def test_without_scripts_all_is_there_and_the_picture_leads_to_the_video(opened: Any, board: Path) -> None:
    tab = opened(board, java_script_enabled=False)
    assert tab.shown() == ALL
    assert not tab.page.locator("#_tools").is_visible()
    assert tab.page.get_attribute("#s02 a.poster", "href") == "results/s02%402.mp4"


def test_other_frames_are_shown_while_the_mouse_or_the_focus_is_there(opened: Any, board: Path) -> None:
    tab = opened(board)
    strip = tab.page.locator("#s01-t2 .strip")
    assert not strip.is_visible()
    tab.page.hover("#s01-t2 a.poster")
    assert strip.is_visible()
    tab.page.mouse.move(0, 0)
    assert not strip.is_visible()
    tab.page.focus("#s01-t2")
    tab.page.keyboard.press("ArrowLeft")
    assert tab.page.locator("#s01-t1 .strip").is_visible()


@pytest.mark.parametrize("status", ["failed", "unknown", "running", "pending"])
def test_scenes_are_found_by_their_status(opened: Any, board: Path, status: str) -> None:
    tab = opened(board)
    for box in tab.page.locator("[name=status]").all():
        box.set_checked(box.get_attribute("value") == status)
    expected = {"failed": ["s03", "s07", "s08"], "unknown": ["s04"], "running": ["s05"], "pending": ["s06"]}
    assert tab.shown() == expected[status]


def test_scenes_are_found_by_text_and_by_take(opened: Any, board: Path) -> None:
    tab = opened(board)
    for words, found in (("rain chase", ["s02"]), ("RETRY-FAILED 001028095", ["s03"]), ("nowhere", [])):
        tab.page.fill("#_text", words)
        assert tab.shown() == found
    assert tab.page.locator("#_nothing").is_visible()
    tab.page.click("#_all")
    tab.page.select_option("#_which", "standing")
    assert tab.shown() == ["s01-t1", "s02"]
    tab.page.select_option("#_which", "open")
    assert tab.shown() == ["s01-t1", "s01-t2", "s01-t3"]


def test_shots_are_sorted_by_cost_and_back(opened: Any, board: Path) -> None:
    tab = opened(board)
    tab.page.select_option("#_sort", "cost")
    assert tab.shown()[:5] == ["s01-t1", "s01-t2", "s01-t3", "s02", "s07"]
    tab.page.select_option("#_sort", "time")
    assert set(tab.shown()[-3:]) == {"s04", "s05", "s06"}, "what is not over has waited for no known time"
    tab.page.select_option("#_sort", "order")
    assert tab.shown() == ALL


def test_takes_are_chosen_by_keys_alone_kept_over_a_reload_and_read_by_pick(
    opened: Any, board: Path, tmp_path: Path
) -> None:
    run_dir = shutil.copytree(board.parent, tmp_path / "garden")
    tab = opened(run_dir / "report.html")
    tab.page.focus("#s01-t1")
    tab.page.keyboard.press("3")
    tab.page.keyboard.press("ArrowRight")
    assert tab.focused() == "s01-t2"
    tab.page.keyboard.press("Space")
    assert tab.page.locator(".take.picked").get_attribute("id") == "s01-t2"
    tab.page.focus("#s07")
    tab.page.keyboard.press("Space")
    assert "2 choices are not in the run directory yet" in tab.page.inner_text("#_choices")
    tab.page.reload()
    assert "2 choices are not in the run directory yet" in tab.page.inner_text("#_choices")
    with tab.page.expect_download() as download:
        tab.page.click("#_save")
    saved = download.value.path()
    assert download.value.suggested_filename == "garden-picks.txt"
    assert pick_from(run_dir, saved) == 2
    assert picks(run_dir) == ["# batchgen picks garden", "s01-t2", "s07@1"]
    tab.page.reload()
    assert not tab.page.locator("#_choices").is_visible()
    assert tab.page.get_attribute("#s07", "data-status") == "completed"


def test_a_choice_is_taken_back_and_belongs_to_its_run_alone(opened: Any, board: Path, tmp_path: Path) -> None:
    other = boards.Board(tmp_path / "other")
    one = boards.scene("s02", "character1 runs")
    other.add(one, *other.kept(one), *other.kept(one, attempt=2))
    tab = opened(board)
    tab.page.click("#s02 .foot > .pick")
    second = tab.context.new_page()
    second.goto(other.write().as_uri())
    assert second.locator(".picked").count() == 0
    second.goto(board.as_uri())
    second.wait_for_selector("#s02.picked")
    second.click("#_discard")
    tab.page.wait_for_selector("#s02:not(.picked)")
    assert tab.page.evaluate("localStorage.length") == 0


def test_what_others_keep_in_the_browser_does_no_harm(opened: Any, board: Path) -> None:
    tab = opened(board)
    key = tab.page.evaluate("STORE")
    for value in ("{", "[]", "null", '{"s01": "s02", "nowhere": "x", "s02": 7, "__proto__": "s02"}'):
        tab.page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, value])
        tab.page.reload()
        assert tab.page.locator(".picked").count() == 0
        assert tab.shown() == ALL


def test_an_earlier_attempt_is_picked_among_the_details(opened: Any, board: Path) -> None:
    tab = opened(board)
    tab.page.click("#s02 summary")
    tab.page.click("#s02 .results .pick[data-pick='s02@1']")
    assert "s02@1" in tab.page.evaluate("picksFile()").splitlines()
    assert tab.page.evaluate("standing(shots.get('s02')).video") == "results/s02%401.mp4"


def test_the_film_plays_what_stands_for_each_shot_and_slates_for_the_rest(opened: Any, board: Path) -> None:
    tab = opened(board)
    tab.page.focus("#s01-t1")
    tab.page.keyboard.press("2")
    tab.page.keyboard.press("f")
    begins(tab.page, "#_video")
    assert tab.page.inner_text("#_caption") == "1 of 8: s01-t2"
    tab.page.click("#_on")
    begins(tab.page, "#_video")
    assert tab.page.inner_text("#_caption") == "2 of 8: s02"
    tab.page.evaluate("screen.currentTime = screen.duration")
    tab.page.wait_for_selector("#_slate:not([hidden])")
    assert tab.page.inner_text("#_slate").split() == ["s03", "failed"]
    tab.page.click("#_pause")
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#_film").is_visible()
    assert not tab.page.locator("main video").count()


def test_hostile_texts_do_nothing(opened: Any, board: Path) -> None:
    tab = opened(board)
    assert tab.page.evaluate("window.hurt") is None
    assert tab.page.locator("script").count() == 2
    card = tab.page.locator("#s08")
    assert "<img src=x" in card.text_content()
    assert tab.page.locator("#s08 img").count() == 0
    # What turns the direction of a text ends with it: the id of the shot reads from left to right.
    begin, end = tab.page.evaluate("""() => {
        const node = document.querySelector("[data-shot=s08] h2 .id").firstChild;
        return [0, 2].map((at) => {
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + 1);
            return range.getBoundingClientRect().left;
        });
    }""")
    assert begin < end


def test_the_policy_stops_what_would_slip_through(chromium: Any, board: Path, tmp_path: Path) -> None:
    page = board.read_text(encoding="utf-8")
    slipped = "<script>window.hurt = 1</script><p style='color: rgb(1, 2, 3)' id=_p onclick='window.hurt = 2'>x</p>"
    broken = tmp_path / "broken.html"
    broken.write_text(page.replace("<footer>", f"{slipped}<img src='http://127.0.0.1:9/x' id=_i><footer>"), "utf-8")
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(broken.as_uri())
    tab.click("#_p")
    assert tab.evaluate("window.hurt") is None
    assert tab.evaluate("getComputedStyle(document.getElementById('_p')).color") != "rgb(1, 2, 3)"
    assert tab.evaluate("document.getElementById('_i').naturalWidth") == 0
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(opened: Any, board: Path, scheme: str, width: int) -> None:
    tab = opened(board, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    tab.page.focus("#s01-t1")
    tab.page.keyboard.press("2")
    tab.page.click("#_keys")
    tab.page.click("#s02 summary")
    results = axe.Axe().run(tab.page)
    assert [(one["id"], node["html"]) for one in results.response["violations"] for node in one["nodes"]] == []
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the side"


def test_all_is_reached_by_keyboard(opened: Any, board: Path) -> None:
    tab = opened(board, viewport=HD)
    tab.page.keyboard.press("/")
    assert tab.focused() == "_text"
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        if tab.focused() == "s01-t1":
            break
    assert tab.focused() == "s01-t1"
    tab.page.keyboard.press("ArrowDown")
    assert tab.focused() == "s03"
    tab.page.keyboard.press("ArrowUp")
    assert tab.focused() == "s01-t1"
    tab.page.keyboard.press("Enter")
    begins(tab.page, "#s01-t1 video")


def test_a_link_to_a_scene_leads_to_it_whatever_is_filtered_out(opened: Any, board: Path) -> None:
    tab = opened(board)
    tab.page.fill("#_text", "chase")
    tab.page.evaluate("location.hash = 's07'")
    tab.page.wait_for_selector("#s07:visible")
    assert tab.focused() == "s07"
    assert tab.page.evaluate("document.getElementById('s07').getBoundingClientRect().top < innerHeight")


def test_a_moved_folder_works_and_a_missing_video_is_named(opened: Any, board: Path, tmp_path: Path) -> None:
    run_dir = shutil.copytree(board.parent, tmp_path / "y #1 100% ö")
    (run_dir / "results" / "s01-t2@1.mp4").unlink()
    tab = opened(run_dir / "report.html")
    tab.page.click("#s02 a.poster")
    begins(tab.page, "#s02 video")
    tab.page.click("#s01-t2 a.poster")
    tab.page.wait_for_selector("#s01-t2 .absent")
    assert "results/s01-t2@1.mp4" in tab.page.inner_text("#s01-t2 .absent")
    tab.page.click("#s02 .foot > .pick")
    assert f"'{run_dir}' --from garden-picks.txt" in tab.page.inner_text("#_command")
    tab.wrong = [said for said in tab.wrong if "ERR_FILE_NOT_FOUND" not in said]
    write_reports(run_dir)
    tab.page.reload()
    assert "The file is not in results/" in tab.page.text_content("#s01-t2")
    tab.wrong.clear()


def test_the_page_prints(opened: Any, board: Path) -> None:
    tab = opened(board)
    printed = tab.page.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    tab.page.click("#s01-t2 .pick")
    tab.page.emulate_media(media="print")
    assert not tab.page.locator("#_tools").is_visible()
    assert tab.shown() == ALL
    picks = tab.page.locator(".foot > .pick")
    assert [each.is_visible() for each in picks.all()].count(True) == 1, "the mark of the take that is picked"


def test_a_thousand_scenes(opened: Any, tmp_path: Path) -> None:
    page = boards.many(tmp_path / "film", 1000, bytes_each=7_900)
    assert 15_000_000 < page.stat().st_size <= 20_000_000
    tab = opened(page)
    timing = tab.page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    print(f"1,000 scenes, {page.stat().st_size} bytes: usable after {timing['domInteractive']:.0f} ms")
    tab.page.fill("#_text", "s0500")
    assert tab.shown() == ["s0500"]
    tab.page.click("#s0500 a.poster")
    begins(tab.page, "#s0500 video")
    assert tab.page.locator("symbol").count() == 1


def test_a_client_sees_no_money_plays_what_stands_and_sends_choices_back(
    opened: Any, board: Path, tmp_path: Path
) -> None:
    run_dir = shutil.copytree(board.parent, tmp_path / "garden")
    write_export(run_dir, "html", tmp_path / "sent", costs=False)
    client = (tmp_path / "sent").rename(tmp_path / "y #1 100% ö")
    tab = opened(client / "index.html", viewport=HD)
    assert tab.shown() == ALL
    words = tab.page.inner_text("body").lower()
    private = ("usd", "cost", "charged", "budget", "seed", "001028095", "dearest")
    assert [word for word in private if word in words] == []
    tab.page.click("#s02 a.poster")
    begins(tab.page, "#s02 video")
    tab.page.hover("#s01-t2 .poster")
    assert tab.page.locator("#s01-t2 .strip").is_visible()
    tab.page.focus("#s01-t1")
    tab.page.keyboard.press("2")
    assert "send it to whoever sent you this page" in tab.page.inner_text("#_choices")
    assert "batchgen pick" not in tab.page.inner_text("#_choices")
    with tab.page.expect_download() as download:
        tab.page.click("#_save")
    assert pick_from(run_dir, download.value.path()) == 1
    assert picks(run_dir) == ["# batchgen picks garden", "s01-t2"]
    tab.page.keyboard.press("f")
    tab.page.wait_for_selector("#_slate:not([hidden])")
    assert "there is no video of it here" in tab.page.inner_text("#_slate")
