"""What scenes would cost: price of the tier times duration. Pure, exact, unknown without a price."""

from decimal import Decimal

from batchgen.engine.events import SceneFacts
from batchgen.model import Manifest, Scene
from batchgen.money import times


def scene_facts(manifest: Manifest) -> tuple[SceneFacts, ...]:
    """The scenes of a manifest as the engine and the reports know them."""
    return tuple(
        SceneFacts(
            scene_id=scene.id,
            request_sha256=scene.request.sha256,
            request=scene.request.as_json(),
            tier=scene.tier,
            characters=scene.characters,
            estimated_cost_usd=estimate(scene, manifest),
        )
        for scene in manifest.scenes
    )


def estimate(scene: Scene, manifest: Manifest) -> Decimal | None:
    """US dollars for one scene; None where its tier has no price or it has no duration."""
    price = manifest.pricing.get(scene.tier or "")
    duration = scene.request.parameters.get("duration")
    return times(price, duration) if price is not None and isinstance(duration, int) else None
