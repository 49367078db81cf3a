"""Where results lie: fetched to a temporary name, checked, kept."""
