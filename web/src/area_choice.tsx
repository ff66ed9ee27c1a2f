/** By what the map is divided: grids, administrative areas, zonings, hexagons, each kind under its own name. */
import type { Collection } from './api';
import { gridsOf } from './areas';
import { textIn } from './format';
import { loaded } from './loading';
import type { Model } from './model';
import { Pill } from './pill';
import { AUTO } from './state';
import type { Texts } from './texts/texts';

function groupName({ kind, zoneKind }: Collection, t: Texts): string {
  if (kind === 'hexagons') return t.explore.hexagons;
  if (zoneKind === 'administrative') return t.explore.administrative;
  return zoneKind === 'land_use' ? t.explore.zoning : t.explore.otherZones;
}

/** Collections that are no grids, under the names of their kinds, in the order they come. */
function groupsOf(collections: readonly Collection[], t: Texts): [name: string, of: readonly Collection[]][] {
  const others = collections.filter(({ kind, cellSizeM }) => kind !== 'grid' || cellSizeM === null);
  const groups = new Map<string, Collection[]>();
  for (const collection of others) {
    const name = groupName(collection, t);
    groups.set(name, [...(groups.get(name) ?? []), collection]);
  }
  return [...groups];
}

export function AreaChoice({ model }: { model: Model }) {
  const t = model.texts.value;
  const collections = loaded(model.collections.value);
  if (!collections) return <div class="skeleton choice-skeleton" aria-hidden="true" />;
  const grids = gridsOf(collections);
  const groups = groupsOf(collections, t);
  const { area } = model.view.value;
  const known = area === AUTO || collections.some(({ id }) => id === area);
  const active = model.active.value;
  const automatic = !known || area === AUTO;
  const size = (metres: number | null) => (metres === null ? '' : t.cellSize(metres));
  return (
    <fieldset class="choice">
      <legend>{t.area}</legend>
      {grids.length > 0 && (
        <div class="pills segments">
          <Pill
            name="area"
            value={AUTO}
            checked={automatic}
            title={active ? t.areaAutoNow(size(active.cellSizeM)) : t.areaAuto}
            choose={() => {
              model.chooseArea(AUTO);
            }}
          >
            {t.areaAuto}
            {automatic && active?.kind === 'grid' && <small> {size(active.cellSizeM)}</small>}
          </Pill>
          {grids.map((grid) => (
            <Pill
              key={grid.id}
              name="area"
              value={grid.id}
              checked={!automatic && area === grid.id}
              choose={() => {
                model.chooseArea(grid.id);
              }}
            >
              {size(grid.cellSizeM)}
            </Pill>
          ))}
        </div>
      )}
      <div class="pills">
        {groups.map(([name, listed]) => (
          <div class="pill-group" role="group" aria-label={name} key={name}>
            {listed.map((collection) => (
              <Pill
                key={collection.id}
                name="area"
                value={collection.id}
                title={name}
                checked={active?.id === collection.id}
                choose={() => {
                  model.chooseArea(collection.id);
                }}
              >
                <span translate={false}>{textIn(collection.title, model.lang.value)}</span>
              </Pill>
            ))}
          </div>
        ))}
      </div>
    </fieldset>
  );
}
