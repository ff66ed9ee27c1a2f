"""What can go wrong with scenarios; each message says what was given, what was expected, and the remedy."""


class ScenarioError(ValueError):
    """Anything this room refuses; the input (a state, a scenario, a parameter) is at fault."""


class InvalidState(ScenarioError):
    """Arrays of a state that do not fit each other, or hold what cannot be (a negative population)."""


class InvalidScenario(ScenarioError):
    """A scenario document that breaks its schema, or that this state cannot carry out."""


class InvalidParameters(ScenarioError):
    """The table of parameters breaks its schema, or a value lies outside the limits of its parameter."""


class ParameterGap(ScenarioError):
    """A number that nobody published and that the user has to give; the message names it, its unit and its limits."""


class Stopped(ScenarioError):
    """The work was cancelled before it was done."""


def plain(number: float) -> str:
    """Return a number as people write it, whatever its size: `1,000,000`, `0.05`, `-1`; for messages."""
    return f"{number:,.15g}"
