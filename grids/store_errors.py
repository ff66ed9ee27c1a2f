"""What can go wrong with a store of editions; all are `GridError`s, the API maps them to answers in one table."""

from grids.errors import GridError


class EditionError(GridError):
    """Base of everything a store, an edition or its writer reports."""


class InvalidName(EditionError):
    """A region, collection or edition id that may not become a path or an address."""


class StoreLost(EditionError):
    """The store's folder cannot be read: it was moved, or what it lies on is not mounted."""


class NotFound(EditionError):
    """Something well named that is not there."""


class RegionNotFound(NotFound):
    """The store serves no region of that id."""


class EditionNotFound(NotFound):
    """The region has no edition of that id."""


class CollectionNotFound(NotFound):
    """The edition has no collection or context of that id."""


class YearNotFound(NotFound):
    """The collection has no table of that year."""


class ItemNotFound(NotFound):
    """The table has no row of that id."""


class ColumnNotFound(EditionError):
    """A column that the table does not have, or that cannot be used in this way."""


class EditionBroken(EditionError):
    """What is on disk is not a whole edition: a manifest or table is missing, unreadable or not as declared."""


class InvalidTable(EditionError):
    """A frame handed to the writer that cannot be published as it is."""


class BuildLocked(EditionError):
    """Another build of the same region is running in this store."""


class TileError(EditionError):
    """A tile address that does not exist."""


class QueryTooLarge(EditionError):
    """A question that would look at more rows than one answer may cost."""
