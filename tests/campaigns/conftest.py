"""In which order campaigns are played."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what has a time limit of its own: waiting for it alone at the end would take as long again."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
