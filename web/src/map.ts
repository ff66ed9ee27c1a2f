/** The map: draws the model's picture over a quiet ground, and tells the model where it is and what is pointed at. */
import { effect, untracked } from '@preact/signals';
import {
  Map as MapLibre,
  ScaleControl,
  setWorkerUrl,
  type MapGeoJSONFeature,
  type PointLike,
  type StyleSpecification,
} from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { BBox } from './decode';
import { DRAW_ORDER, markOf, type Band } from './draw_order';
import { isDoubtful, valueOf } from './expressions';
import { placesInView } from './in_view';
import { nameOf } from './format';
import { CONTEXT_COLOURS, CONTEXT_SOURCE, contextLayers } from './layers/context';
import type { Ground } from './layers/theme';
import { DOTS, dots, sourceIdOf, STRIPES, stripes, valuesLayers, valuesSource } from './layers/values';
import { loaded } from './loading';
import type { Model } from './model';
import { shiftIntoSight, type Insets } from './room';
import { mayBeHeld } from './sectors';
import type { Picture } from './shown';

setWorkerUrl(workerUrl);

/** Bands whose layers draw the numbers' source. */
const VALUE_BANDS: readonly Band[] = ['values', 'doubt', 'held', 'hovered', 'selected', 'columns'];
/** Those of them that follow what the pointer does, not the picture. */
const POINTED: readonly Band[] = ['hovered', 'selected'];

/** Pitch of a map with columns, and the most that a hand may give it, degrees. */
const SIDE_PITCH = 50;
const STEEPEST = 65;

type SetProperty = (layer: string, name: string, value: unknown) => void;

export interface MapHandle {
  zoomBy(step: number): void;
  showRegion(): void;
  remove(): void;
}

