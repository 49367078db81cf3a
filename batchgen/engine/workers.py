"""How many commands of each kind may be under way at once. Pure.

A command occupies a worker for as long as its answer takes. Three sorts differ in that:

- Answers to readings, and to submissions that carry no files, take as long as the gateway and the way to it do.
  Eight of them at once are enough where that is a few milliseconds; where it is longer, as many more as it takes to
  ask as often all the same. Only usable answers are learned from: where submissions are timed out, more of them at
  once would only be more of which nobody knows what became of them. So they have a bound of their own: half of the
  workers, since a gateway that stops answering them may go on answering readings, and few where answers become slow.
- A submission with files takes as long as they take to be sent. The line is shared by all of them: more at once
  end no sooner, and come closer to the gateway's time limits. So the bytes under way are bounded.
- A download takes as long as the other server likes. Downloads take half of the workers at most while there is
  anything else to do.

The last two together never take all workers: readings go on, whatever the line and the other server do.
"""

from math import ceil

from batchgen.engine.queues import CommandKind
from batchgen.limits import ASKS_A_SECOND, LEAST_ASKS, MOST_SLOW_SUBMISSIONS, MOST_UPLOADED, SLOW_ANSWER_S

_RECENT = 0.2
"""The weight of the newest answer in the mean time of an answer."""

_OF_FILES = (CommandKind.FETCH, CommandKind.PREPARE, CommandKind.PUBLISH)
"""What takes as long as disks, decoders and other servers like."""


class Workers:
    """Counts what is under way, and says what may be begun beside it. ``most`` is the number of workers."""

    def __init__(self, most: int) -> None:
        """Begin with all workers free."""
        self._most = most
        self._reads = 0
        self._submissions = 0
        self._fetches = 0
        self._uploads = 0
        self._upload_bytes = 0
        self._answer_s = 0.0

    @property
    def under_way(self) -> int:
        """All commands under way."""
        return self._reads + self._submissions + self._fetches + self._uploads

    @property
    def are_free(self) -> bool:
        """Whether any worker is free."""
        return self.under_way < self._most

    def may_ask(self) -> bool:
        """Whether one more reading, or a submission without files, may be begun."""
        wanted = ceil(self._answer_s * ASKS_A_SECOND)
        return self.are_free and self._reads + self._submissions < max(LEAST_ASKS, wanted)

    def may_submit(self, upload_bytes: int) -> bool:
        """Whether one more submission may be begun that sends so many bytes of files."""
        if not upload_bytes:
            return self.may_ask() and self._submissions < self._most_submissions()
        return self._may_occupy() and self._upload_bytes < MOST_UPLOADED

    def may_fetch(self, *, is_alone: bool) -> bool:
        """Whether one more download may be begun; ``is_alone`` where there is nothing else to do."""
        if is_alone:
            return self.are_free
        return self._may_occupy() and self._fetches < max(1, self._most // 2)

    def begun(self, kind: CommandKind, upload_bytes: int = 0) -> None:
        """A command occupies a worker."""
        if kind in _OF_FILES:
            self._fetches += 1
        elif upload_bytes:
            self._uploads += 1
            self._upload_bytes += upload_bytes
        elif kind is CommandKind.SUBMIT:
            self._submissions += 1
        else:
            self._reads += 1

    def ended(self, kind: CommandKind, upload_bytes: int = 0) -> None:
        """A command occupies its worker no more."""
        if kind in _OF_FILES:
            self._fetches -= 1
        elif upload_bytes:
            self._uploads -= 1
            self._upload_bytes -= upload_bytes
        elif kind is CommandKind.SUBMIT:
            self._submissions -= 1
        else:
            self._reads -= 1

    def answered(self, seconds: float) -> None:
        """A usable answer to a reading, or to a submission without files, took so long."""
        self._answer_s += (seconds - self._answer_s) * (_RECENT if self._answer_s else 1.0)

    def _most_submissions(self) -> int:
        """How many submissions without files may be under way at once."""
        if self._answer_s > SLOW_ANSWER_S:
            return MOST_SLOW_SUBMISSIONS
        return max(MOST_SLOW_SUBMISSIONS, self._most // 2)

    def _may_occupy(self) -> bool:
        """Whether a worker may be occupied for long, and one is left for readings; of a single one, it may."""
        for_readings = max(1, self._most // 4)
        return self.are_free and self._fetches + self._uploads < max(1, self._most - for_readings)
