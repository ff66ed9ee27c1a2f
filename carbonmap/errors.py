"""What can be wrong with a region or its build, in words a user can act on."""


class RegionError(ValueError):
    """A region file, its inputs or a request about a region is wrong; the message names file, key and remedy."""


class BuildStopped(RuntimeError):
    """A build was stopped before it published anything; what was served before is untouched."""


class EngineError(BuildStopped):
    """Workers or their scheduler cannot work on a build; says which, why, and the remedy."""
