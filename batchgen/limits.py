"""How often, how long, how many: the numbers of batchgen's own policies, each with its reason. Pure.

What the API allows is not a policy: that is data, under ``schemas/``.
"""

MOST_POSTS = 6
"""Submissions of one scene in a run while each of them is refused and may be sent again: together with the
waits between them about a minute, which outlasts a restart of a gateway."""
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 30.0
"""Between two submissions of one scene: 2, 4, 8, 16, 30 s. A sum of a minute, and none of them so long that
a gateway that is back goes unnoticed."""
SPREAD = 0.2
"""The part by which waits are lengthened or shortened at random, so that what failed together does not come
back together."""

FIRST_HOLD_S = 1.0
LONGEST_HOLD_S = 32.0
"""For how long all submissions rest after a 429, or a 503 that asks for it: twice as long each time until
one is taken, and never shorter than the gateway asks. ``Retry-After: 0`` would otherwise be an invitation
to ask without pause."""
FIRST_TRIAL_S = 10.0
LONGEST_TRIAL_S = 300.0
"""Between two trials of one task more than the gateway bore: twice as long after each that was refused. What it
takes may grow, and a trial that is refused costs a rest."""
LONGEST_RETRY_AFTER_S = 86_400.0
"""A longer ``Retry-After`` is taken for a day."""
PATIENCE_S = 600.0
"""For how long a run that has no task at the gateway waits to be let in before it leaves the rest to the next run."""
LONG_HOLD_S = 10.0
"""A hold that is longer than this is told to whoever watches."""

CLOSEST_LOOK = 0.2
FARTHEST_LOOK = 2.0
"""In poll intervals, between two looks at a task: where many tasks end, a look soon after the last one saves more
than one later on; and what was learned of other tasks never has one wait for longer than a few."""
SHARE_OF_LOOKS = 0.8
"""Of the looks that the interval allows, the part that is planned; looks that fail and tasks that take longer than
all before use the rest."""
FAILS_AFTER = 10
"""Readings in a row that have to fail, whatever task they are of, before readings are held to be of no use for a
while: one task that cannot be read says nothing of the others."""
SHARE_OF_REST = 0.5
"""Of the time for which all readings have failed, the part for which a task is then left alone."""

WORKERS = 64
LEAST_ASKS = 8
ASKS_A_SECOND = 400
"""Commands under way at once. Eight readings or submissions are enough where answers take 20 ms; where they take
longer, as many as make 400 of them in a second, up to the number of workers: that keeps some thousand tasks read."""
SLOW_ANSWER_S = 2.0
MOST_SLOW_SUBMISSIONS = 16
"""Where answers take longer than that on average, a gateway may soon give none, and each submission under way may turn
out to be one of which nobody knows what became of it: from there on, so many without files are under way at once."""
MOST_UPLOADED = 64 * 1024**2
"""Bytes of files on their way to the gateway beside which no further submission with files is begun: a line of
10 Mbit/s takes almost a minute for them."""

LONGEST_LENGTH_S = 1e7
"""A task that seems to have taken longer, about four months, tells of a clock that was set, and teaches nothing."""

LONGEST_READ_WAIT_S = 300.0
"""Between two looks at a task, however long the gateway asks to wait: a look is free, and the task may be done."""

LOST_AFTER_S = 30.0
"""Without a usable connection for so long, a run ends: a router has restarted by then, and a laptop woken up."""
LONGEST_LOST_WAIT_S = 8.0
"""Between two attempts to connect: short enough to see the gateway again within those 30 s."""

TRIPS_AFTER = 5
TRIPS_AMONG = 10
MOST_PROBES = 3
"""The breaker: 5 uncertain answers to submissions in a row, or 5 among the last 10, and submissions go out one
at a time; 3 more without a usable answer, and the run ends. Each uncertain answer may be a task that is paid for."""

CONFIRMED_AFTER = 5
"""Readings in a row that have to say that a task failed, where they speak of the reading as much as of the task."""
LOOKS_FOR_RESULT = 5
LONGEST_RESULT_WAIT_S = 10.0
"""Readings in a row that have to call a task completed without naming its video, and the longest wait between two
of them: a result that is only late is there within about half a minute."""
LOOKS_AT_MISSING = 3
"""Readings of a task that an earlier run gave up as not found, before this run leaves it, too."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
"""Between two attempts at something free, a reading or a download: doubled each time."""
MOST_FETCHES = 4
"""Attempts at a download in a run, each of several connections."""
MOST_REFRESHES = 2
"""Fresh addresses that a run asks for before it leaves a download to the next one."""

MOST_PUBLISHES = 4
"""Attempts in a run at publishing the files of a scene, and scenes whose files are published at once: the line is
shared by all of them."""
PUBLISHED_S = 43_200.0
"""For how long a URL of a published file is used, where nothing else says how long it works: 12 hours."""
LONGEST_SIGNED_S = 604_800.0
"""For how long object stores sign at most: 7 days."""
TRIED_S = 300.0
"""For how long a signed URL that was tried is believed where what it was signed with may end at any time."""

RESULT_CONNECT_S = 15.0
"""For a connection to the server of a result: longer than any that is alive takes."""

LONGEST_ID = 1_000
"""Characters of a task id: longer than any gateway gives out, and short enough for a URL."""
MOST_DIGITS = 12
MOST_PLACES = 20
"""Digits before and after the point of a cost: no video costs more, and no price list is finer. What has more
is a mistake, and is not taken for money."""
LONGEST_EXCERPT = 500
"""Bytes kept of an answer that was of no use: what support needs to find a task by."""
