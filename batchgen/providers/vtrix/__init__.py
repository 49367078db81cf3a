"""The gateway of ``wan26_r2v``: its JSON, its errors, its addresses."""
