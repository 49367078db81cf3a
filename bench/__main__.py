"""Runs one benchmark by name."""

import sys

from bench import http, manifest, run, upload

BENCHMARKS = {"http": http.run, "manifest": manifest.run, "run": run.run, "upload": upload.run}


def main() -> int:
    """Run the benchmark named on the command line; 2 for a name that does not exist."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""  # noqa: PLR2004 - the program and one name
    if name not in BENCHMARKS:
        print(f"usage: python -m bench {'|'.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
