"""State → rows → text. Pure; callers write files."""
