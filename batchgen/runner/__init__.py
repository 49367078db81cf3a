"""Acts: drives the scheduler with a real clock, real threads and a real journal."""
