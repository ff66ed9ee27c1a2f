/** The map: draws the model's picture over a quiet ground, and tells the model where it is and what is pointed at. */
import { computed, effect, untracked } from '@preact/signals';
import { Map as MapLibre, prewarm, setWorkerUrl, type Point } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { bringBefore } from './before_on_map';
import { cameraOnMap } from './camera_on_map';
import { drawGround, groundStyle, isOfBase } from './ground_on_map';
import { placesInView } from './in_view';
import { CONTEXT_SOURCE } from './layers/context';
import { layerId, sourceIdOf } from './layers/values';
import type { Model } from './model';
import { pointerOnMap } from './pointer_on_map';
import { onPaper, printMap } from './printed_map';
import type { Insets } from './room';
import { scaleBar } from './scale_bar';
import { addPatterns, valuesOnMap, type ValuesOnMap } from './values_on_map';

setWorkerUrl(workerUrl);
// Workers start while the page is drawn, not after it.
prewarm();

/** The most pitch that a hand may give the map, degrees. */
const STEEPEST = 65;

export interface MapHandle {
  /** The map itself, for another one that is laid beside it. */
  readonly map: MapLibre;
  /** Say what stands at a point, as if the pointer were there; null: nowhere. */
  lookAt(point: Point | null): void;
  /** Choose what stands at a point. */
  select(point: Point): void;
  zoomBy(step: number): void;
  showRegion(): void;
  remove(): void;
}

/** What those who bring the map to life have of it. */
export interface MapParts {
  readonly map: MapLibre;
  readonly model: Model;
  readonly container: HTMLElement;
  readonly values: ValuesOnMap;
  /** Room that panels take now. */
  readonly insets: () => Insets;
  /** Whether the reader wants no motion. */
  readonly isCalm: () => boolean;
  /** Run a step now and whenever what it read changes, until the map is removed. */
  readonly follow: (step: () => undefined | (() => void)) => void;
}

/**
 * Put a map into an element and let it follow the model until it is removed.
 *
 * @param insets asked each time the whole region is to be shown
 * @throws if the browser has no WebGL 2
 */
export function createMap(container: HTMLElement, model: Model, insets: () => Insets): MapHandle {
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const first = untracked(() => model.view.value.camera);
  const map = new MapLibre({
    container,
    style: groundStyle(untracked(() => model.ground.value)),
    ...(first ? { center: [first.lon, first.lat], zoom: first.zoom } : { center: [0, 0], zoom: 1 }),
    maxZoom: 18,
    attributionControl: false,
    // The numbers lie flat: a tilted or turned map would only make cells harder to compare.
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxPitch: STEEPEST,
    // Names that fade in would draw the whole map over and over before it rests.
    fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(scaleBar(model), 'bottom-right');

  const values = valuesOnMap(map, (picture) => model.api.valueTiles(picture.key, picture.columns));
  const undo: (() => void)[] = [onPaper(map), printMap(container.parentElement ?? container, model, insets)];
  const follow = (step: () => undefined | (() => void)) => {
    undo.push(effect(step));
  };
  const parts: MapParts = { map, model, container, values, insets, isCalm: () => calm.matches, follow };
  const camera = cameraOnMap(parts);
  const pointer = pointerOnMap(parts, camera);
  map.once('load', () => {
    model.mapState.value = 'ready';
    model.shots.value = {
      ...model.shots.value,
      first: async () => (await import('./view_picture')).shoot(map),
    };
    addPatterns(map);
    follow(followGround);
    follow(followValues);
    follow(followDifference);
    follow(followSelection);
    follow(camera.followTall);
    follow(pointer.followPointed);
    follow(camera.followChosen);
    follow(followDrawn);
  });
  watchFailures();
  watchWork();

  // --- what is drawn ------------------------------------------------------------------------------------------------

  function followGround(): undefined {
    drawGround(map, model);
  }

  function followValues(): undefined {
    const picture = model.picture.value;
    const ground = model.ground.value;
    const { state } = model.distribution.value;
    if (model.covered.value) {
      model.hovered.value = null;
      values.clear();
      return;
    }
    if (!picture) {
      // While the next scale is on its way the old picture stays: a blank map would flicker.
      if (state === 'failed') values.clear();
      return;
    }
    if (!values.draw(picture, ground)) return;
    pointer.forget();
    untracked(followSelection);
  }

  /** A difference needs the other values beside those shown. */
  const differing = computed(() => {
    const picture = model.picture.value;
    if (!picture?.difference) return null;
    const { terms, unit, sector, difference } = picture;
    // Opacity or classes do not change what was: states given once stay.
    return JSON.stringify([sourceIdOf(picture), difference.less, terms, unit, sector, model.ground.value]);
  });
  function followDifference(): undefined | (() => void) {
    const picture = differing.value === null ? null : untracked(() => model.picture.value);
    return picture ? bringBefore(map, picture, sourceIdOf(picture), model.api) : undefined;
  }

  function followSelection(): undefined {
    const { selected, measured, pair } = model.view.value;
    const shown = values.now();
    if (!shown || !map.getLayer(layerId('selected', shown.suffix))) return;
    const ids = selected?.collection === shown.collection ? [selected.id] : [];
    if (pair !== null && ids.length > 0) ids.push(pair);
    if (measured?.kind === 'items' && measured.collection === shown.collection) ids.push(...measured.ids);
    for (const band of ['rim', 'selected'] as const)
      map.setFilter(layerId(band, shown.suffix), ['in', ['get', 'id'], ['literal', ids]]);
  }

  /** The tool that draws outlines comes when it is first used; if it cannot come now, when the server is back. */
  let drawn = false;
  let removed = false;
  function followDrawn(): undefined {
    const { measured, scenarios } = model.view.value;
    void model.connection.attempt.value;
    const needed = model.measuring.value || scenarios !== null || measured?.kind === 'outline';
    if (!needed || drawn) return;
    drawn = true;
    void import('./drawn_on_map').then(
      ({ drawOnMap }) => {
        if (!removed) undo.push(drawOnMap(map, model));
      },
      () => {
        drawn = false;
      },
    );
  }

  // --- what it does now -----------------------------------------------------------------------------------------------

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
    const shown = values.now();
    if (!picture || !region || !shown || !map.getLayer(layerId('values', shown.suffix))) return;
    const found = placesInView(map, picture, shown.suffix, region.bbox);
    // Equal findings must not wake the legend: this runs after every move.
    if (JSON.stringify(found) !== JSON.stringify(untracked(() => model.inView.value))) {
      model.inView.value = found;
    }
  }

  // --- when the server is away --------------------------------------------------------------------------------------

  function watchFailures(): void {
    map.on('error', (event) => {
      if (isOfBase(event)) return;
      model.connection.suspect();
      // Or the edition that its tiles are of is no longer kept.
      model.published.look();
    });
    let seen = untracked(() => model.connection.attempt.value);
    follow(() => {
      const attempt = model.connection.attempt.value;
      if (attempt === seen) return;
      seen = attempt;
      for (const source of [CONTEXT_SOURCE, values.now()?.source]) {
        if (source && map.getSource(source)) map.refreshTiles(source);
      }
      return;
    });
  }

  return {
    map,
    lookAt: pointer.lookAt,
    select: pointer.select,
    zoomBy: camera.zoomBy,
    showRegion: camera.showRegion,
    remove() {
      model.shots.value = { first: null, other: null };
      removed = true;
      for (const stop of undo) stop();
      map.remove();
    },
  };
}
