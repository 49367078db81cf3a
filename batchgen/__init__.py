"""Declarative batch runner for paid, remote video generations."""

__version__ = "0.2.0"
