"""The table of faults on the wire: ``python tests/network``, or ``python tests/network PAGE`` to write it there."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from network.table import main

    sys.exit(main(sys.argv[1:]))
