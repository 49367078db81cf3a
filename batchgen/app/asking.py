"""Asks the gateway what the scenes of a plan would cost, where its provider knows how to ask.

Nothing is bought: what is sent is a preview, once for each kind of request, with addresses in place of local
media. Whatever becomes of it, the plan stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from batchgen.app.connecting import UNENCRYPTED, connection_of, is_open_to_all
from batchgen.app.notices import Notify, Warned
from batchgen.app.planning import Plan
from batchgen.app.run_options import RunOptions
from batchgen.model import Request
from batchgen.providers.api_key import ApiKey
from batchgen.providers.interface import PricePreview, PricePreviewer
from batchgen.providers.registry import provider_named
from batchgen.references import Reference
from batchgen.report.tables import some_of

_STAND_IN = {
    "image": "https://example.com/reference.png",
    "video": "https://example.com/reference.mp4",
    "audio": "https://example.com/reference.mp3",
}
"""What is sent in place of local media: addresses that are reserved for examples."""
_Kind: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Scenes that would cost the same, and a request that stands for them."""

    scene_ids: tuple[str, ...]
    request: Request


def with_gateway_costs(made: Plan, key: ApiKey | str | None, options: RunOptions, notify: Notify) -> Plan:
    """The plan with what the gateway says that its purchases would cost.

    Raises `UsageError` without a key, or for a base URL that cannot be one. Whatever the gateway does is told as a
    warning, and leaves costs unstated.
    """
    provider = provider_named(made.batch.provider, made.batch.loading.providers)
    base_url = provider.base_url if options.base_url is None else options.base_url
    connection = connection_of(provider, base_url, key, options)
    formats = provider.formats_for(options.request_format)
    forms = sorted(formats, key=lambda form: form != made.state.request_format)
    if provider.price_previewer is None:
        notify(Warned(f"the provider {provider.name} offers no price preview; nothing was asked"))
        return replace(made, gateway_costs={})
    with closing(provider.price_previewer(connection)) as previewer:
        groups = list(_groups(made))
        if groups and is_open_to_all(base_url):
            notify(Warned(UNENCRYPTED))
        previews = list(_previews(previewer, groups, forms))
    for warning in _warnings(groups, previews):
        notify(Warned(warning))
    costs = {
        scene_id: preview.cost_usd
        for group, preview in zip(groups, previews, strict=True)
        for scene_id in group.scene_ids
        if preview.cost_usd is not None
    }
    return replace(made, gateway_costs=costs)


def _groups(made: Plan) -> Iterator[_Group]:
    """The purchases of a plan, by all that a price may depend on."""
    requests, found = made.maker.requests, dict[_Kind, list[str]]()
    for scene in (step.scene for step in made.steps if step.buys):
        kind = _kind(scene.request.tier, requests[scene.scene_id])
        found.setdefault(kind, []).append(scene.scene_id)
    for scene_ids in found.values():
        request = requests[scene_ids[0]]
        document = {name: _without_media(value) for name, value in request.document.items()}
        yield _Group(tuple(scene_ids), Request(request.asked, document))


def _kind(tier: str | None, request: Request) -> _Kind:
    asked = request.asked
    return tier, asked.size, asked.seconds, asked.reference_videos, len(list(_references(request.document)))


def _references(value: Any) -> Iterator[Reference]:
    """The references in a document, at any depth."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _references(item)


def _without_media(value: Any) -> Any:
    """A document with an address in place of each file and each data URI."""
    if isinstance(value, Reference):
        return value if value.content is None else Reference(_STAND_IN[value.content.facts.kind])
    if isinstance(value, Mapping):
        return {name: _without_media(item) for name, item in value.items()}
    return [_without_media(item) for item in value] if isinstance(value, list | tuple) else value


def _previews(previewer: PricePreviewer, groups: Iterable[_Group], forms: Sequence[str]) -> Iterator[PricePreview]:
    """What was said of each group; once there is nothing more to be had, or something was bought, none is asked."""
    last: PricePreview | None = None
    for group in groups:
        if last is None:
            preview, forms = _in_any_form(previewer, group.request, forms)
            last = preview if preview.is_last else None
            yield preview
        else:
            yield PricePreview(why=last.why or "nothing more was asked")


def _in_any_form(
    previewer: PricePreviewer, request: Request, forms: Sequence[str]
) -> tuple[PricePreview, Sequence[str]]:
    """What was said in the first form that is not refused, and that form first; else what was said in the first."""
    first = previewer.preview(request, forms[0])
    if first.is_refused:
        for form in forms[1:]:
            preview = previewer.preview(request, form)
            if not preview.is_refused:
                return preview, sorted(forms, key=lambda each: each != form)
    return first, forms


def _warnings(groups: Sequence[_Group], previews: Sequence[PricePreview]) -> Iterator[str]:
    """What a user has to know: a task that may have been bought, and why prices are missing."""
    unstated: dict[str, list[str]] = {}
    for group, preview in zip(groups, previews, strict=True):
        if preview.task_id is not None:
            yield (
                f"the price preview of {group.scene_ids[0]} was answered with a task id, {preview.task_id}. The "
                "gateway may have created a task, and may charge it. No further preview was sent; look that task up "
                "at your provider before you ask again"
            )
        elif preview.cost_usd is None:
            unstated.setdefault(preview.why, []).extend(group.scene_ids)
    for why, names in unstated.items():
        yield f"the gateway states no price for {some_of(names)}: {why}"
