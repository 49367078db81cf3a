"""Decides: pure, without clock, chance, file or network."""
