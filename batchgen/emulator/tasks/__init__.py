"""Creates, runs and stores the tasks."""
