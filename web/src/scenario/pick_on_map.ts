/** What is picked on the map by clicks: zones of a set, outlined and filled where they are picked, or roads. */
import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals';
import type { FeatureCollection } from 'geojson';
import type { FilterSpecification, GeoJSONSource, Map as MapLibre, MapMouseEvent } from 'maplibre-gl';
import { markOf } from '../draw_order';
import { toggled } from '../drawing';
import { nameOf } from '../format';
import type { Ground } from '../layers/theme';
import { loaded } from '../loading';
import type { Model } from '../model';
import { MOST_ITEMS } from '../state';
import type { KnownRoads } from './roads';

const ZONES = 'pick-zones';
const HOVERED = 'pick-hovered';
const FILLED = 'pick-filled';
const CHOSEN = 'pick-chosen';
const ROADS = 'pick-roads';
/** From the ground up. */
const ZONE_LAYERS = [ZONES, FILLED, 'pick-borders', HOVERED, CHOSEN] as const;
const COLOUR: Readonly<Record<Ground, string>> = { light: '#0b4f8a', dark: '#9ed0ff' };
/** How near a click must be to a road, px: a finger's tip. */
const NEAR_PX = 14;
/** Metres that a pixel is at zoom 0 on the equator, with tiles of 512 px. */
const EQUATOR_M_PER_PX = 78_271.517;
/** The server looks no farther. */
const FARTHEST_M = 1000;

/** How many metres of ground a click may be off. */
export function nearM(zoom: number, lat: number): number {
  const perPixel = (EQUATOR_M_PER_PX * Math.cos((lat * Math.PI) / 180)) / 2 ** zoom;
  return Math.min(Math.max(perPixel * NEAR_PX, 1), FARTHEST_M);
}

export interface Pointed {
  readonly x: number;
  readonly y: number;
  readonly name: string;
}

function amongst(ids: readonly string[]): FilterSpecification {
  return ['in', ['get', 'id'], ['literal', [...ids]]];
}

function roadShapes(ids: readonly string[], roads: KnownRoads): FeatureCollection {
  const found = ids.flatMap((id) => roads.known.value.get(id) ?? []);
  return {
    type: 'FeatureCollection',
    features: found.map(({ geometry }) => ({ type: 'Feature', geometry, properties: {} })),
  };
}

/**
 * Let a loaded map follow what is picked until the returned function is called.
 *
 * @param named roads of the measures in sight, which are drawn though nobody picks
 */
