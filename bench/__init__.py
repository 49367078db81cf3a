"""Benchmarks: ``python -m bench NAME``. Each prints its figures beside an alternative's."""
