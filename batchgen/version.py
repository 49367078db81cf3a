"""The version of this batchgen."""

__version__ = "0.2.0"
