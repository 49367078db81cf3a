"""Speaks to the API: creates tasks, reads them, fetches results."""
