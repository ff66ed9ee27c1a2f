"""Names of shared errors on an emission line: one as a rule, several with signs after calibration.

A total binds all lines under it: what offices use more than was thought, houses use less. Such a line has the error of
the total, and signed loadings on the groups of all that share it. They stand in its `group`, behind the first name:

    total:buildings:all:region|eui:house=-0.32|eui:office=0.32        u_group is that of the first
"""

from collections.abc import Mapping

_BETWEEN, _IS = "|", "="


def named(group: str, others: Mapping[str, float]) -> str:
    """The text of a group with signed relative errors on others; those of 0 are left out."""
    first = group.replace(_BETWEEN, "/")
    return _BETWEEN.join([first, *(f"{name}{_IS}{u:.9g}" for name, u in sorted(others.items()) if name and u)])


def first_of(group: str) -> str:
    """The group that `u_group` is of."""
    return group.partition(_BETWEEN)[0]


def shared_errors(group: str, u_group: float, factor_id: str, u_factor: float) -> list[tuple[str, float]]:
    """Groups of a line with their relative errors: of its activity, signed ones of calibration, `factor:<id>`."""
    found: list[tuple[str, float]] = []
    if group:
        first, *others = group.split(_BETWEEN)
        found.append((first, u_group))
        for text in others:
            name, _, u = text.rpartition(_IS)
            found.append((name, float(u)))
    if factor_id:
        found.append((f"factor:{factor_id}", u_factor))
    return found
