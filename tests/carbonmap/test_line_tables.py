"""Lines of parts as tables: what is written is what is read, and a layer's lines stand by year, whatever the parts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from accounting.emissions import EmissionLines, Kind, join_lines, line_block
from carbonmap.line_tables import LINES, line_table, lines_by_year, lines_in
from carbonmap.part_files import part_file_schema, read_part_file, write_part_file
from grids.feature_lines import FeatureLines
from grids.features import BadLines, LayerLines
from grids.identity import file_digest

WORDS = {"basis": "direct", "activity_unit": "kWh", "u_group": 0.0, "assumptions": ""}


def some_lines(features: int, seed: int) -> EmissionLines:
    """Lines of two years, of carriers that not every part has."""
    rng = np.random.default_rng(seed)
    blocks = []
    for carrier, year in (("gas", 2023), ("electricity", 2024), (("oil", "coal")[seed % 2], 2023), ("wood", 2024)):
        having = np.flatnonzero(rng.random(features) < 0.7).astype(np.int32)
        activity = rng.uniform(0, 9, having.size)
        blocks.append(
            line_block(
                having,
                activity=activity,
                emissions_tco2e=activity * 0.2,
                year=year,
                carrier=carrier,
                method="metered",
                factor_id=f"f_{carrier}",
                u_own=0.05 * (1 + seed % 2),
                group="",
                u_factor=0.1,
                **WORDS,
            )
        )
    return join_lines(blocks)


def read_back(lines: EmissionLines, path, offset: int = 0) -> EmissionLines:
    write_part_file(line_table(lines), path)
    return lines_in(read_part_file(path), offset)


def test_lines_of_a_part_are_read_as_they_were_written(tmp_path) -> None:
    lines = some_lines(200, 1)
    back = read_back(lines, tmp_path / "lines.arrow", 1000)
    assert back.kinds == lines.kinds
    assert isinstance(back.kinds[0], Kind)
    np.testing.assert_array_equal(back.feature, lines.feature + 1000)
    for name in ("kind", "activity", "emissions_tco2e"):
        np.testing.assert_array_equal(getattr(back, name), getattr(lines, name))
        assert getattr(back, name).dtype == getattr(lines, name).dtype


@pytest.mark.parametrize("cuts", [[300], [100, 0, 200], [7] * 40 + [20]])
def test_a_layers_lines_by_year_are_those_of_the_whole(tmp_path, cuts) -> None:
    sizes, offsets = cuts, np.cumsum([0, *cuts[:-1]]).tolist()
    parts = [some_lines(size, position) for position, size in enumerate(sizes)]
    for position, part in enumerate(parts):
        write_part_file(line_table(part), tmp_path / f"{position}.arrow")

    def pieces():
        return (lines_in(read_part_file(tmp_path / f"{k}.arrow"), at) for k, at in enumerate(offsets))

    tables = list(lines_by_year(pieces))
    assert all(table.schema == LINES for table in tables)
    whole = join_lines(parts, offsets).frame()
    assert set(whole["year"]) == {2023, 2024}
    assert pa.concat_tables(tables).to_pandas().astype(object).equals(whole.astype(object))
    words = {tuple(table["carrier"].chunk(0).dictionary.to_pylist()) for table in tables}
    assert len(words) == 1  # so that a piece can follow another in one column of a file


def test_a_layer_without_lines_has_an_empty_table_of_the_same_columns(tmp_path) -> None:
    nothing = read_back(some_lines(0, 0), tmp_path / "lines.arrow")
    assert len(nothing) == 0
    (table,) = lines_by_year(lambda: [nothing])
    assert table.schema == LINES
    assert table.num_rows == 0


def test_part_files_give_back_columns_in_the_order_asked_and_say_their_digest(tmp_path) -> None:
    table = pa.table({"feature": pa.array(range(5000), pa.int32()), "row": [7] * 5000, "id": ["a", "b"] * 2500})
    sizes = []
    for compressed in (False, True):
        path = tmp_path / f"{compressed}.arrow"
        assert write_part_file(table, path, compressed=compressed) == file_digest(path)
        assert read_part_file(path) == table
        assert read_part_file(path, ["id", "feature"]) == table.select(["id", "feature"])
        assert part_file_schema(path) == table.schema
        sizes.append(path.stat().st_size)
    assert sizes[1] < sizes[0] / 2


def test_what_sums_are_made_of_is_the_same_of_frames_and_of_kinds() -> None:
    offsets = [0, 40, 40]
    pieces = [
        replace(part, feature=part.feature + np.int32(offset))
        for part, offset in zip([some_lines(40, 0), some_lines(0, 1), some_lines(60, 1)], offsets, strict=True)
    ]
    frames = [piece.frame() for piece in pieces]
    one, other = LayerLines.of("b", pieces, 100), LayerLines.of("b", frames, 100)
    assert one.kinds == other.kinds
    assert list(one.by_year) == list(other.by_year) == [2023, 2024]
    for year, lines in one.by_year.items():
        for mine, theirs in zip(lines, other.by_year[year], strict=True):
            assert mine.tobytes() == theirs.tobytes()
    by_kinds, by_frames = FeatureLines.by_year(pieces, 100), FeatureLines.by_year(frames, 100)
    assert list(by_kinds) == list(by_frames) == [2023, 2024]
    for year, found in by_kinds.items():
        pd.testing.assert_frame_equal(found.kinds.astype(object), by_frames[year].kinds.astype(object))
        for name in ("first", "kind", "activity", "emissions"):
            np.testing.assert_array_equal(getattr(found, name), getattr(by_frames[year], name))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"carrier": "peat"}, "carrier is peat, expected is one of"),
        ({"basis": "both"}, "basis is both"),
        ({"method": "guessed"}, "method is guessed"),
        ({"u_own": -0.5}, "u_own is -0.5"),
        ({"u_factor": np.inf}, "u_factor is inf"),
        ({"group": "eui:office", "u_group": np.nan}, "u_group is nan"),
        ({"factor_id": ""}, "factor_id is , expected is the id of the factor"),
    ],
)
def test_lines_that_cannot_be_added_up_are_refused_by_their_kind(kind, message) -> None:
    lines = some_lines(40, 0)
    wrong = replace(lines, kinds=(lines.kinds[0]._replace(**kind), *lines.kinds[1:]))
    with pytest.raises(BadLines, match=message):
        LayerLines.of("b", [wrong], 40)


def test_lines_of_no_feature_or_of_no_amount_are_refused() -> None:
    lines = some_lines(40, 0)
    with pytest.raises(BadLines, match="positions 0 to 9"):
        LayerLines.of("b", [lines], 10)
    amounts = lines.emissions_tco2e.copy()
    amounts[3] = np.nan
    with pytest.raises(BadLines, match="emissions_tco2e is nan, expected is a finite number"):
        LayerLines.of("b", [replace(lines, emissions_tco2e=amounts)], 40)
