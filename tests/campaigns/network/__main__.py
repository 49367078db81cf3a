"""The table of faults on the wire.

``python tests/campaigns/network`` shows it, ``python tests/campaigns/network PAGE`` writes it into a page.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from campaigns.network.table import main

    sys.exit(main(sys.argv[1:]))
