"""Faults in what a run does with files that requests name by URL; every one breaks a promise."""

from campaigns.mutations.fault import fault

PUBLISHED = "engine/published_files.py"

PUBLISHED_FAULTS = (
    fault(
        "a scene is submitted before its files are published",
        PUBLISHED,
        "        return not self._settings.publishes(run.scene.scene_id) or at < run.published_until\n",
        "        return at != run.published_until\n",
    ),
    fault(
        "a URL that has grown old is not looked at again",
        PUBLISHED,
        "publishes(run.scene.scene_id) or at < run.published_until\n",
        "publishes(run.scene.scene_id) or bool(run.published_until)\n",
    ),
    fault(
        "what was published is not written down",
        PUBLISHED,
        "            self._remember(ev.Published(at, one.sha256, one.place, one.url, one.good_until))\n",
        "            self.state.apply(ev.Published(at, one.sha256, one.place, one.url, one.good_until))\n",
    ),
    fault(
        "a run goes on though files may not be published",
        PUBLISHED,
        "        elif result.denied:\n",
        "        elif result.denied and result.published:\n",
    ),
    fault(
        "what others asked for while files were published is not looked at",
        PUBLISHED,
        "            run.is_new = bool(run.scene.sources)  # what others make of the same request may come before it\n",
        "            run.is_new = False\n",
        "        return any(one.is_in_flight or one.is_unknown for one in made)\n",
        "        return any(one.is_in_flight and one.is_unknown for one in made)\n",
    ),
    fault(
        "a scene that waits to be published is forgotten",
        PUBLISHED,
        "        return self._next_publish(now, at)\n",
        "        return None\n",
    ),
)
