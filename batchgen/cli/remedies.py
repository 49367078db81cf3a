"""What to type about an error."""

from collections.abc import Mapping
from shlex import quote

from batchgen.errors import BatchgenError, Remedy

REMEDIES: Mapping[Remedy, str] = {
    Remedy.GIVE_KEY: "put it into {about} or name a file with --api-key-file; to rehearse without one, use --emulator",
    Remedy.GO_ON_THERE: "to go on with them add --run-dir {about}, or move the folder there",
    Remedy.LIST_FAULTS: "all faults are listed by: batchgen emulator --list-faults",
    Remedy.INSTALL_EXTRA: "install it with: pip install 'batchgen[{about}]'",
    Remedy.MAP_COLUMN: "say which column it is with --map, as in --map prompt=Description or --map prompt=C",
    Remedy.NAME_MODEL: "give the name that it has in requests with --name",
    Remedy.OTHER_FORM: "a contract is read with --contract, a list of parameters without",
    Remedy.OTHER_GATEWAY: (
        "name it with --base-url {about}, or give another --run-dir; where the same gateway has moved, add --rebind"
    ),
    Remedy.OTHER_RUN_DIR: "another run directory is named with --run-dir",
    Remedy.PUBLISH: (
        "say where to publish it with --publish, as in --publish s3://bucket/prefix, or with your provider's upload "
        "address"
    ),
    Remedy.REPLACE: "to have that, add --force",
    Remedy.REUSE_FROM: "or have them there, free, with: --run-dir NEW --reuse {about}",
    Remedy.SAVE_PLAN: "plans are saved with: batchgen plan MANIFEST --out FILE",
    Remedy.SAY_WHAT_BECAME: "say --task-id ID or --not-created",
    Remedy.SAY_ENCODING: "or say its encoding with --encoding, as in --encoding cp1252",
    Remedy.SALVAGE: "what can be saved is shown by: batchgen report --salvage {about}",
}


def message_of(error: BatchgenError) -> str:
    """The message of an error, and what to type about it."""
    if error.remedy is None:
        return str(error)
    return f"{error}; {REMEDIES[error.remedy].format(about=quote(error.about))}"
