"""Texts that a spreadsheet would run as a formula, made harmless by an apostrophe, which says that they are texts."""

import re

import pyarrow as pa
import pyarrow.compute as pc

_FORMULA = r"^[=+\-@\t\r]"
"""How such a text begins."""


def harmless(text: str) -> str:
    """Return a text as a cell of CSV."""
    return f"'{text}" if re.match(_FORMULA, text) else text


def harmless_rows(rows: pa.Table) -> pa.Table:
    """Return rows with all their texts as cells of CSV."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            texts = rows.column(position)
            runs = pc.fill_null(pc.match_substring_regex(texts, _FORMULA), False)
            if pc.any(runs).as_py():
                quoted = pc.binary_join_element_wise(pa.scalar("'"), texts, pa.scalar(""))
                rows = rows.set_column(position, field, pc.if_else(runs, quoted, texts))
    return rows
