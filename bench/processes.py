"""What pieces of programs and whole commands cost, each in a process that does nothing else."""

import json
import resource
import subprocess
import sys
from pathlib import Path

_FRAME = """
import json, resource, sys, time
{body}
seconds = time.process_time() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measured(body: str, path: Path) -> tuple[float, float]:
    """Seconds of CPU from where ``body`` says ``start = time.process_time()``, and peak memory in MB."""
    program = _FRAME.format(body=body)
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes


def command(*words: str) -> float:
    """Seconds of CPU that batchgen takes from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "batchgen", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
