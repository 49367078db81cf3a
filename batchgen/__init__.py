"""Declarative batch runner for paid, slow, remote video generations.

What stands in ``__all__`` is the library: a manifest is loaded, planned and run from Python as the
commands do it. It prints nothing, ends no process, installs no signal handler, and may be used from
any thread; docs/library.md shows how.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from batchgen.version import __version__

if TYPE_CHECKING:
    from batchgen.app.api import load_manifest as load_manifest
    from batchgen.app.api import plan as plan
    from batchgen.app.api import run as run
    from batchgen.app.auditing import AuditResult as AuditResult
    from batchgen.app.auditing import Columns as Columns
    from batchgen.app.auditing import audit as audit
    from batchgen.app.checking import InvalidManifest as InvalidManifest
    from batchgen.app.checking import check as check
    from batchgen.app.emulating import start_emulator as start_emulator
    from batchgen.app.exporting import ExportResult as ExportResult
    from batchgen.app.exporting import write_export as write_export
    from batchgen.app.loading import Batch as Batch
    from batchgen.app.model_import import ImportedModel as ImportedModel
    from batchgen.app.model_import import import_model as import_model
    from batchgen.app.notices import Advanced as Advanced
    from batchgen.app.notices import Notice as Notice
    from batchgen.app.notices import ProblemsFound as ProblemsFound
    from batchgen.app.notices import Standing as Standing
    from batchgen.app.notices import WaitsForAnswers as WaitsForAnswers
    from batchgen.app.notices import Warned as Warned
    from batchgen.app.picking import clear_picks as clear_picks
    from batchgen.app.picking import pick as pick
    from batchgen.app.planning import Plan as Plan
    from batchgen.app.reporting import SalvageResult as SalvageResult
    from batchgen.app.reporting import salvage as salvage
    from batchgen.app.reporting import write_reports as write_reports
    from batchgen.app.resolving import resolve as resolve
    from batchgen.app.results import RunResult as RunResult
    from batchgen.app.run_directory import RunDirectory as RunDirectory
    from batchgen.app.scene_results import SceneResult as SceneResult
    from batchgen.app.scene_results import Totals as Totals
    from batchgen.engine.commands import Stop as Stop
    from batchgen.errors import BatchgenError as BatchgenError
    from batchgen.errors import InvalidInput as InvalidInput
    from batchgen.errors import RefusedRun as RefusedRun
    from batchgen.errors import Remedy as Remedy
    from batchgen.errors import RunDirectoryError as RunDirectoryError
    from batchgen.errors import UsageError as UsageError
    from batchgen.model import Problem as Problem
    from batchgen.providers.api_key import ApiKey as ApiKey
    from batchgen.report.rows import SceneStatus as SceneStatus

_HOMES = {
    "batchgen.app.auditing": ("AuditResult", "Columns", "audit"),
    "batchgen.app.checking": ("InvalidManifest", "check"),
    "batchgen.app.emulating": ("start_emulator",),
    "batchgen.app.api": ("load_manifest", "plan", "run"),
    "batchgen.app.exporting": ("ExportResult", "write_export"),
    "batchgen.app.loading": ("Batch",),
    "batchgen.app.model_import": ("ImportedModel", "import_model"),
    "batchgen.app.notices": ("Advanced", "Notice", "ProblemsFound", "Standing", "WaitsForAnswers", "Warned"),
    "batchgen.app.picking": ("clear_picks", "pick"),
    "batchgen.app.planning": ("Plan",),
    "batchgen.app.reporting": ("SalvageResult", "salvage", "write_reports"),
    "batchgen.app.resolving": ("resolve",),
    "batchgen.app.results": ("RunResult",),
    "batchgen.app.run_directory": ("RunDirectory",),
    "batchgen.app.scene_results": ("SceneResult", "Totals"),
    "batchgen.engine.commands": ("Stop",),
    "batchgen.errors": ("BatchgenError", "InvalidInput", "RefusedRun", "Remedy", "RunDirectoryError", "UsageError"),
    "batchgen.model": ("Problem",),
    "batchgen.providers.api_key": ("ApiKey",),
    "batchgen.report.rows": ("SceneStatus",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = [*sorted(_HOME_OF), "__version__"]  # noqa: PLE0604 - the names are texts


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: ``batchgen --help`` must not wait for all of it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
