"""What the other profiles of a manifest would cost."""

from dataclasses import replace

from batchgen.app.planning import Plan, plan
from batchgen.engine.budget import Sum
from batchgen.errors import UsageError
from batchgen.report.plan import ProfileCost


def with_profile_costs(made: Plan) -> Plan:
    """A plan with what a run with each profile would cost from the same state; as it is without profiles.

    A profile with errors costs nothing that anybody could know, and `validate` tells them.
    """
    manifest = made.batch.manifest
    costs = {name: _cost(made, name) for name in manifest.profiles}
    return replace(made, profile_costs=costs) if costs else made


def _cost(made: Plan, name: str) -> ProfileCost:
    if name == made.batch.manifest.profile:
        return replace(_of(made), is_in_force=True)
    other = made.batch.in_profile(name)
    if other is None:
        return ProfileCost(None)
    try:
        return _of(plan(replace(made.batch, manifest=other), made.choice, made.state))
    except UsageError:  # it has none of the scenes that are selected
        return ProfileCost(Sum())


def _of(made: Plan) -> ProfileCost:
    outlook = made.outlook()
    return ProfileCost(outlook.new_cost, outlook.later_cost)
