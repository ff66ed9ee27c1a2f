/** The values of another year, sector or edition beside those shown: loaded unseen, and given to each place as its state. */
import type { Map as MapLibre, MapGeoJSONFeature } from 'maplibre-gl';
import type { Api, Properties } from './api';
import { markOf } from './draw_order';
import { deviationColumn, valueOf } from './expressions';
import { interval90 } from './format';
import { isIndistinct, type Interval } from './indistinct';
import { sourceIdOf, valuesSource } from './layers/values';
import { emissionsColumn, type Unit } from './sectors';
import type { Less, Picture } from './shown';

/** What is taken off a place: the other value in the unit shown, and its total with the standard deviation, t. */
export interface Before {
  readonly value: number;
  readonly total: number;
  /** Null: not known. */
  readonly sd: number | null;
}

function beforeIn(properties: Properties, { terms, sector }: Less, unit: Unit): Before | null {
  const value = valueOf(properties, terms, unit);
  if (value === null) return null;
  const total = properties[emissionsColumn(sector)];
  const sd = properties[deviationColumn(sector)];
  return {
    value,
    total: typeof total === 'number' ? total : 0,
    sd: typeof sd === 'number' ? sd : null,
  };
}

/** What was given to a place that is drawn; null: not known there. */
export function beforeOf(map: MapLibre, place: MapGeoJSONFeature): Before | null {
  const { id, source, sourceLayer } = place;
  if (id === undefined || sourceLayer === undefined) return null;
  const { before, total, sd } = map.getFeatureState({ source, sourceLayer, id }) as Record<string, unknown>;
  return typeof before === 'number' && typeof total === 'number'
    ? { value: before, total, sd: typeof sd === 'number' ? sd : null }
    : null;
}

function intervalOf(total: number, sd: number | null): Interval {
  return sd === null ? null : interval90(total, sd);
}

/** Whether a sector's total of a place cannot be told from what is taken off: the 90 % intervals overlap. */
export function isIndistinctFrom(
  properties: Properties,
  before: Before,
  { sector, difference }: Pick<Picture, 'sector' | 'difference'>,
): boolean {
  if (!difference?.less.uncertain) return false;
  const total = properties[emissionsColumn(sector)];
  const sd = properties[deviationColumn(sector)];
  return (
    typeof total === 'number' &&
    isIndistinct(intervalOf(total, typeof sd === 'number' ? sd : null), intervalOf(before.total, before.sd))
  );
}

/**
 * Bring the other values to the places of a source for as long as a difference is shown.
 *
 * @param source id of the source whose places get the state `before`, `total` and `sd`
 * @returns ends it, and takes the states away
 */
export function bringBefore(map: MapLibre, picture: Picture, source: string, api: Api): () => void {
  const { difference } = picture;
  if (!difference) return () => undefined;
  const sourceLayer = picture.key.collection;
  const { less } = difference;
  const other = { ...picture, ...less };
  const from = `before ${sourceIdOf(other)}`;
  const given = new Set<string>();
  let asked = 0;

  const give = () => {
    asked = 0;
    if (!map.getSource(source) || !map.getSource(from)) return;
    for (const { properties } of map.querySourceFeatures(from, { sourceLayer })) {
      const found: Properties = properties;
      const { id } = found;
      if (typeof id !== 'string' || given.has(id)) continue;
      given.add(id);
      const before = beforeIn(found, less, picture.unit);
      if (before)
        map.setFeatureState(
          { source, sourceLayer, id },
          { before: before.value, total: before.total, sd: before.sd },
        );
    }
  };
  const watch = (event: { sourceId?: string }) => {
    const ours = event.sourceId === from || event.sourceId === source;
    if (ours && asked === 0) asked = requestAnimationFrame(give);
  };

  map.addSource(from, valuesSource(other, api.valueTiles(other.key, other.columns)));
  // A source loads tiles only for a layer that is there.
  map.addLayer(
    { id: from, type: 'fill', source: from, 'source-layer': sourceLayer, paint: { 'fill-opacity': 0 } },
    markOf('land'),
  );
  map.on('sourcedata', watch);
  return () => {
    map.off('sourcedata', watch);
    cancelAnimationFrame(asked);
    if (map.getLayer(from)) map.removeLayer(from);
    if (map.getSource(from)) map.removeSource(from);
    if (map.getSource(source)) map.removeFeatureState({ source, sourceLayer });
  };
}
