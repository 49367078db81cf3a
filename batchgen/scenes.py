"""What a manifest is once it is expanded: scenes with their requests. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from batchgen.model import DataPath, ReferencePrice, Request, RequestFacts
from batchgen.references import Reference, ResultReference


@dataclass(frozen=True, slots=True)
class Scene:
    """One video to generate: a shot of the manifest, or one of its takes.

    ``path`` leads to the entry of the manifest that it comes from, ``characters`` names the cast
    members among its references, in order of their numbers. ``take`` is None where the shot has one
    only. ``title`` and ``note`` are for people and have no part in the request. ``alike`` is the request but for its
    seed where the manifest writes none; None where one is written. ``review`` says that nothing is built on its
    result before it is picked. ``built_on`` are the attempts whose results it is made of, as ``SCENE@N``; empty while
    one of those is still to come. ``with_seed`` makes the
    same request with another seed; None where the model takes none.
    """

    id: str
    path: DataPath
    request: Request
    tier: str | None
    characters: tuple[str, ...]
    shot: str
    take: int | None = None
    title: str | None = None
    note: str | None = None
    alike: Request | None = None
    review: bool = False
    built_on: tuple[str, ...] = ()
    with_seed: Callable[[int], Request] | None = field(default=None, compare=False, repr=False)

    @property
    def any_seed(self) -> str | None:
        """What requests have in common that differ in a seed that nobody wrote."""
        return None if self.alike is None else self.alike.sha256

    @property
    def results(self) -> tuple[ResultReference, ...]:
        """The results of other scenes that it is made of, each once, in the order of the references."""
        found = (each.result for each in self.request.references if each.result is not None)
        return tuple(dict.fromkeys(found))

    def made_of(self, found: Mapping[ResultReference, Reference], built_on: tuple[str, ...]) -> "Scene":
        """The scene with what was found in place of the results that it waits for."""
        alike = None if self.alike is None else self.alike.made_of(found)
        return replace(self, request=self.request.made_of(found), alike=alike, built_on=built_on)

    def facts(self) -> RequestFacts:
        """What is known of its request without the files."""
        request = self.request
        return RequestFacts(request.sha256, request.as_json(), self.tier, self.characters, request.asked)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, expanded: what is to be generated, in order, and what it may cost.

    ``pricing`` is US dollars per second of output by tier, ``reference_price`` what stands beside it for reference
    video, ``budget_usd`` US dollars or None, ``run`` the options for a run, with paths as they are written.
    ``profile`` is the one whose settings are laid over the defaults, None for none; ``profiles`` are all there are.
    """

    name: str
    model: str
    pricing: Mapping[str, Decimal]
    budget_usd: Decimal | None
    scenes: tuple[Scene, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    reference_price: ReferencePrice = None
    profile: str | None = None
    profiles: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The expanded manifest as JSON; the same manifest and files give the same bytes."""
        return {
            "name": self.name,
            "model": self.model,
            "pricing": {tier: str(price) for tier, price in self.pricing.items()},
            **({} if self.reference_price is None else {"reference_video": str(self.reference_price)}),
            "budget_usd": None if self.budget_usd is None else str(self.budget_usd),
            **({"run": dict(self.run)} if self.run else {}),
            **({} if self.profile is None else {"profile": self.profile}),
            "scenes": [
                {
                    "scene_id": scene.id,
                    "tier": scene.tier,
                    "characters": list(scene.characters),
                    "request_sha256": scene.request.sha256,
                    "request": scene.request.as_json(),
                }
                for scene in self.scenes
            ],
        }
