/** Places of a scenario's result on a map: coloured by a value, outlined where the pointer is, and where measures act. */
import type { FeatureCollection, Geometry } from 'geojson';
import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import { markOf } from '../draw_order';
import { fillColour, fillOpacity } from '../expressions';
import { UNKNOWN, type Ground } from '../layers/theme';
import type { Term } from '../quantity';
import type { Scale } from '../scale';
import type { Place } from './questions';

const PLACES = 'scenario-places';
const AREAS = 'scenario-areas';
const HOVERED = 'scenario-hovered';
const LINE: Readonly<Record<Ground, string>> = { light: '#10181b', dark: '#ffffff' };
/** Where nothing changes the ground is seen. */
const ZERO_STRENGTH = 0.18;

export interface Drawn {
  readonly terms: readonly Term[];
  readonly scale: Scale;
  readonly ground: Ground;
  /** 0 to 1. */
  readonly opacity: number;
}

export interface PlacesOnMap {
  /** Cells and zones of a result; the same list is not loaded again. */
  show(places: readonly Place[]): void;
  colour(drawn: Drawn): void;
  /** Outlines of the areas in which measures act. */
  outline(areas: readonly Geometry[], ground: Ground): void;
  hover(id: string | null): void;
  at(point: { x: number; y: number }): string | null;
  remove(): void;
}

function collectionOf(places: readonly { geometry: Geometry; properties?: object }[]): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: places.map(({ geometry, properties }) => ({
      type: 'Feature',
      geometry,
      properties: { ...properties },
    })),
  };
}

/** Add empty sources and layers to a loaded map. */
export function placesOnMap(map: MapLibre): PlacesOnMap {
  const nothing = collectionOf([]);
  let shown: readonly Place[] | null = null;
  map.addSource(PLACES, { type: 'geojson', data: nothing, tolerance: 0 });
  map.addSource(AREAS, { type: 'geojson', data: nothing });
  map.addLayer(
    { id: PLACES, type: 'fill', source: PLACES, paint: { 'fill-antialias': false, 'fill-opacity': 0 } },
    markOf('values'),
  );
  map.addLayer(
    {
      id: HOVERED,
      type: 'line',
      source: PLACES,
      filter: ['==', ['get', 'id'], ''],
      paint: { 'line-width': 2 },
    },
    markOf('hovered'),
  );
  map.addLayer(
    {
      id: AREAS,
      type: 'line',
      source: AREAS,
      layout: { 'line-join': 'round' },
      paint: { 'line-width': 2, 'line-dasharray': [2, 1.5] },
    },
    markOf('outline'),
  );
  return {
    show(places) {
      if (places === shown) return;
      shown = places;
      void map.getSource<GeoJSONSource>(PLACES)?.setData(collectionOf(places));
    },
    colour({ terms, scale, ground, opacity }) {
      const strengths = { full: opacity, zero: opacity * ZERO_STRENGTH, doubt: null, only: null };
      map.setPaintProperty(PLACES, 'fill-color', fillColour(terms, 't_per_ha', scale, UNKNOWN[ground]));
      map.setPaintProperty(PLACES, 'fill-opacity', fillOpacity(terms, 't_per_ha', strengths));
      map.setPaintProperty(HOVERED, 'line-color', LINE[ground]);
    },
    outline(areas, ground) {
      void map
        .getSource<GeoJSONSource>(AREAS)
        ?.setData(collectionOf(areas.map((geometry) => ({ geometry }))));
      map.setPaintProperty(AREAS, 'line-color', LINE[ground]);
    },
    hover(id) {
      map.setFilter(HOVERED, ['==', ['get', 'id'], id ?? '']);
    },
    at({ x, y }) {
      const [found] = map.queryRenderedFeatures([x, y], { layers: [PLACES] });
      const id: unknown = found?.properties.id;
      return typeof id === 'string' ? id : null;
    },
    remove() {
      for (const layer of [AREAS, HOVERED, PLACES]) if (map.getLayer(layer)) map.removeLayer(layer);
      for (const source of [AREAS, PLACES]) if (map.getSource(source)) map.removeSource(source);
    },
  };
}
