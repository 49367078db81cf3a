"""Injects faults: which kinds there are, how rules name them, and when one applies."""
