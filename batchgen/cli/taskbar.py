"""The progress of a run in the taskbar or the title of a terminal that shows it: the sequence OSC 9;4 of ConEmu."""

import os
import sys
from collections.abc import Mapping

_NORMAL, _ERROR, _PAUSED = 1, 2, 4
_OSC = "\x1b]9;4;{state};{percent}\x07"
_PROGRAMS = frozenset({"ghostty", "WezTerm", "mintty"})
_FIRST_VTE = 8000
"""VTE 0.80 shows it; terminals that do not know the sequence may print it."""


def is_taken(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is one that shows progress; one inside of another, as tmux, passes nothing on."""
    if "TMUX" in environment or environment.get("TERM", "").startswith(("screen", "tmux")):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        "WT_SESSION" in environment
        or environment.get("ConEmuANSI") == "ON"
        or environment.get("TERM_PROGRAM") in _PROGRAMS
        or (vte.isdigit() and int(vte) >= _FIRST_VTE)
    )


class Taskbar:
    """Shows how far a run is, where the terminal takes that."""

    def __init__(self, *, wanted: bool) -> None:
        """Show nothing yet."""
        self._is_wanted = wanted and is_taken(os.environ)
        self._shown = ""

    def show(self, share: float, *, failed: bool, waits: bool) -> None:
        """Show a share from 0 to 1, in the colour of trouble where there is some."""
        state = _PAUSED if waits else _ERROR if failed else _NORMAL
        self._write(_OSC.format(state=state, percent=round(100 * share)))

    def clear(self) -> None:
        """Take it away."""
        if self._shown:
            self._write(_OSC.format(state=0, percent=0))

    def _write(self, sequence: str) -> None:
        if self._is_wanted and sequence != self._shown:
            self._shown = sequence
            sys.stderr.write(sequence)
            sys.stderr.flush()
