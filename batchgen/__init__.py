"""Declarative batch runner for paid, remote video generations."""

__version__ = "0.1.0"
