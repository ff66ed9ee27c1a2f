/** The picture's values on a map: one source at a time, restyled where it can be, and replaced without a blank moment. */
import type { Map as MapLibre } from 'maplibre-gl';
import { markOf, type Band } from './draw_order';
import type { Ground } from './layers/theme';
import { DOTS, dots, STRIPES, stripes } from './layers/patterns';
import { layersOf } from './layers/themes';
import { layerId, sourceIdOf, valuesSource } from './layers/values';
import type { Picture } from './shown';

/** Bands whose layers draw the numbers' source. */
const VALUE_BANDS: readonly Band[] = [
  'values',
  'doubt',
  'held',
  'hovered',
  'rim',
  'selected',
  'columns',
  'doubt-columns',
  'held-columns',
];
/** Those of them that follow what the pointer does, not the picture. */
const POINTED: readonly Band[] = ['hovered', 'rim', 'selected'];

type SetProperty = (layer: string, name: string, value: unknown) => void;

/** What stands on the map now: its source, the ending of its layers' ids, and whose values they are. */
export interface Standing {
  readonly source: string;
  readonly suffix: string;
  readonly collection: string;
}

export interface ValuesOnMap {
  now(): Standing | null;
  /** Returns whether another source took the place of the one before. */
  draw(picture: Picture, ground: Ground): boolean;
  clear(): void;
}

/** Patterns that the layers of values name. */
export function addPatterns(map: MapLibre): void {
  for (const ground of ['light', 'dark'] as const) {
    map.addImage(`${STRIPES}-${ground}`, stripes(ground), { pixelRatio: 2 });
    map.addImage(`${DOTS}-${ground}`, dots(ground), { pixelRatio: 2 });
  }
}

/** @param tilesOf address template of a picture's tiles */
export function valuesOnMap(map: MapLibre, tilesOf: (picture: Picture) => string): ValuesOnMap {
  let shown: Standing | null = null;
  let shownGround: Ground | null = null;
  let turn = 0;
  /** Takes away what stands below until what came after it is there. */
  let leave: (() => void) | null = null;

  function dropLayer(band: Band, suffix: string): void {
    const id = layerId(band, suffix);
    if (map.getLayer(id)) map.removeLayer(id);
  }

  function drop(old: Standing | null): void {
    if (!old) return;
    for (const band of VALUE_BANDS) dropLayer(band, old.suffix);
    if (map.getSource(old.source)) map.removeSource(old.source);
  }

  /**
   * Give layers that stand already what they would have if made anew; MapLibre passes over what is equal. Another theme
   * on the same source may have other layers.
   */
  function restyle(picture: Picture, ground: Ground, suffix: string): void {
    // The names and values of a layer's own properties belong together, which entries of it cannot say.
    const setLayout = map.setLayoutProperty.bind(map) as SetProperty;
    const setPaint = map.setPaintProperty.bind(map) as SetProperty;
    const layers = layersOf({ picture, ground, suffix });
    for (const band of VALUE_BANDS) if (!layers.some(([taken]) => taken === band)) dropLayer(band, suffix);
    for (const [band, layer] of layers) {
      if (!map.getLayer(layer.id)) map.addLayer(layer, markOf(band));
      if (POINTED.includes(band)) continue;
      if (layer.filter !== undefined) map.setFilter(layer.id, layer.filter);
      for (const [name, given] of Object.entries<unknown>({ ...layer.layout }))
        setLayout(layer.id, name, given);
      for (const [name, given] of Object.entries<unknown>({ ...layer.paint }))
        setPaint(layer.id, name, given);
    }
  }

  return {
    now: () => shown,
    clear() {
      leave?.();
      drop(shown);
      shown = null;
    },
    draw(picture, ground) {
      const source = sourceIdOf(picture);
      if (shown?.source === source && shownGround === ground) {
        restyle(picture, ground, shown.suffix);
        return false;
      }
      // What was on its way out may be what is wanted again: its source has the same name.
      leave?.();
      const old = shown;
      if (old?.source === source) drop(old);
      if (map.getSource(source)) {
        for (const layer of map.getStyle().layers)
          if ('source' in layer && layer.source === source) map.removeLayer(layer.id);
        map.removeSource(source);
      }
      turn += 1;
      const suffix = String(turn);
      map.addSource(source, valuesSource(picture, tilesOf(picture)));
      for (const [band, layer] of layersOf({ picture, ground, suffix })) map.addLayer(layer, markOf(band));
      shown = { source, suffix, collection: picture.key.collection };
      shownGround = ground;
      if (old && old.source !== source) {
        // The old numbers stay below until the new ones are there.
        const swap = () => {
          if (!map.getSource(source) || map.isSourceLoaded(source)) leave?.();
        };
        leave = () => {
          leave = null;
          map.off('sourcedata', swap);
          drop(old);
        };
        map.on('sourcedata', swap);
      }
      return true;
    },
  };
}
