/** An answer on the map, in the place of the edition's values: coloured places, outlines, and words at the pointer. */
import { computed, effect } from '@preact/signals';
import type { FeatureCollection, Geometry } from 'geojson';
import type { FilterSpecification, GeoJSONSource, Map as MapLibre, MapMouseEvent } from 'maplibre-gl';
import { useEffect, useMemo } from 'preact/hooks';
import { markOf } from '../draw_order';
import type { Ground } from '../layers/theme';
import type { MapHandle } from '../map';
import type { Model } from '../model';
import { restingPointer } from '../resting_pointer';
import { Tooltip } from '../tooltip';
import { wordsOf } from './place_words';
import { planPicture, type PlanPicture } from './plan_picture';
import { planOf } from './plan_session';
import { PlanStatus } from './plan_status';
import { planned } from './plan_words';

const PLACES = 'plan-places';
const OUTLINES = 'plan-outlines';
const GROUND = 'plan-outlined-ground';
const HOVERED = 'plan-hovered';
const CHOSEN = 'plan-chosen';
const LINE: Readonly<Record<Ground, string>> = { light: '#10181b', dark: '#ffffff' };

interface Shape {
  readonly id: string;
  readonly geometry: Geometry;
  readonly colour?: string;
}

function collectionOf(shapes: readonly Shape[]): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: shapes.map(({ id, geometry, colour }) => ({
      type: 'Feature',
      geometry,
      properties: { id, colour },
    })),
  };
}

/** Let a loaded map show the picture until the returned function is called. */
function followOn(map: MapLibre, model: Model, picture: () => PlanPicture | null): () => void {
  const { pointed, chosen } = planOf(model);
  map.addSource(PLACES, { type: 'geojson', data: collectionOf([]), tolerance: 0 });
  map.addSource(OUTLINES, { type: 'geojson', data: collectionOf([]), tolerance: 0 });
  map.addLayer(
    {
      id: PLACES,
      type: 'fill',
      source: PLACES,
      paint: { 'fill-color': ['get', 'colour'], 'fill-antialias': false },
    },
    markOf('values'),
  );
  const none: FilterSpecification = ['==', ['get', 'id'], ''];
  map.addLayer(
    { id: HOVERED, type: 'line', source: PLACES, filter: none, paint: { 'line-width': 2 } },
    markOf('hovered'),
  );
  // Ground that nobody sees, so that a zone can be chosen by its inside.
  map.addLayer(
    { id: GROUND, type: 'fill', source: OUTLINES, paint: { 'fill-opacity': 0 } },
    markOf('outline'),
  );
  map.addLayer(
    { id: OUTLINES, type: 'line', source: OUTLINES, paint: { 'line-width': 2 } },
    markOf('outline'),
  );
  map.addLayer(
    { id: CHOSEN, type: 'line', source: OUTLINES, filter: none, paint: { 'line-width': 4 } },
    markOf('outline'),
  );
  const data = (source: string, shapes: readonly Shape[]) => {
    void map.getSource<GeoJSONSource>(source)?.setData(collectionOf(shapes));
  };
  // By itself: each setting of a filter draws anew, and what is drawn is looked at anew.
  const hovered = computed(() => pointed.value?.id ?? '');
  const stops = [
    effect(() => {
      data(PLACES, picture()?.places ?? []);
    }),
    effect(() => {
      data(OUTLINES, picture()?.outlines ?? []);
    }),
    effect(() => {
      map.setPaintProperty(PLACES, 'fill-opacity', model.view.value.opacity / 100);
    }),
    effect(() => {
      for (const layer of [HOVERED, OUTLINES, CHOSEN])
        map.setPaintProperty(layer, 'line-color', LINE[model.ground.value]);
    }),
    effect(() => {
      map.setFilter(HOVERED, ['==', ['get', 'id'], hovered.value]);
    }),
    effect(() => {
      map.setFilter(CHOSEN, ['==', ['get', 'id'], chosen.value ?? '']);
    }),
  ];
  const at = (point: MapMouseEvent['point'], layer: string): string | null => {
    const [found] = map.queryRenderedFeatures(point, { layers: [layer] });
    const id: unknown = found?.properties.id;
    return typeof id === 'string' ? id : null;
  };
  // Clicks that draw or pick choose no place.
  const isTaken = () => model.sketch.peek() !== null || model.picking.peek() !== null;
  const stopLooking = restingPointer(map, (point) => {
    const id = point === null || isTaken() ? null : at(point, PLACES);
    pointed.value = id === null || point === null ? null : { x: point.x, y: point.y, id };
  });
  const click = ({ point }: MapMouseEvent) => {
    if (isTaken()) return;
    chosen.value = (model.view.peek().plan?.kind === 'where' ? at(point, GROUND) : null) ?? at(point, PLACES);
  };
  map.on('click', click);
  return () => {
    map.off('click', click);
    stopLooking();
    for (const stop of stops) stop();
    // A map that was removed before this has none of them any more.
    for (const layer of [CHOSEN, OUTLINES, GROUND, HOVERED, PLACES])
      if (map.getLayer(layer)) map.removeLayer(layer);
    for (const source of [OUTLINES, PLACES]) if (map.getSource(source)) map.removeSource(source);
  };
}

function Pointed({ model }: { model: Model }) {
  const pointed = planOf(model).pointed.value;
  const words = pointed && wordsOf(pointed.id, model);
  if (!words) return null;
  const [name, head, lines] = words;
  return (
    <Tooltip testid="plan-tooltip" at={pointed} name={name} value={head}>
      {lines.map((line) => (
        <span key={line} class="tooltip-held">
          {line}
        </span>
      ))}
    </Tooltip>
  );
}

export const PlanMap = planned(function PlanMap({ model, handle }: { model: Model; handle: MapHandle }) {
  const picture = useMemo(() => computed(() => planPicture(model)), [model]);
  const ready = model.mapState.value === 'ready';
  useEffect(() => {
    if (!ready) return;
    const stopDrawing = followOn(handle.map, model, () => picture.value);
    const stopCovering = effect(() => {
      model.covered.value = picture.value !== null;
    });
    return () => {
      stopCovering();
      stopDrawing();
      model.covered.value = false;
    };
  }, [model, handle, picture, ready]);
  return (
    <>
      <Pointed model={model} />
      <PlanStatus model={model} />
    </>
  );
});
