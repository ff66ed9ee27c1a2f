/** A result of more cells than one answer holds: it is drawn from tiles, with classes that follow from today's values. */
import { computed, type ReadonlySignal } from '@preact/signals';
import { loaded, resource } from '../loading';
import type { Model } from '../model';
import { emissionsColumn } from '../sectors';
import { MOST_PLACES, type Asking, type Summary } from './questions';

export interface Tiled {
  /** Id of the grid. */
  readonly of: string;
  /** Address template of the tiles. */
  readonly tiles: string;
  readonly minzoom: number;
  readonly maxzoom: number;
  /** Quantiles of today's tCO2e per hectare of the sector in sight, rising. */
  readonly today: readonly number[];
}

/** Fine enough for classes. */
const QUANTILES = 201;

/**
 * Follow a result; null where its cells are few enough to be told one by one, or are not known yet.
 *
 * @param digest of the result in sight
 */
export function createTiled(
  model: Model,
  asking: ReadonlySignal<Asking | null>,
  summary: ReadonlySignal<Summary | null>,
  digest: ReadonlySignal<string | null>,
): ReadonlySignal<Tiled | null> {
  const { api, connection } = model;
  const grid = computed(() => {
    const found = (loaded(model.collections.value) ?? []).find(({ id }) => id === summary.value?.collection);
    return found && found.count > MOST_PLACES ? found : null;
  });
  const today = resource(
    () => {
      const key = asking.value;
      return grid.value && key && model.view.value.scenarios !== null
        ? { ...key, collection: grid.value.id, column: emissionsColumn(model.sector.value) }
        : null;
    },
    ({ column, ...key }, cancel) => api.distribution(key, column, 't_per_ha', cancel, QUANTILES),
    connection.attempt,
    (result) => {
      connection.note(result);
    },
  );
  return computed(() => {
    const [key, found, name] = [asking.value, grid.value, digest.value];
    const known = loaded(today.value)?.quantiles;
    if (!key || !found || name === null || !known) return null;
    const { id, minzoom, maxzoom } = found;
    const at = encodeURIComponent;
    const path = `${at(key.region)}/scenarios/results/${name}/tiles/WebMercatorQuad/{z}/{y}/{x}`;
    return {
      of: id,
      tiles: api.address(`${path}?edition=${at(key.edition)}&of=${at(id)}`),
      minzoom,
      maxzoom,
      today: known,
    };
  });
}
