"""What may be changed while a run is under way. Pure."""

from enum import StrEnum


class Steerable(StrEnum):
    """What may be changed; all but the first by the names of the options of `run`."""

    PAUSED = "paused"
    """1 where nothing is submitted for now, 0 where submissions go on."""
    MAX_IN_FLIGHT = "max_in_flight"
    SUBMIT_RATE = "submit_rate"
    POLL_INTERVAL = "poll_interval"
    BUDGET = "budget"
