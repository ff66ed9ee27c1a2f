"""The editions of a region that are kept, and what changed from one to another."""

from dataclasses import asdict
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.answers import Links, answer, dumped, known_answer, labels, link
from api.errors import InvalidParameter
from api.params import SettingsParam, StoreParam, only
from api.question_models import DiffOut, EditionsOut
from api.turns import reading
from grids.edition import Edition
from grids.gazetteer import item_names
from grids.history import Changes, Difference, Kept, changes, kept_editions, largest_changes, total_changes
from grids.manifest import Manifest
from grids.store_errors import YearNotFound

router = APIRouter(tags=["questions"], prefix="/{region}/editions")

RegionAsked = Annotated[str, Path(description="id of a region, see /api/regions")]


@router.get("", response_model=EditionsOut, dependencies=[Depends(only())])
def editions(request: Request, store: StoreParam, region: RegionAsked, settings: SettingsParam) -> Response:
    """List all editions that are kept, the one published last first."""
    current = store.current(region)
    kept, broken = kept_editions(store, region)

    def body() -> bytes:
        info = store.open(region).manifest.region
        links = Links(request, settings)
        older: list[Kept | None] = [*kept[1:], None]
        document = {
            "region": region,
            "current": current,
            "synthetic": info.synthetic,
            "attributions": [attribution.model_dump() for attribution in info.attributions],
            "broken": broken,
            "editions": [_described(links, one, before, current) for one, before in zip(kept, older, strict=True)],
        }
        return dumped(document)

    known = "\n".join((current, *(f"{one.manifest.edition} {one.published}" for one in kept), *broken))
    return answer(request, body, of=f"{region}/{known}")


def two_editions(
    store: StoreParam,
    region: RegionAsked,
    before: Annotated[str, Path(description="an edition: 16 hex digits")],
    after: Annotated[str, Path(description="another one")],
) -> tuple[Edition, Edition]:
    """Open both editions of a comparison, which reads files."""
    return store.open(region, before), store.open(region, after)


@router.get(
    "/{before}/diff/{after}",
    response_model=DiffOut,
    dependencies=[Depends(only("collection", "year", "column", "limit"))],
)
async def diff(
    request: Request,
    two: Annotated[tuple[Edition, Edition], Depends(two_editions)],
    collection: Annotated[str | None, Query(description="of which items; the coarsest zones if not given")] = None,
    year: Annotated[int | None, Query(description="the latest of both if not given", ge=1, le=9999)] = None,
    column: Annotated[str, Query(description="a column of numbers")] = "net_tco2e",
    limit: Annotated[int, Query(description="items to answer with at most", ge=1, le=1000)] = 20,
) -> Response:
    """Say what changed from one edition to another, and why: inputs, factors, configuration, code, and numbers."""
    old, new = two
    of = f"{new.region.id}/{old.id}/{new.id}"

    def body() -> bytes:
        if collection is None:
            _check_column(old, new, column)
        return dumped(_difference(old, new, collection, year, column, limit))

    def made() -> Response:
        return answer(request, body, of=of, pinned=True)

    known = known_answer(request, of=of, pinned=True)
    if known is not None:
        return known
    # Of an edition beside itself nothing is read.
    return await (to_thread.run_sync(made) if old.id == new.id else reading(request, made))


def _check_column(old: Edition, new: Edition, column: str) -> None:
    """Refuse a column that no zones of either edition have: with none said, there would be nothing to compare it in."""
    known = dict.fromkeys(
        name
        for edition in (new, old)
        for info in edition.manifest.collections
        if info.kind == "zones" and info.years
        for name, kind in edition.types(info.id).items()
        if kind not in ("string", "bool")
    )
    if known and column not in known:
        raise InvalidParameter(f"column: no zones have numbers in {column[:80]!r}; they have {', '.join(known)}")


def _described(links: Links, kept: Kept, older: Kept | None, current: str) -> dict[str, Any]:
    manifest = kept.manifest
    region = manifest.region.id
    listed = [link("related", links.address(region, "manifest", edition=manifest.edition), title="manifest")]
    if older is not None:
        href = links.address(region, "editions", older.manifest.edition, "diff", manifest.edition)
        listed.append(link("predecessor-version", href, title="what changed"))
    return {
        "id": manifest.edition,
        "current": manifest.edition == current,
        "published": kept.published,
        "years": manifest.region.years,
        "collections": [info.id for info in manifest.collections],
        "inputs": len(manifest.inputs),
        "code": manifest.code.version,
        "totals": manifest.totals,
        "illustrative": manifest.illustrative,
        "inputs_changed": None if older is None else _inputs(manifest) != _inputs(older.manifest),
        "links": listed,
    }


