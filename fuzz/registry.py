"""All targets by name."""

from functools import cache

from fuzz import editions, files, geometries, parameters, requests
from fuzz.target import Target


@cache
def all_targets() -> dict[str, Target]:
    """Return every target by its name."""
    found = (*parameters.targets(), *requests.targets(), *geometries.targets(), *editions.targets(), *files.targets())
    return {target.name: target for target in found}
