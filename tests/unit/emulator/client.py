"""A plain client that knows nothing of how the emulator is made, and requests for it."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import urllib3
from PIL import Image

from batchgen.schemas import DEFAULT_MODEL

CREATE = "/model/v1/generation"
KEY = "Bearer secret-key-of-the-test"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def code(self) -> str:
        code: str = self.json()["error"]["code"]
        return code


class Client:
    def __init__(self, base_url: str, log: Path) -> None:
        self.base_url = base_url
        self.log = log
        self._pool = urllib3.PoolManager(retries=False, timeout=20)

    def close(self) -> None:
        self._pool.clear()

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        url = path if path.startswith("http") else self.base_url + path
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._pool.request(method, url, body=body, headers={"Authorization": KEY, **given})
        return Answer(answer.status, answer.headers, answer.data)

    def create(self, document: object) -> Answer:
        return self.send("POST", CREATE, json.dumps(document).encode())

    def read(self, task_id: str) -> Answer:
        return self.send("GET", f"{CREATE}/task/{task_id}")

    def ended(self, task_id: str) -> Any:
        """The task once it has ended."""
        for _ in range(1000):
            task = self.read(task_id).json()
            if task["status"].lower() in ("completed", "failed"):
                return task
            time.sleep(0.02)
        raise AssertionError(f"{task_id} has not ended")

    def bought(self, document: object) -> Any:
        """Create a task and wait for its end."""
        return self.ended(self.create(document).json()["id"])

    def entries(self, event: str = "") -> list[Any]:
        """What stands in the log."""
        entries = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [entry for entry in entries if not event or entry["event"] == event]


Start = Callable[..., Client]


def request(prompt: str = "character1 waves", *references: str, **parameters: Any) -> dict[str, Any]:
    """A request for the smallest of videos."""
    return {
        "model": DEFAULT_MODEL,
        "input": {"prompt": prompt, "reference_urls": list(references) or ["https://example.com/a.png"]},
        "parameters": {"size": "1280*720", "duration": 2, "audio": False, "seed": 7, **parameters},
    }


def picture(color: str = "red", form: str = "PNG", mode: str = "RGB") -> bytes:
    buffer = BytesIO()
    Image.new(mode, (400, 400), color).save(buffer, form)
    return buffer.getvalue()


def data_uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