def _inputs(manifest: Manifest) -> set[tuple[str, str]]:
    return {(one.file, one.sha256) for one in manifest.inputs}


def _difference(
    old: Edition, new: Edition, collection: str | None, year: int | None, column: str, limit: int
) -> dict[str, Any]:
    before, after = old.manifest.public(), new.manifest.public()
    compared = {
        "inputs": _input_changes(old.manifest, new.manifest),
        "factors": changes(before["factors"], after["factors"], "id"),
        "assumptions": changes(before["assumptions"], after["assumptions"], "id"),
        "configuration": changes(_settings(before), _settings(after), "setting"),
        "libraries": changes(_named(before["libraries"]), _named(after["libraries"]), "name"),
    }
    same_code = before["code"] == after["code"]
    reasons = [name for name, found in compared.items() if found] + ([] if same_code else ["code"])
    if _other_region_file(old.manifest, new.manifest, nothing_else=old.id != new.id and not reasons):
        reasons.append("region file")
    old_sets, new_sets = ([info.id for info in edition.manifest.collections] for edition in (old, new))
    info = new.manifest.region
    return {
        "region": info.id,
        "synthetic": info.synthetic,
        "attributions": [attribution.model_dump() for attribution in info.attributions],
        "before": labels(old.manifest),
        "after": labels(new.manifest),
        "same": old.id == new.id,
        "reasons": reasons,
        **{name: asdict(found) for name, found in compared.items()},
        "code": None if same_code else {"before": before["code"], "after": after["code"]},
        "collections": {
            "added": [name for name in new_sets if name not in old_sets],
            "removed": [name for name in old_sets if name not in new_sets],
        },
        "totals": [{"year": of, "sector": one.id, **_values(one)} for of, one in total_changes(old, new)],
        "largest": _largest(old, new, collection, year, column, limit),
    }


def _other_region_file(old: Manifest, new: Manifest, *, nothing_else: bool) -> bool:
    """Whether the region files differ; editions of older programs do not tell, but by an id that nothing else made."""
    if old.region_file is None or new.region_file is None:
        return nothing_else
    return old.region_file != new.region_file


def _input_changes(old: Manifest, new: Manifest) -> Changes:
    """Which input files changed; that a closed one did is told, its digests are not."""
    whole = [[entry.model_dump() for entry in one.inputs] for one in (old, new)]
    found = changes(whole[0], whole[1], "file")
    before, after = ({entry.file: entry.model_dump() for entry in one.public_inputs()} for one in (old, new))
    return Changes(
        added=[after[entry["file"]] for entry in found.added],
        removed=[before[entry["file"]] for entry in found.removed],
        changed=[
            {"name": entry["name"], "before": before[entry["name"]], "after": after[entry["name"]]}
            for entry in found.changed
        ],
    )


def _largest(
    old: Edition, new: Edition, collection: str | None, year: int | None, column: str, limit: int
) -> dict[str, Any] | None:
    """The items that changed most; none where the editions have no collection of zones in common."""
    if collection is None:
        both = [info for info in new.manifest.collections if info.kind == "zones" and info.id in old.collections]
        both = [info for info in both if column in info.columns and column in old.collection(info.id).columns]
        if not both:
            return None
        collection = min(both, key=lambda info: info.level).id
    years = [one for one in new.collection(collection).years if one in old.collection(collection).years]
    if not years:
        raise YearNotFound(f"collection {collection!r} has no year that editions {old.id} and {new.id} both have")
    meant = years[-1] if year is None else year
    found = largest_changes(old, new, collection, meant, column, limit)
    ids = [one.id for one in found.items]
    names = zip(
        item_names(old, old.collection(collection), meant, ids),
        item_names(new, new.collection(collection), meant, ids),
        strict=True,
    )
    return {
        "collection": collection,
        "year": meant,
        "column": column,
        "compared": found.compared,
        "changed": found.changed,
        "items": [
            {"id": one.id, "name": later or earlier, **_values(one)}
            for one, (earlier, later) in zip(found.items, names, strict=True)
        ],
    }


def _values(one: Difference) -> dict[str, float | None]:
    return {"before": one.before, "after": one.after, "difference": one.difference}


def _settings(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What a public manifest says of how the edition was asked for."""
    disclosure = document["disclosure"]
    rule = disclosure.get("rule") if isinstance(disclosure, dict) else None
    known = {**document["region"], "sectors": document["sectors"], "disclosure rule": rule}
    return [{"setting": name, "value": value} for name, value in known.items()]


def _named(versions: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "version": version} for name, version in versions.items()]
