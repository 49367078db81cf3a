"""defaults → vars → cast → takes → seeds: from what a manifest says to scenes with explicit requests. Pure.

It works on manifests with faults, too, so that all problems can be told in one go: what the schema
refused counts as not there, and a scene that lacks something needed is expanded no further.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from math import isfinite
from typing import Any

from batchgen.errors import UsageError
from batchgen.manifest.cast import Filled, Names, fill
from batchgen.manifest.reference_billing import ReferenceBilling
from batchgen.manifest.tiers import Tiers
from batchgen.model import Asked, Data, DataPath, Request, RequestForm, Scalar, SceneSettings
from batchgen.options import as_numbers
from batchgen.references import FIRST, LAST, Content, Reference, ResultReference, Source
from batchgen.scenes import Manifest, Scene
from batchgen.schemas import Schema

_APART = frozenset({"prompt", "references", "seed"})
"""Settings that are more than a value that is passed on."""
_SOUND = "audio_url"
_RANDOM = "random"
_REFERENCE_VIDEO = "reference_video"
"""What stands among the tiers in the prices and is none."""
_DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Model:
    """What the expansion has to know of a model; all of it comes from the model's schemas and its provider.

    ``references`` is what a manifest's references have to be as a list, empty where the model takes none.
    ``names_characters`` says whether prompts name the references as characterN, ``seconds`` how long each video is
    where scenes do not say that; None where nobody knows.
    """

    name: str
    form: RequestForm
    tiers: Tiers
    most_takes: int
    references: Mapping[str, Any]
    names_characters: bool
    billing: ReferenceBilling | None
    seconds: int | None = None

    @classmethod
    def from_schemas(cls, description: Schema, settings: Schema, form: RequestForm) -> "Model":
        """Read the model off its description, its settings schema and the form of its requests."""
        taken = settings.get("$defs", {}).get("settings", {}).get("properties")
        name = description["name"]
        if not taken:
            raise UsageError(
                f"the model {name} has no settings; its settings.schema.json needs $defs/settings/properties"
            )
        if "prompt" not in form.settings:
            raise UsageError(f"the model {name} has no prompt; its request.schema.json needs one among its properties")
        return cls(
            name=name,
            form=form,
            tiers=Tiers.described(description),
            most_takes=taken.get("takes", {}).get("maximum", 1),
            references=taken.get("references", {}),
            names_characters=description.get("characters", True),
            billing=ReferenceBilling.from_description(description),
            seconds=description.get("seconds"),
        )

    def asked(self, wanted: SceneSettings) -> Asked:
        """What a request is remembered to ask for, the reference videos that may be billed included."""
        asked = wanted.asked()
        asked = asked if asked.seconds is not None else replace(asked, seconds=self.seconds)
        if self.billing is None:
            return replace(asked, reference_videos=0, reference_seconds=Decimal(0))
        videos = self.billing.videos(wanted.references)
        return replace(asked, reference_videos=len(videos), reference_seconds=self.billing.seconds(videos))

    def default(self, setting: str) -> Any:
        """The value that the API documents for a setting that is left out; None where there is none."""
        return self.form.settings.get(setting, {}).get("default")

    def tier(self, settings: Mapping[str, object]) -> str | None:
        """The price tier of a scene; None where the setting that prices hang on has no value, or one of no tier."""
        return self.tiers.of(settings.get(self.tiers.by, self.default(self.tiers.by)))

    @property
    def most_with_vars(self) -> int | None:
        """How long vars may make a prompt before it is let be: beyond the model's limit in any case."""
        longest = self.form.settings.get("prompt", {}).get("maxLength")
        return 2 * longest if isinstance(longest, int) else None


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry of ``scenes`` with its defaults and its cast put in, before takes and seeds.

    ``origins`` tells where each setting was written, in the scene or in the defaults; ``refused``
    names those that were written but that the schema refused.
    """

    path: DataPath
    id: str | None
    settings: Mapping[str, Data]
    origins: Mapping[str, DataPath]
    filled: Filled | None
    refused: frozenset[str]

    @property
    def takes(self) -> int:
        """How many scenes this entry stands for."""
        takes = self.settings.get("takes", 1)
        return takes if isinstance(takes, int) else 1

    def scene_ids(self) -> list[str]:
        """The ids of its scenes: its own, or with -t1, -t2 … for several takes."""
        if self.id is None:
            return []
        return [self.id] if self.takes == 1 else [f"{self.id}-t{take}" for take in range(1, self.takes + 1)]


def drafts(data: Mapping[str, Data], refused: Collection[DataPath], model: Model) -> Iterator[Draft]:
    """The entries of ``scenes``, each with defaults, vars and cast.

    ``refused`` holds the paths of what the schema refused: settings, cast members, whole scenes.
    """
    defaults = accepted(data.get("defaults"), ("defaults",), refused)
    default_origins: dict[str, DataPath] = {name: ("defaults", name) for name in defaults}
    refused_defaults = frozenset(str(path[1]) for path in refused if path[0] == "defaults" and len(path) > 1)
    names = _names(data, model)
    faulty = {path[1] for path in refused if path[0] == "scenes" and len(path) > 1}
    scenes = data.get("scenes")
    for index, entry in enumerate(scenes if isinstance(scenes, list) else ()):
        path: DataPath = ("scenes", index)
        if not isinstance(entry, dict):
            continue
        own = accepted(entry, path, refused) if index in faulty else entry
        settings = {**defaults, **own}
        scene_id = own.get("id")
        yield Draft(
            path=path,
            id=scene_id if isinstance(scene_id, str) else None,
            settings=settings,
            origins={**default_origins, **{name: (*path, name) for name in own}},
            filled=_filled(settings, names),
            refused=refused_defaults.union(entry.keys() - own.keys()).difference(own),
        )


def accepted(entry: Data, path: DataPath, refused: Collection[DataPath]) -> dict[str, Data]:
    """The entries of a mapping that the schema has not refused; none where it is no mapping."""
    if not isinstance(entry, dict) or path in refused:
        return {}
    return {name: value for name, value in entry.items() if (*path, name) not in refused}


def source_of(written: Data) -> Source | None:
    """What is named as a reference; None for what is refused elsewhere."""
    if isinstance(written, str):
        return written
    scene = written.get("scene") if isinstance(written, dict) else None
    if not isinstance(written, dict) or not isinstance(scene, str):
        return None
    return ResultReference(scene, _moment(written.get("frame")))


def _moment(frame: Data) -> str:
    """The moment of a still, written in one way; empty for a whole video."""
    if isinstance(frame, bool | list | dict) or frame is None or frame in (FIRST, LAST):
        return frame if isinstance(frame, str) else ""
    try:
        number = Decimal(frame)
    except InvalidOperation:
        return str(frame)  # it is refused elsewhere
    return format(number.normalize(), "f") if number.is_finite() else ""


def _cast(members: Data) -> dict[str, Source]:
    """The cast; a member that is no reference is refused elsewhere, and still known by name here."""
    if not isinstance(members, dict):
        return {}
    return {name: source_of(source) or name for name, source in members.items()}


def _names(data: Mapping[str, Data], model: Model) -> Names:
    """What names in braces stand for; a var that is not a text is refused elsewhere, and empty here."""
    texts = data.get("vars")
    listed = texts.items() if isinstance(texts, dict) else ()
    cast = _cast(data.get("cast"))
    known = {name: text if isinstance(text, str) else "" for name, text in listed if name not in cast}
    return Names(cast, known) if model.most_with_vars is None else Names(cast, known, model.most_with_vars)


def _filled(settings: Mapping[str, Data], names: Names) -> Filled | None:
    prompt, references = settings.get("prompt"), settings.get("references", [])
    if not isinstance(prompt, str) or not isinstance(references, list):
        return None
    return fill(prompt, [source for source in map(source_of, references) if source is not None], names)


def manifest(
    data: Mapping[str, Any], model: Model, entries: Collection[Draft], contents: Mapping[Source, Content]
) -> Manifest:
    """The expanded manifest. ``data`` and ``entries`` are without faults; ``contents`` are measured.

    Those of results are what is asked for.
    """
    budget, pricing = data.get("budget_usd"), dict(data.get("pricing", {}))
    reference = pricing.pop(_REFERENCE_VIDEO, None)
    return Manifest(
        name=data["name"],
        model=model.name,
        pricing={tier: Decimal(price) for tier, price in pricing.items()},
        reference_price=reference if reference in (None, "same") else Decimal(reference),
        budget_usd=None if budget is None else Decimal(budget),
        run=as_numbers(data.get("run", {})),
        scenes=tuple(scene for draft in entries for scene in _scenes(draft, data["name"], model, contents)),
    )


def _scenes(draft: Draft, name: str, model: Model, contents: Mapping[Source, Content]) -> Iterator[Scene]:
    filled = draft.filled
    if filled is None:  # pragma: no cover - a draft without faults has a prompt
        return
    references = tuple(_reference(source, contents) for source in filled.sources)
    others = _others(draft.settings, model, contents)
    tier = model.tier(others)
    characters = tuple(filled.members[source] for source in filled.sources if source in filled.members)
    for number, scene_id in enumerate(draft.scene_ids()):
        seed = _seed(draft, name, model, number)
        explicit = others if seed is None else {**others, "seed": seed}
        wanted = SceneSettings(model.name, filled.prompt, references, explicit)
        request = _request(model, wanted)
        yield Scene(
            id=scene_id,
            path=draft.path,
            request=request,
            tier=tier,
            characters=characters,
            shot=str(draft.id),
            take=number + 1 if draft.takes > 1 else None,
            title=_text(draft, "title"),
            note=_text(draft, "note"),
            alike=_alike(draft, model, wanted, request),
            review=draft.settings.get("review") is True,
            with_seed=partial(_with_seed, model, wanted) if "seed" in model.form.settings else None,
        )


def _request(model: Model, wanted: SceneSettings) -> Request:
    return Request(model.asked(wanted), model.form.document(wanted))


def _with_seed(model: Model, wanted: SceneSettings, seed: int) -> Request:
    return _request(model, replace(wanted, others={**wanted.others, "seed": seed}))


def _reference(source: Source, contents: Mapping[Source, Content]) -> Reference:
    result = source if isinstance(source, ResultReference) else None
    return Reference(str(source), contents.get(source), result)


def _alike(draft: Draft, model: Model, wanted: SceneSettings, request: Request) -> Request | None:
    """What requests have in common that differ in a seed that nobody wrote; None where one is written.

    Where a seed is derived, that is not what they have where none is sent.
    """
    if isinstance(draft.settings.get("seed"), int):
        return None
    if "seed" not in wanted.others:
        return request
    alike = replace(wanted, others={**wanted.others, "seed": _DERIVED})
    return _request(model, alike)


def _text(draft: Draft, setting: str) -> str | None:
    text = draft.settings.get(setting)
    return text if isinstance(text, str) else None


def _others(
    settings: Mapping[str, Data], model: Model, contents: Mapping[Source, Content]
) -> dict[str, Scalar | float | Reference]:
    """Every setting but prompt, references and seed, those left out at the value that the API documents.

    A sound on this machine is a file that is known by its content, as references are.
    """
    explicit: dict[str, Scalar | float | Reference] = {}
    for name in model.form.settings:
        value = settings.get(name, model.default(name))
        if name not in _APART and not isinstance(value, list | dict) and value is not None:
            explicit[name] = as_json_number(value)
    sound = contents.get(str(explicit.get(_SOUND)))
    if sound is not None and sound.is_file:
        explicit[_SOUND] = Reference(str(explicit[_SOUND]), sound)
    return explicit


def as_json_number(value: Scalar | float) -> Scalar | float:
    """A number as JSON writes it: 1.0 as 1, so that it is the same request however a manifest writes it."""
    if not isinstance(value, Decimal | float):
        return value
    number = float(value)
    return number if isfinite(number) and not number.is_integer() else int(value)


def _seed(draft: Draft, name: str, model: Model, take: int) -> int | None:
    """The seed of a take: written, or derived from the names so that a run can be repeated.

    A derived seed leaves room for as many takes as there may be: one take more does not change
    the seeds of the others.
    """
    schema = model.form.settings.get("seed")
    written = draft.settings.get("seed")
    if schema is None or written == _RANDOM:
        return None
    if isinstance(written, int):
        return written + take
    least, most = int(schema["minimum"]), int(schema["maximum"])
    digest = hashlib.sha256(f"{name}/{draft.id}".encode()).digest()
    room = max(most - least - model.most_takes + 2, 1)
    return least + int.from_bytes(digest[:8], "big") % room + take
