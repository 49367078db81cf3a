"""The schemas that the pages are made of: those of the repository, whatever models of their own somebody has."""

from pathlib import Path

from batchgen.schemas import Catalogue

SCHEMAS = Catalogue(Path(__file__).resolve().parents[3] / "schemas")
