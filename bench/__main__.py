"""Runs one benchmark by name."""

import sys

from bench import cpu, http, journal, manifest, run, start, structure, upload

BENCHMARKS = {
    "cpu": cpu.run,
    "http": http.run,
    "journal": journal.run,
    "manifest": manifest.run,
    "run": run.run,
    "start": start.run,
    "upload": upload.run,
}
"""Those that take no options."""
STRUCTURE = "structure"


def main() -> int:
    """Run the benchmark named on the command line; 2 for a name that does not exist."""
    name, *options = sys.argv[1:] or [""]
    if name == STRUCTURE:
        return structure.run(options)
    if name not in BENCHMARKS or options:
        print(f"usage: python -m bench {'|'.join([*BENCHMARKS, STRUCTURE])}", file=sys.stderr)
        return 2
    BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
