"""What this gateway's answers mean: its statuses, and its classes of error codes. Data.

A 500 whose body states an error in JSON is the gateway's own word that nothing was created; a 502 or 504
comes from a proxy that knows nothing of it.
"""

from batchgen.engine.classification import Classification, Kind
from batchgen.limits import CONFIRMED_AFTER
from batchgen.providers.error_policy import ErrorClass, ErrorPolicy

ERROR_POLICY = ErrorPolicy(
    account=frozenset({401, 402, 403}),
    balance_codes=frozenset({*map(str, range(40_201, 40_209)), "insufficient_balance"}),
    wait=frozenset({429, 503}),
    unknown=frozenset({502, 504}),
    stated=frozenset({500}),
    malformed=frozenset({400, 422}),
    failed_task={
        ErrorClass.PERMANENT: Classification(Kind.FAILED),
        ErrorClass.NOT_CREATED: Classification(Kind.FAILED, again=True),
        ErrorClass.CHECK: Classification(Kind.RUNNING),
        ErrorClass.RECHECK: Classification(Kind.FAILED, confirm=CONFIRMED_AFTER),
        ErrorClass.TRANSIENT: Classification(Kind.FAILED, confirm=CONFIRMED_AFTER, passing=True),
        ErrorClass.ENDED: Classification(Kind.FAILED, passing=True),
    },
)
