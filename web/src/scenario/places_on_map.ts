/** Places of a scenario's result on a map: coloured by a value, outlined where the pointer is, and where measures act. */
import type { FeatureCollection, Geometry } from 'geojson';
import type { FilterSpecification, GeoJSONSource, Map as MapLibre, VectorTileSource } from 'maplibre-gl';
import type { Properties } from '../api';
import { markOf } from '../draw_order';
import { fillColour, fillOpacity } from '../expressions';
import { UNKNOWN, type Ground } from '../layers/theme';
import type { Term } from '../quantity';
import type { Scale } from '../scale';
import type { Place } from './questions';
import type { Tiled } from './tiled';

const PLACES = 'scenario-places';
const AREAS = 'scenario-areas';
const STOPS = 'scenario-stops';
const HOVERED = 'scenario-hovered';
const LINE: Readonly<Record<Ground, string>> = { light: '#10181b', dark: '#ffffff' };
const STOP: Readonly<Record<Ground, string>> = { light: '#0b4f8a', dark: '#2f6fb0' };
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
  /** Cells and zones of a result, or its tiles; the same list is not loaded again. */
  show(places: readonly Place[], tiled: Tiled | null): void;
  colour(drawn: Drawn): void;
  /** Areas, lines and stops that measures have. */
  outline(areas: readonly Geometry[], ground: Ground): void;
  hover(id: string | null): void;
  at(point: { x: number; y: number }): Pick<Place, 'id' | 'properties'> | null;
  remove(): void;
}

function isThe(id: string): FilterSpecification {
  return ['==', ['get', 'id'], id];
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
  let tiles: Tiled | null = null;
  /** As what stands was coloured, and what the pointer is on: another source is drawn alike. */
  let last: Drawn | null = null;
  let hovered = '';

  function lift(): void {
    for (const layer of [HOVERED, PLACES]) if (map.getLayer(layer)) map.removeLayer(layer);
    if (map.getSource(PLACES)) map.removeSource(PLACES);
  }

  function stand(tiled: Tiled | null): void {
    lift();
    if (tiled) {
      const { minzoom, maxzoom } = tiled;
      map.addSource(PLACES, { type: 'vector', tiles: [tiled.tiles], minzoom, maxzoom });
    } else map.addSource(PLACES, { type: 'geojson', data: nothing, tolerance: 0 });
    const from = { source: PLACES, ...(tiled ? { 'source-layer': tiled.of } : {}) };
    map.addLayer(
      { id: PLACES, type: 'fill', ...from, paint: { 'fill-antialias': false, 'fill-opacity': 0 } },
      markOf('values'),
    );
    map.addLayer(
      { id: HOVERED, type: 'line', ...from, filter: isThe(hovered), paint: { 'line-width': 2 } },
      markOf('hovered'),
    );
    tiles = tiled;
    shown = null;
    if (last) colour(last);
  }

  function colour({ terms, scale, ground, opacity }: Drawn): void {
    const strengths = { full: opacity, zero: opacity * ZERO_STRENGTH, doubt: null, only: null };
    map.setPaintProperty(PLACES, 'fill-color', fillColour(terms, 't_per_ha', scale, UNKNOWN[ground]));
    map.setPaintProperty(PLACES, 'fill-opacity', fillOpacity(terms, 't_per_ha', strengths));
    map.setPaintProperty(HOVERED, 'line-color', LINE[ground]);
  }

  stand(null);
  map.addSource(AREAS, { type: 'geojson', data: nothing });
  map.addLayer(
    {
      id: AREAS,
      type: 'line',
      source: AREAS,
      filter: ['!=', ['geometry-type'], 'Point'],
      layout: { 'line-join': 'round' },
      paint: { 'line-width': 2, 'line-dasharray': [2, 1.5] },
    },
    markOf('outline'),
  );
  map.addLayer(
    {
      id: STOPS,
      type: 'circle',
      source: AREAS,
      filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-radius': 4, 'circle-stroke-width': 1.5, 'circle-stroke-color': '#ffffff' },
    },
    markOf('outline'),
  );
  return {
    show(places, tiled) {
      if (tiled?.of !== tiles?.of) stand(tiled);
      else if (tiled && tiled.tiles !== tiles?.tiles) {
        // What was there stays until the new tiles are.
        map.getSource<VectorTileSource>(PLACES)?.setTiles([tiled.tiles]);
        tiles = tiled;
      }
      if (tiled || places === shown) return;
      shown = places;
      void map.getSource<GeoJSONSource>(PLACES)?.setData(collectionOf(places));
    },
    colour(drawn) {
      last = drawn;
      colour(drawn);
    },
    outline(areas, ground) {
      void map
        .getSource<GeoJSONSource>(AREAS)
        ?.setData(collectionOf(areas.map((geometry) => ({ geometry }))));
      map.setPaintProperty(AREAS, 'line-color', LINE[ground]);
      map.setPaintProperty(STOPS, 'circle-color', STOP[ground]);
    },
    hover(id) {
      hovered = id ?? '';
      map.setFilter(HOVERED, isThe(hovered));
    },
    at({ x, y }) {
      const properties: Properties | undefined = map.queryRenderedFeatures([x, y], { layers: [PLACES] })[0]
        ?.properties;
      const id = properties?.id;
      return properties && typeof id === 'string' ? { id, properties } : null;
    },
    remove() {
      for (const layer of [STOPS, AREAS]) if (map.getLayer(layer)) map.removeLayer(layer);
      lift();
      if (map.getSource(AREAS)) map.removeSource(AREAS);
    },
  };
}
