"""What to know of the files of a plan before it is carried out. Pure."""

from collections.abc import Mapping, Sequence

from batchgen.report.tables import some_of

_MB = 1024 * 1024


def long_bodies(scene_ids: Sequence[str], most_bytes: int) -> str:
    """What to say of scenes whose requests are longer than the gateway may take."""
    which = "The request of {} is" if len(scene_ids) == 1 else "The requests of {} are"
    return (
        f"{which.format(some_of(scene_ids))} longer than the {most_bytes // _MB} MB that the gateway may take, files "
        "included; with --publish URL they go up first, and the request names them"
    )


def open_bodies(scene_ids: Sequence[str], most_bytes: int) -> str:
    """What to say of scenes whose requests have results in them that are not here yet."""
    which = "the request of {}" if len(scene_ids) == 1 else "the requests of {}"
    return (
        f"whether {which.format(some_of(scene_ids))} will be longer than the {most_bytes // _MB} MB that the gateway "
        "may take is known only once the results are here that go into it; with --publish URL these go up first"
    )


def lost_results(lost: Mapping[str, str]) -> str:
    """What to say of scenes that are bought, by id, though another run directory had the result that is named."""
    whose = some_of([f"{scene_id} ({name})" for scene_id, name in lost.items()])
    which = "a result" if len(lost) == 1 else f"{len(lost)} results"
    return (
        f"the file of {which} to be linked in is gone, or is not the one that was delivered, so that these scenes are "
        f"bought again: {whose}. Put the file back, or have that directory fetch it with a run of its own"
    )
