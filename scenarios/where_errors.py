"""What can go wrong with the best mix and where to act; messages say what was given, expected, and the remedy."""

from scenarios.errors import ScenarioError


class InvalidOptions(ScenarioError):
    """Effects, costs, bases, limits or samples that do not fit together; the message names the first at fault."""


class TargetOutOfReach(ScenarioError):
    """A target that no allowed choice reaches.

    Attributes:
        target_tco2e: what was asked for.
        most_tco2e: the most that can be reached within the same limits.
        shortfall_tco2e: what is missing.
    """

    def __init__(self, message: str, target_tco2e: float, most_tco2e: float) -> None:
        super().__init__(message)
        self.target_tco2e = target_tco2e
        self.most_tco2e = most_tco2e
        self.shortfall_tco2e = target_tco2e - most_tco2e


class NoPortfolio(ScenarioError):
    """The solver ended (by time, by cancelling, or because limits contradict each other) without any choice."""


class InvalidCells(ScenarioError):
    """Cells, neighbours or zones whose arrays do not fit together, or too few of them."""