function emptyStyle(ground: Ground): StyleSpecification {
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

export function hasWebgl(): boolean {
  return document.createElement('canvas').getContext('webgl2') !== null;
}

/** What a tile's feature says, as the page's own type; nothing nested occurs in our tiles. */
function propertiesOf(feature: MapGeoJSONFeature): Record<string, string | number | boolean | null> {
  return feature.properties;
}

/**
 * Put a map into an element and let it follow the model until it is removed.
 *
 * @param insets asked each time the whole region is to be shown
 */
export function createMap(container: HTMLElement, model: Model, insets: () => Insets): MapHandle {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const first = untracked(() => model.view.value.camera);
  const map = new MapLibre({
    container,
    style: emptyStyle(untracked(() => model.ground.value)),
    ...(first ? { center: [first.lon, first.lat], zoom: first.zoom } : { center: [0, 0], zoom: 1 }),
    maxZoom: 18,
    attributionControl: false,
    // The numbers lie flat: a tilted or turned map would only make cells harder to compare.
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxPitch: STEEPEST,
    fadeDuration: calm.matches ? 0 : 200,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new ScaleControl({ maxWidth: 110 }), 'bottom-right');

  // What stands on the map now: its source, the ending of its layers' ids, and the place under the pointer.
  let shown: { source: string; suffix: string; collection: string } | null = null;
  let shownGround: Ground | null = null;
  let hovered: string | null = null;
  let turn = 0;

  const undo: (() => void)[] = [];
  const follow = (step: () => undefined | (() => void)) => undo.push(effect(step));
  map.once('load', () => {
    model.mapState.value = 'ready';
    for (const ground of ['light', 'dark'] as const) {
      map.addImage(`${STRIPES}-${ground}`, stripes(ground), { pixelRatio: 2 });
      map.addImage(`${DOTS}-${ground}`, dots(ground), { pixelRatio: 2 });
    }
    follow(followGround);
    follow(followValues);
    follow(followSelection);
    follow(followTall);
    follow(followPointed);
    follow(followDrawn);
  });
  watchCamera();
  follow(followCamera);
  follow(followGoal);
  watchPointer();
  watchFailures();
  watchWork();

  // --- camera -------------------------------------------------------------------------------------------------------

  function fit(bbox: BBox, animate: boolean): void {
    map.fitBounds([bbox[0], bbox[1], bbox[2], bbox[3]], {
      padding: insets(),
      animate: animate && !calm.matches,
      maxZoom: 15,
    });
  }

  function followCamera(): undefined {
    const { camera } = model.view.value;
    const region = model.region.value;
    if (!region) return;
    if (!camera) {
      fit(region.bbox, false);
      return;
    }
    const centre = map.getCenter();
    // The model's camera is usually the one we just told it, rounded by the address.
    const moved =
      Math.abs(camera.zoom - map.getZoom()) > 0.02 ||
      Math.abs(camera.lat - centre.lat) > 1e-4 ||
      Math.abs(camera.lon - centre.lng) > 1e-4;
    if (moved) map.jumpTo({ center: [camera.lon, camera.lat], zoom: camera.zoom });
  }

  function followGoal(): undefined {
    const goal = model.goal.value;
    if (!goal) return;
    // Panels that the same choice opens take their room first.
    requestAnimationFrame(() => {
      model.goal.value = null;
      fit(goal, true);
    });
  }

  function watchCamera(): void {
    const look = () => {
      model.eye.value = { zoom: map.getZoom(), lat: map.getCenter().lat };
    };
    look();
    map.on('moveend', () => {
      look();
      if (!untracked(() => model.region.value)) return;
      const { lng, lat } = map.getCenter();
      model.update({ camera: { zoom: map.getZoom(), lat, lon: lng } });
    });
  }

  // --- what is drawn ------------------------------------------------------------------------------------------------

  function followGround(): undefined {
    const ground = model.ground.value;
    const lang = model.lang.value;
    const region = model.region.value;
    const tiles = loaded(model.contextTiles.value);
    map.setPaintProperty('land', 'background-color', CONTEXT_COLOURS[ground].land);
    for (const [, layer] of contextLayers(ground, lang, null)) {
      if (map.getLayer(layer.id)) map.removeLayer(layer.id);
    }
    if (map.getSource(CONTEXT_SOURCE)) map.removeSource(CONTEXT_SOURCE);
    if (!region || !tiles) return;
    map.addSource(CONTEXT_SOURCE, {
      type: 'vector',
      tiles: [model.api.contextTileAddress(region.id, region.edition)],
      minzoom: tiles.minzoom,
      maxzoom: tiles.maxzoom,
    });
    for (const [band, layer] of contextLayers(ground, lang, tiles.layers)) map.addLayer(layer, markOf(band));
  }

  function drop(old: { source: string; suffix: string } | null): void {
    if (!old) return;
    for (const band of VALUE_BANDS) {
      const id = `${band}-${old.suffix}`;
      if (map.getLayer(id)) map.removeLayer(id);
    }
    if (map.getSource(old.source)) map.removeSource(old.source);
  }

  function followValues(): undefined {
    const picture = model.picture.value;
    const ground = model.ground.value;
    const { state } = model.distribution.value;
    if (!picture) {
      // While the next scale is on its way the old picture stays: a blank map would flicker.
      if (state === 'failed') {
        drop(shown);
        shown = null;
      }
      return;
    }
    const source = sourceIdOf(picture);
    if (shown?.source === source && shownGround === ground) {
      restyle(picture, ground, shown.suffix);
      return;
    }
    replaceValues(picture, ground, source);
  }

  /** Give layers that stand already what they would have if made anew; MapLibre passes over what is equal. */
  function restyle(picture: Picture, ground: Ground, suffix: string): void {
    // The names and values of a layer's own properties belong together, which entries of it cannot say.
    const setLayout = map.setLayoutProperty.bind(map) as SetProperty;
    const setPaint = map.setPaintProperty.bind(map) as SetProperty;
    for (const [band, layer] of valuesLayers(picture, ground, suffix)) {
      if (POINTED.includes(band) || !map.getLayer(layer.id)) continue;
      if (layer.filter !== undefined) map.setFilter(layer.id, layer.filter);
      for (const [name, given] of Object.entries<unknown>({ ...layer.layout }))
        setLayout(layer.id, name, given);
      for (const [name, given] of Object.entries<unknown>({ ...layer.paint }))
        setPaint(layer.id, name, given);
    }
  }

  function replaceValues(picture: Picture, ground: Ground, source: string): void {
    const old = shown;
    if (old?.source === source) drop(old);
    turn += 1;
    const suffix = String(turn);
    map.addSource(source, valuesSource(picture, model.api.valueTiles(picture.key, picture.columns)));
    for (const [band, layer] of valuesLayers(picture, ground, suffix)) map.addLayer(layer, markOf(band));
    shown = { source, suffix, collection: picture.key.collection };
    shownGround = ground;
    hovered = null;
    model.hovered.value = null;
    untracked(followSelection);
    if (old && old.source !== source) {
      // The old numbers stay below until the new ones are there.
      const swap = () => {
        if (!map.getSource(source) || map.isSourceLoaded(source)) {
          map.off('sourcedata', swap);
          drop(old);
        }
      };
      map.on('sourcedata', swap);
    }
  }

  /** Columns are looked at from the side; flat cells from above. */
  function followTall(): undefined {
    const { tall } = model.view.value;
    const pitch = tall ? SIDE_PITCH : 0;
    if (Math.abs(map.getPitch() - pitch) > 0.5) map.easeTo({ pitch, bearing: 0, animate: !calm.matches });
    for (const handler of [map.dragRotate, map.touchPitch]) {
      if (tall) handler.enable();
      else handler.disable();
    }
  }

  function followSelection(): undefined {
    const { selected, measured } = model.view.value;
    if (!shown || !map.getLayer(`selected-${shown.suffix}`)) return;
    const ids = selected?.collection === shown.collection ? [selected.id] : [];
    if (measured?.kind === 'items' && measured.collection === shown.collection) ids.push(...measured.ids);
    map.setFilter(`selected-${shown.suffix}`, ['in', ['get', 'id'], ['literal', ids]]);
  }

  function followPointed(): undefined {
    const pointed = model.pointed.value;
    hover(pointed && pointed.collection === shown?.collection ? pointed.id : null);
  }

  /** The tool that draws outlines comes when it is first used. */
  let drawn = false;
  function followDrawn(): undefined {
    const needed = model.measuring.value || model.view.value.measured?.kind === 'outline';
    if (!needed || drawn) return;
    drawn = true;
    void import('./drawn_on_map').then(
      ({ drawOnMap }) => undo.push(drawOnMap(map, model)),
      () => {
        drawn = false;
      },
    );
  }

  // --- pointer and keys ---------------------------------------------------------------------------------------------

  function placeAt(point: PointLike): MapGeoJSONFeature | null {
    if (!shown || !map.getLayer(`values-${shown.suffix}`)) return null;
    const layers = [`values-${shown.suffix}`, `columns-${shown.suffix}`];
    return map.queryRenderedFeatures(point, { layers })[0] ?? null;
  }

  function hover(id: string | null): void {
    if (!shown || id === hovered) return;
    const target = { source: shown.source, sourceLayer: shown.collection };
    if (hovered !== null) map.setFeatureState({ ...target, id: hovered }, { hovered: false });
    if (id !== null) map.setFeatureState({ ...target, id }, { hovered: true });
    hovered = id;
  }

  function select(point: PointLike): void {
    if (model.sketch.value) return;
    const place = placeAt(point);
    const id = place && propertiesOf(place).id;
    const selected = shown && typeof id === 'string' ? { collection: shown.collection, id } : null;
    model.update({ selected });
    // The card says more, and may lie where the words at the pointer are.
    if (selected) model.hovered.value = null;
    if (selected) uncover(Array.isArray(point) ? [point[0], point[1]] : [point.x, point.y]);
  }

  /** Move what was chosen out from under the card that opens over it. */
  function uncover(point: readonly [number, number]): void {
    // The card takes its room once it is drawn.
    requestAnimationFrame(() => {
      const shift = shiftIntoSight(point, [container.clientWidth, container.clientHeight], insets());
      if (shift[0] !== 0 || shift[1] !== 0) map.panBy([shift[0], shift[1]], { animate: !calm.matches });
    });
  }

  function watchPointer(): void {
    map.on('mousemove', (event) => {
      const place = placeAt(event.point);
      const properties = place && propertiesOf(place);
      const picture = model.picture.value;
      map.getCanvas().style.cursor = place ? 'pointer' : '';
      if (!properties || typeof properties.id !== 'string' || !picture) {
        hover(null);
        model.hovered.value = null;
        return;
      }
      hover(properties.id);
      model.hovered.value = {
        x: event.point.x,
        y: event.point.y,
        name: nameOf(properties, properties.id, model.lang.value),
        value: valueOf(properties, picture.terms, picture.unit),
        held: properties.held === true && mayBeHeld(picture.sector),
        doubtful: picture.doubt !== 'off' && isDoubtful(properties, picture.sector),
      };
    });
    const leave = () => {
      hover(null);
      model.hovered.value = null;
    };
    map.on('mouseout', leave);
    map.on('movestart', leave);
    map.on('click', (event) => {
      // The second half of a double click was meant for what the first one did.
      if (event.originalEvent.detail < 2) select(event.point);
    });
    const canvas = map.getCanvas();
    canvas.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      select([canvas.clientWidth / 2, canvas.clientHeight / 2]);
    });
  }

  function watchWork(): void {
    const busy = () => {
      model.mapBusy.value = true;
    };
    map.on('dataloading', busy);
    map.on('movestart', busy);
    map.on('idle', () => {
      model.mapBusy.value = false;
      lookAround();
    });
  }

  /** See what the places in view have, for the legend. */
  function lookAround(): void {
    const picture = untracked(() => model.picture.value);
    const region = untracked(() => model.region.value);
    if (!picture || !region || !shown || !map.getLayer(`values-${shown.suffix}`)) return;
    const found = placesInView(map, picture, shown.suffix, region.bbox);
    // Equal findings must not wake the legend: this runs after every move.
    if (JSON.stringify(found) !== JSON.stringify(untracked(() => model.inView.value))) {
      model.inView.value = found;
    }
  }

  // --- when the server is away --------------------------------------------------------------------------------------

  function watchFailures(): void {
    map.on('error', () => {
      model.connection.suspect();
    });
    let seen = untracked(() => model.connection.attempt.value);
    follow(() => {
      const attempt = model.connection.attempt.value;
      if (attempt === seen) return;
      seen = attempt;
      for (const source of [CONTEXT_SOURCE, shown?.source]) {
        if (source && map.getSource(source)) map.refreshTiles(source);
      }
      return;
    });
  }

  return {
    zoomBy(step) {
      map.zoomTo(map.getZoom() + step, { animate: !calm.matches });
    },
    showRegion() {
      const region = model.region.value;
      if (region) fit(region.bbox, true);
    },
    remove() {
      for (const stop of undo) stop();
      map.remove();
    },
  };
}
