"""Trials of batchgen under real faults: ``python tests/campaigns/reliability --trials 20 --seed 1``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from campaigns.reliability.command import main

    sys.exit(main(sys.argv[1:]))
