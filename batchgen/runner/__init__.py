"""Acts: drives the scheduler with a real clock, real threads and a real journal."""

WORKERS = "batchgen-worker"
"""What the names of threads begin with that wait on the network."""
LOG_WRITER = "batchgen-log"
"""What the thread is named that writes the log."""
