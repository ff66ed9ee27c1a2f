/** What the map's places in view have, so that the legend explains only what is seen. */
import type { FilterSpecification, Map as MapLibre } from 'maplibre-gl';
import type { BBox } from './decode';
import type { Band } from './draw_order';
import { doubtful } from './doubt';
import { known } from './expressions';
import { layerId } from './layers/values';
import type { Picture } from './shown';

export interface InView {
  /** Whether any part of the region is in view at all. */
  readonly places: boolean;
  readonly unknown: boolean;
  readonly held: boolean;
  readonly doubtful: boolean;
}

/**
 * Look at what is drawn.
 *
 * @param suffix ending of the ids of the picture's layers, which must be on the map
 * @param bbox of the region, degrees
 */
export function placesInView(map: MapLibre, picture: Picture, suffix: string, bbox: BBox): InView {
  // A theme may have no layer in a band.
  const seen = (band: Band, filter?: FilterSpecification) => {
    const layer = layerId(band, suffix);
    if (!map.getLayer(layer)) return false;
    return map.queryRenderedFeatures({ layers: [layer], ...(filter ? { filter } : {}) }).length > 0;
  };
  // Flat or upright: of the two one is hidden, and has nothing in view.
  const either = (flat: Band, upright: Band, filter?: FilterSpecification) =>
    seen(flat, filter) || seen(upright, filter);
  const bounds = map.getBounds();
  const [west, south, east, north] = bbox;
  const nothing: FilterSpecification = ['!', known(picture.terms, picture.unit)];
  return {
    places:
      bounds.getWest() < east &&
      bounds.getEast() > west &&
      bounds.getSouth() < north &&
      bounds.getNorth() > south,
    unknown: either('values', 'columns', nothing),
    held: either('held', 'held-columns'),
    doubtful:
      picture.strengths.doubt === null
        ? either('doubt', 'doubt-columns')
        : either('values', 'columns', doubtful(picture.doubted)),
  };
}
