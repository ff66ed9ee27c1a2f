/** The values of another year beside those shown: loaded unseen, and given to each place as its state. */
import type { Map as MapLibre, MapGeoJSONFeature } from 'maplibre-gl';
import type { Api, Properties } from './api';
import { isIndistinct } from './compare';
import { markOf } from './draw_order';
import { deviationColumn, valueOf } from './expressions';
import { sourceIdOf, valuesSource } from './layers/values';
import { emissionsColumn, type Sector } from './sectors';
import type { Picture } from './shown';

/** What a place had: its value in the unit shown, and its total with the standard deviation, t. */
export interface Before {
  readonly value: number;
  readonly total: number;
  readonly sd: number;
}

function beforeIn(properties: Properties, picture: Picture): Before | null {
  const value = valueOf(properties, picture.terms, picture.unit);
  if (value === null) return null;
  const total = properties[emissionsColumn(picture.sector)];
  const sd = properties[deviationColumn(picture.sector)];
  return {
    value,
    total: typeof total === 'number' ? total : 0,
    sd: typeof sd === 'number' ? sd : 0,
  };
}

/** What was given to a place that is drawn; null: not known there. */
export function beforeOf(map: MapLibre, place: MapGeoJSONFeature): Before | null {
  const { id, source, sourceLayer } = place;
  if (id === undefined || sourceLayer === undefined) return null;
  const { before, total, sd } = map.getFeatureState({ source, sourceLayer, id }) as Record<string, unknown>;
  return typeof before === 'number' && typeof total === 'number' && typeof sd === 'number'
    ? { value: before, total, sd }
    : null;
}

/** Whether a sector's total of a place cannot be told from what it was: the 90 % intervals overlap. */
export function isIndistinctFrom(properties: Properties, before: Before, sector: Sector): boolean {
  const total = properties[emissionsColumn(sector)];
  const sd = properties[deviationColumn(sector)];
  return (
    typeof total === 'number' &&
    isIndistinct([total, typeof sd === 'number' ? sd : 0], [before.total, before.sd])
  );
}

/**
 * Bring the other year's values to the places of a source for as long as a difference is shown.
 *
 * @param source id of the source whose places get the state `before`, `total` and `sd`
 * @returns ends it, and takes the states away
 */
export function bringBefore(map: MapLibre, picture: Picture, source: string, api: Api): () => void {
  const { difference } = picture;
  if (!difference) return () => undefined;
  const sourceLayer = picture.key.collection;
  const other = { ...picture, key: { ...picture.key, year: difference.year } };
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
      const before = beforeIn(found, other);
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
