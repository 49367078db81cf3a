"""The use cases: values in, typed results out, what happens meanwhile through a callback. Nothing is printed."""
