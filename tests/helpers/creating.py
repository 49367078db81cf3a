"""Creating a task at a gateway, where neither the id of the call nor the form of the request is the matter."""

from batchgen.model import Request
from batchgen.providers.interface import Created, Gateway

REQUEST_ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"


def create(gateway: Gateway, request: Request, request_format: str = "documented") -> Created:
    """Create a task. Raises `CallFailed`."""
    return gateway.create(request, request_id=REQUEST_ID, request_format=request_format)
