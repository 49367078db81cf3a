"""batchgen with a wall clock that somebody else sets: ``python stepped.py FILE run …``.

FILE holds seconds, and is read whenever the time is asked for. The monotonic clock goes on as ever, as
it does when the clock of a machine is set. For machines without libfaketime.
"""

import datetime as dt
import sys
import time
from pathlib import Path

_REAL = time.time


def offset_s(path: Path) -> float:
    """By how much the clock is wrong now."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def step_with(path: Path) -> None:
    """From now on in this process, the wall clock is wrong by what the file says."""

    def stepped() -> float:
        return _REAL() + offset_s(path)

    class Stepped(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Stepped":
            return cls.fromtimestamp(stepped(), tz)

    vars(time).update(time=stepped, time_ns=lambda: int(stepped() * 1e9))
    vars(dt).update(datetime=Stepped)


if __name__ == "__main__":
    step_with(Path(sys.argv[1]))
    # Whoever imports the clock from now on gets the one that is stepped.
    from batchgen.cli.main import main

    main(sys.argv[2:])
