"""Keeps the tasks: their statuses, their ends, and their records on disk."""
