"""What can go wrong with grids, zones and shares; each message says what was given, expected, and what to do."""


class GridError(ValueError):
    """Anything this room refuses."""


class CellCodeError(GridError):
    """A cell code that cannot be written or read."""


class NotNestedError(GridError):
    """Two grids whose cells do not nest."""


class GeometryError(GridError):
    """A geometry that cannot be shared out; the message names its position."""
