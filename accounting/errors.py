"""What can go wrong in accounting; each message says what was given, what was expected, and the remedy."""


class AccountingError(ValueError):
    """Base of this room's errors: the input (a table, a region file, a column) is at fault."""


class UnknownUnit(AccountingError):
    """A unit that the table of units does not hold, or two units of different dimensions."""


class InvalidTable(AccountingError):
    """A file of `data/factors` or `data/schema` that breaks its schema; the message names file and row."""


class InvalidFactor(AccountingError):
    """An override of the region file that is not a factor, or a factor used for what it is not."""


class FactorNotFound(AccountingError):
    """No row answers a lookup; the message names what was tried, what is a known gap, and the remedy."""


class InvalidAssumption(AccountingError):
    """An assumption with an unknown id, a wrong unit, or a value outside what its kind allows."""


class AssumptionNotFound(AccountingError):
    """A gap that the region file has to fill; the message names the assumption and its unit."""


class ShapeMismatch(AccountingError):
    """Arrays that should be of one length are not."""


class ImplausibleCalibration(AccountingError):
    """Totals that modelled values cannot be scaled to in good faith; names zone, sector and both totals."""
