"""What scenes would cost: seconds of output and of billed reference, at their prices. Pure, exact."""

from batchgen.engine.events import SceneFacts
from batchgen.engine.prices import Prices
from batchgen.scenes import Manifest


def scene_facts(manifest: Manifest, prices: Prices) -> tuple[SceneFacts, ...]:
    """The scenes of a manifest as the engine and the reports know them."""
    requests = [scene.facts() for scene in manifest.scenes]
    return tuple(
        SceneFacts(
            scene_id=scene.id,
            request=request,
            estimated_cost_usd=prices.estimate(request),
            any_seed=scene.any_seed,
            shot=scene.shot,
            take=scene.take,
            title=scene.title or "",
            note=scene.note or "",
            sources=tuple(map(str, scene.results)),
            built_on=tuple(scene.built_on),
            review=scene.review,
        )
        for scene, request in zip(manifest.scenes, requests, strict=True)
    )
