"""Where a published number comes from: sources, methods, factors, assumptions, and how much each adds to it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import PAGE, Links, alternates, dumped, labels, link, of_edition
from api.chosen_words import chosen_in
from api.errors import InvalidParameter, KeyRefused, RoleRefused
from api.formats import DOCUMENT, HTML, chosen
from api.holders import KEY_PROBLEMS, OPTIONAL_KEY, HolderParam, note
from api.keys import KeyHolder
from api.pages import page_language
from api.params import CollectionParam, FormatParam, ItemId, OpenedParam, SettingsParam, YearParam, only
from api.receipt_models import ReceiptOut
from api.receipt_pages import receipt_page
from api.receipt_words import PAGE_WORDS, REASONS
from grids.manifest import Manifest
from grids.public_receipt import CarrierReceipt, PublicReceipt, SectorReceipt, ToldPart
from grids.public_receipts import public_receipts_of
from grids.receipt import Receipt
from grids.shipped import shipped_columns

router = APIRouter(tags=["questions"], prefix="/{region}/receipts/{collection}")

MOST_FEATURES = 1000
_TARGET_REASONS = ("held", "illustrative")


@router.get(
    "/{item:path}",
    response_model=ReceiptOut,
    responses={**PAGE, **KEY_PROBLEMS},
    openapi_extra=OPTIONAL_KEY,
    dependencies=[Depends(only("edition", "year", "f", "features", "offset"))],
)
async def receipt(
    request: Request,
    opened: OpenedParam,
    collection: CollectionParam,
    year: YearParam,
    settings: SettingsParam,
    holder: HolderParam,
    item: ItemId,
    features: Annotated[
        int | None,
        Query(
            description="also list so many features, those with the largest parts first; for admins' keys only",
            ge=1,
            le=MOST_FEATURES,
        ),
    ] = None,
    offset: Annotated[int, Query(description="features to leave out first", ge=0, le=1_000_000_000)] = 0,
    f: FormatParam = None,
) -> Response:
    """Say where the numbers of a cell, zone or hexagon come from, as far as anybody may know."""
    form, edition, language = chosen(request, DOCUMENT), opened.edition, page_language(request)
    if features is None and offset:
        raise InvalidParameter("offset: given without `features`, expected both: it says which of them to leave out")
    if features is not None:
        _refuse_all_but_admins(holder)

    def body() -> bytes:
        read = public_receipts_of(edition)
        told = read.receipt(collection.id, item, year)
        links = Links(request, settings)
        region = edition.region.id
        listed = alternates(links, request, form, DOCUMENT, region, "receipts", collection.id, item)
        pin = edition.id if opened.pinned else None
        at = (region, "collections", collection.id, "items", told.id)
        listed.append(link("related", links.address(*at, year=year, edition=pin), "application/geo+json"))
        document = {
            "collection": collection.id,
            **_described(told, edition.manifest, language),
            "links": listed,
        }
        if features is not None and holder is not None:
            note(request, holder, "receipt.read", f"{region}/{edition.id}/{collection.id}/{told.id}/{year}")
            document["features"] = _features(read.true.receipt(collection.id, item, year, top=features, offset=offset))
        if form is HTML:
            return receipt_page(request, settings, opened, collection, document)
        return dumped(document)

    headers = {"Vary": "Accept, Accept-Language", "Content-Language": language}
    # What a key is asked for is written down first: a slow database takes the threads of keys, and none of the public.
    threads = None if features is None else request.app.state.key_threads
    return await to_thread.run_sync(
        lambda: of_edition(request, opened, body, form.media_type, headers), limiter=threads
    )


def _refuse_all_but_admins(holder: KeyHolder | None) -> None:
    if holder is None:
        raise KeyRefused(
            "features: single features are private; they need the key of an admin, as 'Authorization: Bearer ck_...'. "
            "Without `features` everybody may ask",
            given=False,
        )
    if not holder.may("admin"):
        raise RoleRefused(
            f"features: single features need a key of the role 'admin', and yours has the role {holder.role!r}"
        )


def _described(told: PublicReceipt, manifest: Manifest, language: str) -> dict[str, Any]:
    reasons = _Reasons(manifest, language)
    every = {code for sector in told.sectors for code in sector.reasons}
    every |= {"held"} if told.held else set()
    return {
        "region": manifest.region.id,
        "id": told.id,
        "name": dict(told.name),
        "year": told.year,
        "held": told.held,
        "reasons": reasons.told(code for code in _TARGET_REASONS if code in every),
        "sectors": [_sector(sector, reasons, language) for sector in told.sectors],
        "sources": [
            {"id": source.id, "sector": source.sector, "open": source.open, "files": source.files}
            for source in told.sources
        ],
        "factors": [
            {**record, "chosen": chosen_in(language, how)} if isinstance(how := record.get("chosen"), str) else record
            for record in told.factors
        ],
        "assumptions": told.assumptions,
        "inputs": [entry.model_dump() for entry in told.inputs],
        **labels(manifest),
    }


class _Reasons:
    """Codes with their words in one language."""

    def __init__(self, manifest: Manifest, language: str) -> None:
        disclosure = manifest.disclosure
        rule = disclosure.get("rule") if isinstance(disclosure, dict) else None
        self._least = rule.get("min_count", 3) if isinstance(rule, dict) else 3
        self._words: Mapping[str, tuple[str, str]] = REASONS.get(language, REASONS["en"])

    def told(self, codes: Iterable[str]) -> list[dict[str, str]]:
        """Return code, title and text of each."""
        return [
            {"code": code, "title": title, "text": text.replace("{min_count}", str(self._least))}
            for code in codes
            for title, text in (self._words[code],)
        ]


def _sector(sector: SectorReceipt, reasons: _Reasons, language: str) -> dict[str, Any]:
    words = shipped_columns()
    is_net = sector.sector == "net"
    return {
        "sector": sector.sector,
        "title": PAGE_WORDS[language]["net"] if is_net else words.word("sector", sector.sector, language),
        "tco2e": sector.tco2e,
        "sd_tco2e": sector.sd_tco2e,
        "interval_90": sector.interval,
        "coverage": sector.coverage,
        "methods": dict(sector.methods),
        "reasons": reasons.told(sector.reasons),
        "carriers": [_carrier(carrier, language) for carrier in sector.carriers],
        "withheld_tco2e": sector.withheld_tco2e,
        "shared_errors": [{"group": group, "tco2e": loading} for group, loading in sector.shared_errors.items()],
    }


def _carrier(told: CarrierReceipt, language: str) -> dict[str, Any]:
    (carrier, basis), words = told.pair, shipped_columns()
    return {
        "carrier": carrier,
        "basis": basis,
        "title": f"{words.word('carrier', carrier, language)}, {words.word('basis', basis, language)}",
        "tco2e": told.tco2e,
        "parts": [_part(part, language) for part in told.parts],
        "closed_tco2e": told.closed_tco2e,
        "closed_factors": told.closed_factors,
    }


def _part(part: ToldPart, language: str) -> dict[str, Any]:
    return {
        "source": part.layer,
        "open": part.open,
        "method": part.method,
        "method_title": shipped_columns().word("method", part.method, language),
        "tco2e": part.tco2e,
        "activity": part.activity,
        "activity_unit": part.activity_unit,
        "factors": part.factors,
        "assumptions": part.assumptions,
        "shared_error": part.shared_error,
        "lines": part.lines,
    }


def _features(true: Receipt) -> dict[str, Any]:
    """True numbers; the caller has seen to it that an admin asks."""
    return {
        "private": True,
        "matched": true.n_features,
        "offset": true.offset,
        "true_tco2e": {name: part.sums.emissions_tco2e for name, part in true.sectors.items()},
        "features": [
            {
                "source": feature.layer,
                "id": feature.id,
                "share": feature.share,
                "part_tco2e": feature.part_tco2e,
                "lines": feature.lines,
            }
            for feature in true.features
        ],
    }
