"""The version of this batchgen."""

__version__ = "0.3.0"
