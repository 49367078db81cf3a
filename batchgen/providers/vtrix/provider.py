"""The provider of ``wan26_r2v`` and its relatives; the HTTP library is imported where a gateway is connected to."""

from batchgen.providers.interface import Gateway, PricePreviewer, Uploader
from batchgen.providers.provider import Connection, Provider
from batchgen.providers.vtrix import contract, parameter_list
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.providers.vtrix.request_body import RequestFormat, asked_before, has_one_form


def _connect(connection: Connection) -> Gateway:
    from batchgen.providers.vtrix.client import VtrixGateway

    return VtrixGateway(connection)


def _previewer(connection: Connection) -> PricePreviewer:
    from batchgen.providers.vtrix.price_preview import VtrixPricePreviewer

    return VtrixPricePreviewer(connection)


def _uploader(connection: Connection) -> Uploader:
    from batchgen.providers.vtrix.upload import VtrixUploader

    return VtrixUploader(connection)


VTRIX = Provider(
    name="vtrix",
    base_url="https://cloud.vtrix.ai",
    key_variable="BATCHGEN_API_KEY",
    request_formats=tuple(RequestFormat),
    errors=ERROR_POLICY,
    connect=_connect,
    has_one_form=has_one_form,
    asked_before=asked_before,
    specifications={"list": parameter_list.read, "contract": contract.read},
    price_previewer=_previewer,
    uploader=_uploader,
)
