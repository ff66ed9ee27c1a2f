"""The table of parameters: every number is sourced, gaps stay gaps, distributions are what they say."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from accounting.factors import FactorTable
from scenarios.errors import InvalidParameters, ParameterGap
from scenarios.parameters import COLUMNS, SETS, read_parameters, shipped_parameters


def test_numbers_of_the_factor_tables_are_taken_from_there(project: Path) -> None:
    factors = FactorTable.load(project / "data" / "factors")
    shipped = shipped_parameters()
    for name, row in {
        "retrofit.saving": "retrofit_gr_min",
        "heat_pump.scop": "hp_scop",
        "ev.car": "kr_ev_kwh_km_models",
    }.items():
        assert shipped.number(name) == factors.rows[row].value
        assert shipped[name].source == factors.rows[row].source
    assert shipped.elasticities["ewing_cervero_2010"]["job_access_car"] == -0.20
    assert shipped.elasticities["stevens_2017"]["proximity_downtown"] == -0.63
    assert set(shipped.elasticities) == set(SETS)


def test_every_parameter_says_unit_limits_source_and_confidence() -> None:
    for parameter in shipped_parameters().items.values():
        assert parameter.unit
        assert parameter.source
        assert parameter.minimum < parameter.maximum
        assert (parameter.value is None) == (parameter.status == "gap")


def test_a_gap_is_asked_of_the_user() -> None:
    shipped = shipped_parameters()
    with pytest.raises(ParameterGap, match=r"pv\.roof_share.*from 0 to 1"):
        shipped.number("pv.roof_share")
    told = shipped.given({"pv.roof_share": 0.4})
    assert told.number("pv.roof_share") == 0.4
    assert told["pv.roof_share"].status == "given"
    assert shipped["pv.roof_share"].value is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("pv.roof_share", 1.4, "0 to 1 was"), ("pv.roof", 0.4, r"did you mean pv\.roof_share"),
     ("pv.roof_share", (0.4, 0.5, 0.6), "must lie in its range")],
)  # fmt: skip
def test_what_was_given_wrong_is_told(name: str, value: float, says: str) -> None:
    with pytest.raises(InvalidParameters, match=says):
        shipped_parameters().given({name: value})


def test_draws_have_the_range_that_is_stated() -> None:
    z = np.random.default_rng(3).standard_normal(200_000)
    normal, skewed = shipped_parameters()["heat_pump.scop"], shipped_parameters()["afforestation.uptake"]
    np.testing.assert_allclose(np.quantile(normal.at(z), [0.025, 0.5, 0.975]), [2.5, 3.0, 3.5], rtol=0.01)
    ratio = np.quantile(skewed.at(z), 0.975) / np.quantile(skewed.at(z), 0.025)
    assert ratio == pytest.approx(13 / 2.8, rel=0.03)
    assert (shipped_parameters()["state.storeys"].at(z) == 4).all()
    at_middle = dataclasses.replace(normal).at(np.zeros(1))
    assert at_middle[0] == normal.value


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"default": "9"}, "lies outside"), ({"status": "found", "default": ""}, "a gap has no default"),
     ({"distribution": "beta"}, "is not normal"),
     ({"factor_id": "none_such", "default": "", "source": ""}, "must be a row"),
     ({"low95": "0.1"}, "neither goes alone"), ({"minimum": "2"}, "minimum below maximum")],
)  # fmt: skip
def test_a_broken_row_is_refused_by_name(project: Path, tmp_path: Path, changes: dict[str, str], says: str) -> None:
    row = dict.fromkeys(COLUMNS, "") | {
        "id": "a.b", "meaning": "x", "unit": "1", "default": "0.5", "minimum": "0", "maximum": "1",
        "source": "s", "confidence": "low", "status": "derived",
    }  # fmt: skip
    path = tmp_path / "parameters.csv"
    path.write_text(",".join(COLUMNS) + "\n" + ",".join((row | changes).values()) + "\n", "utf-8")
    with pytest.raises(InvalidParameters, match=says):
        read_parameters(path, FactorTable.load(project / "data" / "factors"))
