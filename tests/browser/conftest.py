"""A browser for the whole session, and boards to look at. Skipped where there is none: nox -s browser has both."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import boards

playwright = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[browser]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if is_root else [])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every status; whoever changes files takes a copy."""
    return boards.every_status(tmp_path_factory.mktemp("every") / "garden")


class Tab:
    """A page in a context of its own, with what went wrong in it."""

    def __init__(self, chromium: Any, path: Path, **how: Any) -> None:
        self.context = chromium.new_context(**how)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._dismissed)
        self.page.goto(path.resolve().as_uri())

    def _dismissed(self, dialog: Any) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def shown(self) -> list[str]:
        """The ids of the scenes that are to be seen, in their order."""
        seen = "[...document.querySelectorAll('.take')].filter((one) => one.checkVisibility()).map((one) => one.id)"
        found: list[str] = self.page.evaluate(seen)
        return found

    def focused(self) -> str:
        """The id of what has the focus."""
        return str(self.page.evaluate("document.activeElement.id"))


@pytest.fixture
def opened(chromium: Any) -> Iterator[Any]:
    """Opens pages; nothing may go wrong in any, and nothing may be asked of a network."""
    tabs: list[Tab] = []

    def open_page(path: Path, **how: Any) -> Tab:
        tabs.append(Tab(chromium, path, **how))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        tab.context.close()
        assert tab.wrong == []
        assert [url for url in tab.asked if not url.startswith(("file:", "data:"))] == []
