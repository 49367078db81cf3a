"""The child process that fuzzes one target with atheris, steered by the coverage of some packages.

    python -m fuzz.engine MODULE PACKAGE,... [libFuzzer's arguments]

Apart from the rest because atheris changes code while it is imported and never comes back: it
leaves with libFuzzer's exit code, by a signal if need be.
"""

import sys
from importlib import import_module


def main() -> None:
    """Fuzz the function ``check`` of the module that the first argument names."""
    # By name: atheris has no types and is not to be had on every platform.
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=sys.argv[2].split(",")):
        target = import_module(sys.argv[1])
    atheris.Setup([sys.argv[1], *sys.argv[3:]], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
