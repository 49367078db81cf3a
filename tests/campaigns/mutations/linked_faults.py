"""Faults in what scenes make of the results of others; every one breaks a promise."""

from campaigns.mutations.fault import fault

SOURCES = "engine/sources.py"
FOLLOWERS = "engine/followers.py"
WAITING = "engine/waiting.py"
STATES = "engine/states.py"
SCHEDULER = "engine/scheduler.py"
LINKED_SCENES = "engine/linked_scenes.py"

LINKED_FAULTS = (
    fault(
        "a scene is built on what nobody has looked at",
        SOURCES,
        "            is_held = source.review and not _is_looked_at(source, state)\n",
        "            is_held = False\n",
    ),
    fault(
        "a later take stands for a shot while an earlier one may come",
        SOURCES,
        "if may_come(take) or result_of(take, state) is not None)",
        "if result_of(take, state) is not None)",
    ),
    fault(
        "which take scenes are built on is not written down",
        STATES,
        "                self.chosen_scenes.setdefault(source.scene, take.scene_id)\n",
        "                _ = take\n",
    ),
    fault(
        "a scene is built on a result that another is to replace",
        FOLLOWERS,
        "            if on_its_way is not None:\n",
        "            if on_its_way is not None and source.attempt is None:\n",
    ),
    fault(
        "a plan does not see that a result is to be replaced",
        WAITING,
        "        return is_bought or is_renewing(source.scene, self._state)\n",
        "        return False\n",
    ),
    fault(
        "a request that is made late is bought without a look at what is there",
        SCHEDULER,
        "        if (run.is_new or self._is_overtaken(run)) and self._goes_otherwise(run):\n",
        "        if self._is_overtaken(run) and self._goes_otherwise(run):\n",
    ),
    fault(
        "nobody looks at scenes that wait for one that has ended",
        SCHEDULER,
        "        self._settle(run)\n        return self._drain()\n",
        "        return self._drain()\n",
    ),
    fault(
        "a scene goes on though a source is lost",
        FOLLOWERS,
        "        if all(source.attempt is not None and not source.is_held for source in sources):\n",
        "        if sources:\n",
    ),
    fault(
        "what waits is not taken for what may come",
        FOLLOWERS,
        "        return run in self._all or self._is_under_way(run)\n",
        "        return self._is_under_way(run)\n",
    ),
    fault(
        "a request is sent that is not written down",
        LINKED_SCENES,
        "            self._remember(ev.RequestMade(at, scene_id, request, result.any_seed, built_on))\n",
        "            self.state.apply(ev.RequestMade(at, scene_id, request, result.any_seed, built_on))\n",
    ),
    fault(
        "what another directory lends is lent once more while it is linked in",
        LINKED_SCENES,
        "        self._borrowed.add(lent.sha256)\n",
        "",
    ),
    fault(
        "what is linked in is not written down",
        LINKED_SCENES,
        "        self._remember_of(\n            ev.Reused(",
        "        self.state.apply(\n            ev.Reused(",
    ),
)
