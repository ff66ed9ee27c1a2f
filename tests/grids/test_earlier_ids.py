"""Names of features over two editions: who is called otherwise is no meter that is gone and another one that is new."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import receipt_town
import shapely

from grids.earlier_ids import ClosedLayer, IdsChanged, refuse_if_renamed
from grids.edition import Edition

IDS = [f"stock-canary-{k}" for k in range(7)]  # the last one has no meter
PLACES = np.array([shapely.box(9e5 + 50 * k, 19e5, 9e5 + 50 * k + 10.123, 19e5 + 10) for k in range(7)], dtype=object)


def features(ids: list[str], places: np.ndarray | None = PLACES) -> pa.Table:
    table = pa.table({"id": pa.array(ids, pa.string())})
    return table if places is None else table.append_column("geometry", pa.array(shapely.to_wkb(places), pa.binary()))


def layer(table: pa.Table, name: str = "stock") -> ClosedLayer:
    return ClosedLayer(name, "buildings", lambda: [table.slice(0, 3), table.slice(3)])


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    found = receipt_town.publish(receipt_town.EXAMPLE, tmp_path_factory.mktemp("names"))
    pq.write_table(features(IDS), found.folder / "private" / "features-stock.parquet")
    return found


def moved(by: float) -> np.ndarray:
    return shapely.transform(PLACES, lambda xy: xy + by)


SWAPPED = [IDS[1], IDS[0], *IDS[2:]]
UNMETERED = [*IDS[:6], "other"]
OTHERS = [f"b{k}" for k in range(7)]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (layer(features(IDS)), None),
        (layer(features(IDS[::-1], PLACES[::-1])), None),
        (layer(features(IDS, moved(0.001))), None),  # another version of a library
        (layer(features(IDS, moved(7.0))), None),  # all drawn anew
        (layer(features(UNMETERED)), None),
        (layer(features([*IDS[:4], *OTHERS[4:]], moved(7.0))), None),  # two of six meters are gone, three are new
        (layer(features(IDS), "register"), "6 stand where they stood and have another name, such as 'stock-canary-0'"),
        (layer(features(["b", *IDS[1:]])), "1 stand where they stood"),
        (layer(features(SWAPPED)), "2 stand where they stood"),
        (layer(features(OTHERS, moved(7.0))), "6 are not found by their names, while others are new"),
        (layer(features(IDS, None), "register"), "6 are not found by their names"),
    ],
)
def test_who_is_called_otherwise_is_told(edition: Edition, now: ClosedLayer, said: str | None):
    if said is None:
        refuse_if_renamed([edition], [now])
        return
    with pytest.raises(IdsChanged, match=rf"of 6 features with a closed meter in edition 00000000000000aa, {said}"):
        refuse_if_renamed([edition], [now])


@pytest.mark.parametrize("decimals", [0.0, 0.005, 0.001, 0.0005])
def test_the_last_digit_of_a_coordinate_makes_no_other_place(tmp_path: Path, decimals: float):
    """Projected anew by another library, places differ in the ninth decimal; half centimetres were rounded apart."""
    there = shapely.transform(PLACES, lambda xy: np.round(xy) + decimals)
    found = receipt_town.publish(receipt_town.EXAMPLE, tmp_path)
    pq.write_table(features(IDS, there), found.folder / "private" / "features-stock.parquet")
    for noise in (-1e-9, 1e-9):
        again = shapely.transform(there, lambda xy, noise=noise: xy + noise)
        with pytest.raises(IdsChanged, match="6 stand where they stood and have another name"):
            refuse_if_renamed([found], [layer(features(IDS, again), "register")])


def test_a_source_that_is_gone_with_nothing_in_its_place_is_gone(edition: Edition):
    refuse_if_renamed([edition], [])
    refuse_if_renamed([edition], [ClosedLayer("roads", "transport", lambda: [features(OTHERS)])])


def test_of_several_at_one_place_one_may_be_another(tmp_path: Path):
    """Meters of one address, as a table with coordinates has them: nobody can say which one was called otherwise."""
    together = np.array([PLACES[0], PLACES[0], *PLACES[2:]], dtype=object)
    found = receipt_town.publish(receipt_town.EXAMPLE, tmp_path)
    pq.write_table(features(IDS, together), found.folder / "private" / "features-stock.parquet")
    refuse_if_renamed([found], [layer(features([IDS[0], "new", *IDS[2:]], together))])
