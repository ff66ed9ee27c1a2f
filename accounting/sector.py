"""What the emissions of one sector are made of: lines, what was derived per feature, and how it was done."""

from dataclasses import dataclass, field

import pandas as pd

from accounting.factors import Lookup


@dataclass(frozen=True)
class SectorEmissions:
    """What one sector makes of one layer.

    Attributes:
        lines: emission lines (`LINE_COLUMNS`), ordered by year, then as the sector built them.
        features: one row per feature, in the layer's order: what the sector derived for it.
        counts: what was done with how many features, e.g. `{"no_traffic": 12}`; JSON-able.
        warnings: sentences for the report of the build; nothing here was changed silently.
        lookups: factor id -> the lookup that chose it, for the manifest.
    """

    lines: pd.DataFrame
    features: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    lookups: dict[str, Lookup] = field(default_factory=dict)
