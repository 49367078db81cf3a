"""The two calls of this gateway over HTTP."""

from urllib.parse import quote

from batchgen.model import Request
from batchgen.providers.http import JsonHttp
from batchgen.providers.interface import Created, Task
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix import codec
from batchgen.providers.vtrix.request_body import RequestFormat, as_sent

_CREATE_PATH = "/model/v1/generation"
_TASK_PATH = "/model/v1/generation/task/"


class VtrixGateway:
    """One instance for a run, safe to share between threads."""

    def __init__(self, connection: Connection) -> None:
        """Connect to nothing yet. Raises `UsageError` for a base URL that cannot be one."""
        self._http = JsonHttp(connection)

    def create(self, request: Request, *, request_id: str, request_format: str) -> Created:
        """Create a task; sends the request once. Raises `CallFailed`."""
        body = as_sent(request.document, RequestFormat(request_format))
        return codec.read_created(self._http.post(_CREATE_PATH, body, {"X-Request-Id": request_id}))

    def read(self, task_id: str) -> Task:
        """Read a task. Raises `CallFailed`."""
        return codec.read_task(self._http.get(_TASK_PATH + quote(task_id, safe="")), task_id)

    def close(self) -> None:
        """Close all idle connections."""
        self._http.close()
