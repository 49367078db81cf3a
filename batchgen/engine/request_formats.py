"""In which form a request is sent to a gateway that may take one of several. Pure.

Which one it takes shows when it creates a task. A request in a form that it does not take is refused and
creates nothing, so it may be sent once more in the other one; until one is known to be taken, that costs
as little as it can: one submission at a time, and the next scene begins with what was not refused.
"""

from collections.abc import Sequence
from dataclasses import replace

from batchgen.engine.classification import HTTP_CODE, Classification


class RequestFormats:
    """The forms that a run may use, the usual one first, and the one in which a task was created."""

    def __init__(self, allowed: Sequence[str], taken: str, left_out: Sequence[str] = ()) -> None:
        """``taken`` is what is remembered of earlier runs, empty for nothing; ``left_out`` are forms not to be used."""
        self._allowed = tuple(allowed)
        self._left_out = tuple(left_out)
        self._taken = taken if taken in allowed else ""
        self._doubted = ""

    @property
    def is_known(self) -> bool:
        """Whether there is nothing to find out."""
        return len(self._allowed) == 1 or bool(self._taken)

    @property
    def usual(self) -> str:
        """The form for a scene that was not yet refused."""
        return self._taken or (self.other(self._doubted) if self._doubted else self._allowed[0])

    def other(self, tried: str) -> str:
        """The form to try after one was refused; empty where there is none."""
        return next((form for form in self._allowed if form != tried), "")

    def created(self, form: str) -> None:
        """A task was created with a request in that form."""
        self._taken, self._doubted = form, ""

    def refused(self, form: str) -> None:
        """A request was refused, perhaps for its form; the other one is asked next."""
        self._doubted = form

    def refused_at_last(self, refused: Classification, form: str, before: Classification | None) -> Classification:
        """What is told of a scene that is refused in every form that may be used, ``before`` in the first of them.

        The form that is taken tells more of the scene than the other; where none is known, a code of the gateway's
        own does, and else the usual form.
        """
        self._doubted = ""
        if before is None:
            hint = f"; asked in the form {form} alone, and not as {self._left_out[0]}" if self._left_out else ""
            return refused if self._taken else replace(refused, reason=refused.reason + hint)
        listed = {self.other(form): before, form: refused}
        telling = [one for one in self._allowed if not listed[one].code.startswith(HTTP_CODE)]
        best = self._taken or next(iter(telling), self._allowed[0])
        worse = self.other(best)
        other = "" if listed[worse].reason == listed[best].reason else f" (as {worse}: {listed[worse].reason})"
        reason = f"{listed[best].reason}; refused in both forms of a request, {best} and {worse}{other}"
        return replace(listed[best], reason=reason)
