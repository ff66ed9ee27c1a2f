/** The quiet ground of a map: land, water, roads and names, and the marks between which everything else is put. */
import type { Map as MapLibre, StyleSpecification } from 'maplibre-gl';
import { DRAW_ORDER, markOf } from './draw_order';
import { BASE, baseLayer, baseSource } from './layers/base';
import { CONTEXT_COLOURS, CONTEXT_SOURCE, contextLayers } from './layers/context';
import type { Ground } from './layers/theme';
import { loaded } from './loading';
import type { Model } from './model';

/** A style of land and invisible marks, one per band. */
export function groundStyle(ground: Ground): StyleSpecification {
  const marks = DRAW_ORDER.map((band) => ({
    id: markOf(band),
    type: 'background' as const,
    layout: { visibility: 'none' as const },
  }));
  return {
    version: 8,
    sources: {},
    layers: [
      { id: 'land', type: 'background', paint: { 'background-color': CONTEXT_COLOURS[ground].land } },
      ...marks,
    ],
  };
}

/** Draw the region's ground anew, in the reader's language and light; reads signals, so that an effect may follow. */
export function drawGround(map: MapLibre, model: Model): void {
  const ground = model.ground.value;
  const lang = model.lang.value;
  const region = model.region.value;
  const tiles = loaded(model.contextTiles.value);
  map.setPaintProperty('land', 'background-color', CONTEXT_COLOURS[ground].land);
  for (const [, layer] of contextLayers(ground, lang, null)) {
    if (map.getLayer(layer.id)) map.removeLayer(layer.id);
  }
  if (map.getSource(CONTEXT_SOURCE)) map.removeSource(CONTEXT_SOURCE);
  drawBase(map, model);
  if (!region || !tiles) return;
  map.addSource(CONTEXT_SOURCE, {
    type: 'vector',
    tiles: [model.api.contextTileAddress(region.id, region.edition)],
    minzoom: tiles.minzoom,
    maxzoom: tiles.maxzoom,
  });
  for (const [band, layer] of contextLayers(ground, lang, tiles.layers)) map.addLayer(layer, markOf(band));
}

function drawBase(map: MapLibre, model: Model): void {
  const base = model.baseMap.value;
  const ground = model.ground.value;
  if (map.getLayer(BASE)) map.removeLayer(BASE);
  if (map.getSource(BASE)) map.removeSource(BASE);
  if (!base) return;
  map.addSource(BASE, baseSource(base, ground, location.origin));
  map.addLayer(baseLayer(base, ground), markOf('base'));
}

/** Whether an error is of the base map: its server may be away while ours is there. */
export function isOfBase(event: object): boolean {
  return 'sourceId' in event && event.sourceId === BASE;
}
