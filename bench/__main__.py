"""Runs one benchmark by name."""

import sys
from collections.abc import Callable, Mapping

from bench import cluster, cpu, http, journal, manifest, pace, run, scale, start, structure, upload

BENCHMARKS = {
    "cluster": cluster.run,
    "cpu": cpu.run,
    "http": http.run,
    "journal": journal.run,
    "manifest": manifest.run,
    "run": run.run,
    "start": start.run,
    "upload": upload.run,
}
"""Those that take no options."""
WITH_OPTIONS: Mapping[str, Callable[[list[str]], int]] = {
    "pace": pace.run,
    "scale": scale.run,
    "structure": structure.run,
}


def main() -> int:
    """Run the benchmark named on the command line; 2 for a name that does not exist."""
    name, *options = sys.argv[1:] or [""]
    if name in WITH_OPTIONS:
        return WITH_OPTIONS[name](options)
    if name not in BENCHMARKS or options:
        print(f"usage: python -m bench {'|'.join([*BENCHMARKS, *WITH_OPTIONS])}", file=sys.stderr)
        return 2
    BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
