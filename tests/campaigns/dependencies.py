"""Whether a dependency of batchgen, or one of theirs, is known to be vulnerable.

    python tests/campaigns/dependencies.py [ENVIRONMENT]

asks PyPI's advisory database through pip-audit about every distribution in a virtual environment
(the one it runs in, if none is named). Ends with 1 where something is known, and names it. Where a
distribution cannot be asked about (no network, a mirror without advisories) that is said in
words and is not a finding, but under --strict ends with 2: pip-audit itself says "no known
vulnerabilities found" of what it never asked about.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern batchgen, by id, each with the reason."""
_OWN = "batchgen"


def site_packages(environment: Path | None) -> Path:
    """Where the distributions of an environment lie."""
    if environment is None:
        return Path(sysconfig.get_path("purelib"))
    found = [*environment.glob("lib/python3*/site-packages"), *environment.glob("Lib/site-packages")]
    if not found:
        sys.exit(f"{environment} is not a virtual environment")
    return found[0]


def audited(packages: Path) -> list[dict[str, Any]]:
    """What pip-audit says of each distribution; none where it could not ask at all."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--path",
        str(packages),
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, check=False)
    try:
        listed: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"pip-audit gave no answer: {(ended.stderr.strip().splitlines() or ['nothing said'])[-1]}")
        return []
    return [entry for entry in listed if entry["name"] != _OWN]


def judged(listed: list[dict[str, Any]], *, strict: bool) -> int:
    """Say what was found; the exit code."""
    found = [
        (entry, advisory)
        for entry in listed
        for advisory in entry.get("vulns", [])
        if not {advisory["id"], *advisory.get("aliases", [])} & ACCEPTED.keys()
    ]
    for entry, advisory in found:
        fixed = ", ".join(advisory["fix_versions"]) or "no release yet"
        print(f"{entry['name']} {entry['version']}: {advisory['id']}, mended in {fixed}")
    unasked = [entry["name"] for entry in listed if "skip_reason" in entry]
    asked = len(listed) - len(unasked)
    print(f"{asked} distributions asked about, {len(found)} advisories")
    if unasked or not listed:
        print(f"NOT audited, the advisories could not be reached: {', '.join(unasked) or 'all of them'}")
    if found:
        return 1
    return 2 if strict and (unasked or not listed) else 0


def main() -> int:
    """Audit as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("environment", nargs="?", type=Path)
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    return judged(audited(site_packages(options.environment)), strict=options.strict)


if __name__ == "__main__":
    sys.exit(main())
