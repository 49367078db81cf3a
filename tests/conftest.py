"""How much hypothesis tries: HYPOTHESIS_PROFILE=fast (the default), ci or nightly."""

import os

from hypothesis import HealthCheck, settings

# Examples write files into one folder that a test keeps; decoding and checking take what they take.
_SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

for name, examples in {"fast": 60, "ci": 500, "nightly": 10_000}.items():
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        derandomize=name != "nightly",
        suppress_health_check=_SUPPRESSED,
        print_blob=True,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
