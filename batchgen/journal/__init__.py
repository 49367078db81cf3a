"""Remembers: the events of all runs of a directory, durable, in order."""
