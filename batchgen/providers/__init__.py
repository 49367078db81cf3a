"""Speaks to the APIs of providers: creates tasks and reads them."""
