"""The commands: one file each, plain values in, exit code out, no logic."""