export function pickOnMap(
  map: MapLibre,
  model: Model,
  roads: KnownRoads,
  named: ReadonlySignal<readonly string[]>,
): { readonly pointed: ReadonlySignal<Pointed | null>; readonly stop: () => void } {
  const pointed = signal<Pointed | null>(null);
  const picking = model.picking;
  const collection = computed(() => picking.value?.collection ?? null);

  function removeZones(): void {
    for (const layer of ZONE_LAYERS.toReversed()) if (map.getLayer(layer)) map.removeLayer(layer);
    if (map.getSource(ZONES)) map.removeSource(ZONES);
  }

  map.addSource(ROADS, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  map.addLayer(
    {
      id: ROADS,
      type: 'line',
      source: ROADS,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-width': 5, 'line-opacity': 0.75 },
    },
    markOf('outline'),
  );

  const stops = [
    effect(() => {
      const region = model.region.value;
      const year = model.year.value;
      const found = (loaded(model.collections.value) ?? []).find(({ id }) => id === collection.value);
      removeZones();
      pointed.value = null;
      if (!region || year === null || !found) return;
      const key = { region: region.id, edition: region.edition, collection: found.id, year };
      const names = found.columns.filter((name) => name.startsWith('name_'));
      map.addSource(ZONES, {
        type: 'vector',
        tiles: [model.api.valueTiles(key, ['id', ...names])],
        minzoom: found.minzoom,
        maxzoom: found.maxzoom,
      });
      const from = { source: ZONES, 'source-layer': found.id };
      const band = markOf('outline');
      const colour = COLOUR[untracked(() => model.ground.value)];
      const ids = untracked(() => picking.value?.ids ?? []);
      const fill = (id: string, opacity: number, filter?: FilterSpecification) => {
        const paint = { 'fill-color': colour, 'fill-opacity': opacity };
        map.addLayer({ id, type: 'fill', ...from, paint, ...(filter ? { filter } : {}) }, band);
      };
      const line = (id: string, width: number, filter?: FilterSpecification) => {
        const paint = { 'line-color': colour, 'line-width': width };
        map.addLayer({ id, type: 'line', ...from, paint, ...(filter ? { filter } : {}) }, band);
      };
      // Ground that nobody sees, so that a zone is picked by its inside.
      fill(ZONES, 0);
      fill(FILLED, 0.3, amongst(ids));
      line('pick-borders', 1);
      line(HOVERED, 2.5, amongst([]));
      line(CHOSEN, 3, amongst(ids));
    }),
    effect(() => {
      const ids = picking.value?.ids ?? [];
      for (const layer of [FILLED, CHOSEN]) if (map.getLayer(layer)) map.setFilter(layer, amongst(ids));
    }),
    effect(() => {
      const colour = COLOUR[model.ground.value];
      map.setPaintProperty(ROADS, 'line-color', colour);
      for (const layer of ZONE_LAYERS)
        if (map.getLayer(layer))
          map.setPaintProperty(
            layer,
            layer === ZONES || layer === FILLED ? 'fill-color' : 'line-color',
            colour,
          );
    }),
    effect(() => {
      // What a server that was away did not tell is asked for again.
      void model.connection.attempt.value;
      const ids = picking.value?.collection === null ? picking.value.ids : named.value;
      roads.bring(ids);
      void map.getSource<GeoJSONSource>(ROADS)?.setData(roadShapes(ids, roads));
    }),
    effect(() => {
      map.getCanvas().style.cursor = picking.value ? 'pointer' : '';
      // The second half of a double click picks nothing, and must not zoom.
      if (picking.value) map.doubleClickZoom.disable();
      else if (!model.sketch.peek()) map.doubleClickZoom.enable();
    }),
  ];

  function zoneAt(point: MapMouseEvent['point']): { id: string; name: string } | null {
    if (!map.getLayer(ZONES)) return null;
    const properties: Readonly<Record<string, string | number | boolean | null>> | undefined =
      map.queryRenderedFeatures(point, { layers: [ZONES] })[0]?.properties;
    const id = properties?.id;
    return properties && typeof id === 'string'
      ? { id, name: nameOf(properties, id, model.lang.peek()) }
      : null;
  }

  function pickAt(point: MapMouseEvent['point']): void {
    const now = picking.peek();
    if (!now || model.sketch.peek()) return;
    if (now.collection === null) {
      const { lng, lat } = map.unproject(point);
      roads.pick(lng, lat, nearM(map.getZoom(), lat));
      return;
    }
    const zone = zoneAt(point);
    if (zone) picking.value = toggled(now, zone.id, MOST_ITEMS);
  }

  const click = ({ point, originalEvent }: MapMouseEvent) => {
    if (originalEvent.detail < 2) pickAt(point);
  };
  const move = ({ point }: MapMouseEvent) => {
    if (!picking.peek()) return;
    map.getCanvas().style.cursor = 'pointer';
    if (!map.getLayer(HOVERED)) return;
    const zone = zoneAt(point);
    map.setFilter(HOVERED, amongst(zone ? [zone.id] : []));
    pointed.value = zone && { x: point.x, y: point.y, name: zone.name };
  };
  const leave = () => {
    if (map.getLayer(HOVERED)) map.setFilter(HOVERED, amongst([]));
    pointed.value = null;
  };
  const canvas = map.getCanvas();
  const key = (event: KeyboardEvent) => {
    if (!picking.peek() || model.sketch.peek()) return;
    if (event.key === 'Enter') pickAt(map.project(map.getCenter()));
    else if (event.key === 'Escape') picking.value = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  map.on('click', click);
  map.on('mousemove', move);
  map.on('mouseout', leave);
  map.on('movestart', leave);
  canvas.addEventListener('keydown', key, true);
  return {
    pointed,
    stop() {
      for (const stop of stops) stop();
      map.off('click', click);
      map.off('mousemove', move);
      map.off('mouseout', leave);
      map.off('movestart', leave);
      canvas.removeEventListener('keydown', key, true);
      canvas.style.cursor = '';
      removeZones();
      if (map.getLayer(ROADS)) map.removeLayer(ROADS);
      if (map.getSource(ROADS)) map.removeSource(ROADS);
    },
  };
}
