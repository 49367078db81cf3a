"""The provider of ``wan26_r2v`` and its relatives."""

from batchgen.providers.provider import Provider
from batchgen.providers.vtrix import contract, parameter_list
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.providers.vtrix.error_policy import ERROR_POLICY
from batchgen.providers.vtrix.price_preview import VtrixPricePreviewer
from batchgen.providers.vtrix.request_body import RequestFormat, asked_before, has_one_form

VTRIX = Provider(
    name="vtrix",
    base_url="https://cloud.vtrix.ai",
    key_variable="BATCHGEN_API_KEY",
    request_formats=tuple(RequestFormat),
    errors=ERROR_POLICY,
    connect=VtrixGateway,
    has_one_form=has_one_form,
    asked_before=asked_before,
    specifications={"list": parameter_list.read, "contract": contract.read},
    price_previewer=VtrixPricePreviewer,
)
