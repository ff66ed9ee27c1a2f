/** The base map that a region wants below its numbers: pictures from elsewhere, quiet enough for what lies over them. */
import type { RasterLayerSpecification, RasterSourceSpecification } from 'maplibre-gl';
import type { BaseMap } from '../api';
import type { Ground } from './theme';

export const BASE = 'base';

/** @param origin of this page: an address without one is on its server */
export function baseSource(base: BaseMap, ground: Ground, origin: string): RasterSourceSpecification {
  const template = (ground === 'dark' ? base.darkTiles : null) ?? base.tiles;
  return {
    type: 'raster',
    tiles: [template.startsWith('/') ? origin + template : template],
    tileSize: base.tileSize,
    maxzoom: base.maxzoom,
  };
}

export function baseLayer(base: BaseMap, ground: Ground): RasterLayerSpecification {
  const dimmed = ground === 'dark' && base.darkTiles === null;
  return {
    id: BASE,
    type: 'raster',
    source: BASE,
    paint: {
      // Colours mean numbers here: those of the ground step back.
      'raster-saturation': -0.6,
      ...(dimmed ? { 'raster-brightness-max': 0.4 } : {}),
    },
  };
}
