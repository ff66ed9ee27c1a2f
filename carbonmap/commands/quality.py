"""The verbs that judge an edition: `carbonmap reconcile` and `carbonmap quality`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from carbonmap.commands.options import StoreOption, console
from carbonmap.commands.plans import EditionOption, StoredRegion

ShareOption = Annotated[
    float | None, typer.Option("--share", help="Of a country's numbers: the part that this region is, 0 to 1.")
]
PartyOption = Annotated[
    str | None,
    typer.Option("--party", metavar="COUNTRY", help="Of a spreadsheet of many countries: whose row, as it says it."),
]
YearOption = Annotated[int | None, typer.Option("--year", "-y", help="Of the edition. Default: the latest.")]


def reconcile(
    region: StoredRegion,
    inventory: Annotated[
        str,
        typer.Argument(
            metavar="INVENTORY",
            help="One that ships (gyeonggi), a CSV of totals, or a spreadsheet of the UNFCCC (XLSX).",
            show_default=False,
        ),
    ],
    store: StoreOption = Path("store"),
    zones: Annotated[
        str | None,
        typer.Option("--zones", "-z", help="The zone set of its places. Default: the set that knows most of them."),
    ] = None,
    year: YearOption = None,
    edition: EditionOption = None,
    share: ShareOption = None,
    party: PartyOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Also write reconciliation.csv and .json there."),
    ] = None,
) -> None:
    """Compare an edition with an inventory, zone by zone: what agrees, what does not, and what may explain it.

    Direct and indirect are kept apart: an inventory of what is burnt in a place says nothing of electricity used there.
    Thinly mapped zones are named: a map with a fifth of the buildings must not pass for a fifth of the emissions.

    Examples: `carbonmap reconcile suwon gyeonggi`; `carbonmap reconcile jizzakh UZB_ghg_profile.xlsx --share 0.041`;
    `carbonmap reconcile liechtenstein TIME_SERIES.xlsx --party Liechtenstein --share 1`
    """
    from carbonmap.reconcile import reconcile as compare
    from carbonmap.reconcile import reconciliation_lines

    done = compare(
        store, region, inventory, zone_set=zones, year=year, edition=edition, share=share, party=party, out=out
    )
    for line in reconciliation_lines(done):
        console.print(line, markup=False)
    if out is not None:
        console.print(f"2 files in {out}", markup=False)


class Language(StrEnum):
    """What `--language` takes."""

    EN = "en"
    KO = "ko"
    UZ = "uz"
    RU = "ru"


def quality(
    region: StoredRegion,
    store: StoreOption = Path("store"),
    zones: Annotated[
        str | None, typer.Option("--zones", "-z", help="By which zone set. Default: the coarsest.")
    ] = None,
    year: YearOption = None,
    edition: EditionOption = None,
    inventory: Annotated[
        list[str] | None,
        typer.Option("--inventory", "-i", help="An inventory to compare with, as for reconcile; may be given again."),
    ] = None,
    share: ShareOption = None,
    party: PartyOption = None,
    language: Annotated[Language, typer.Option("--language", "-l", help="Of the report.")] = Language.EN,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: REGION-quality.html in this folder.")
    ] = None,
) -> None:
    """Write the quality report of an edition: one HTML file that needs no network.

    Coverage, how numbers were had (by sector and zone), intervals, outliers with what is known of them, residuals,
    calibration, comparison with inventories, known limits, and which input, replaced by local data, would narrow the
    region's interval most.

    Example: `carbonmap quality suwon --inventory gyeonggi --language ko`
    """
    from carbonmap.place_files import Folder
    from carbonmap.quality.facts import facts_of
    from carbonmap.quality.page import page
    from carbonmap.reconcile import reconcile as compare
    from grids.edition import Store

    opened = Store(store).open(region, edition)
    facts = facts_of(opened, zone_set=zones, year=year, language=language.value)
    compared = [
        compare(store, region, name, zone_set=zones, year=facts.year, edition=opened.id, share=share, party=party)
        for name in inventory or ()
    ]
    path = out or Path(f"{region}-quality.html")
    with Folder(path.parent) as folder:
        folder.write_text(path.name, page(facts, compared, language.value))
    console.print(f"Quality report of edition {opened.id}: {path}", markup=False)
