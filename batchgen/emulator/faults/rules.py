"""Parses fault rules: ``KIND[:RATE]`` of the command line, and the file of faults by prompt."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from batchgen.emulator.faults.kinds import find_fault
from batchgen.emulator.faults.selector import Rule
from batchgen.errors import UsageError

_KEYS = {"match", "fault", "times"}


def rule(text: str) -> Rule:
    """Parse ``KIND`` or ``KIND:RATE``; the rate is from 0 to 1. Raises `UsageError`."""
    kind, _, rate = text.partition(":")
    fault = find_fault(kind)
    try:
        share = float(rate) if rate else 1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"fault {text}: the rate is a number from 0 to 1")
    return Rule(fault, share)


def rules_of_file(path: Path) -> list[Rule]:
    """Read the rules of a YAML file: a list of ``{match, fault, times}``. Raises `UsageError`."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{path} is not YAML: {error}") from None
    if not isinstance(content, list):
        raise UsageError(f"{path}: a list of {{match, fault, times}} is expected")
    return [_parse_entry(entry, f"{path}, entry {number}") for number, entry in enumerate(content, 1)]


def _parse_entry(entry: Any, place: str) -> Rule:
    if not isinstance(entry, Mapping) or not {"match", "fault"} <= entry.keys() <= _KEYS:
        raise UsageError(f"{place}: match and fault are required, times is allowed, and nothing else")
    times = entry.get("times")
    if times is not None and (type(times) is not int or times < 1):
        raise UsageError(f"{place}: times is a whole number from 1")
    try:
        # YAML reads an unquoted 503 as a number, but it is the name of a fault.
        return Rule(find_fault(str(entry["fault"])), match=_prompt_matcher(str(entry["match"])), times=times)
    except UsageError as error:
        raise UsageError(f"{place}: {error}", error.remedy) from None
    except re.error as error:
        raise UsageError(f"{place}: {error}") from None


def _prompt_matcher(match: str) -> Callable[[str], object]:
    """A test for prompts: ``/…/`` is a regular expression, anything else a text to search for."""
    if len(match) > 1 and match.startswith("/") and match.endswith("/"):
        return re.compile(match[1:-1]).search
    return lambda prompt: match in prompt
