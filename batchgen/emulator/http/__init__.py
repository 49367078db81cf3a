"""Speaks the HTTP API: reads requests, checks them and writes responses."""
