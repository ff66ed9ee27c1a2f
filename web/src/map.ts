/** The map: draws the model's picture over a quiet ground, and tells the model where it is and what is pointed at. */
import { computed, effect, untracked } from '@preact/signals';
import {
  Map as MapLibre,
  setWorkerUrl,
  type MapGeoJSONFeature,
  type Point,
  type PointLike,
} from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { beforeOf, bringBefore, isIndistinctFrom } from './before_on_map';
import type { BBox } from './decode';
import { isDoubtful } from './doubt';
import { valueOf } from './expressions';
import { nameOf } from './format';
import { drawGround, groundStyle, isOfBase } from './ground_on_map';
import { placesInView } from './in_view';
import { CONTEXT_SOURCE } from './layers/context';
import { sourceIdOf } from './layers/values';
import { loaded } from './loading';
import type { Model } from './model';
import { boundsOf, readOutline } from './outlines';
import { shiftIntoSight, shiftPlaceIntoSight, type Insets } from './room';
import { scaleBar } from './scale_bar';
import { mayBeHeld } from './sectors';
import { addPatterns, valuesOnMap } from './values_on_map';

setWorkerUrl(workerUrl);

/** Pitch of a map with columns, and the most that a hand may give it, degrees. */
const SIDE_PITCH = 50;
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
    style: groundStyle(untracked(() => model.ground.value)),
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
  map.addControl(scaleBar(model), 'bottom-right');

  const values = valuesOnMap(map, (picture) => model.api.valueTiles(picture.key, picture.columns));
  /** The place under the pointer. */
  let hovered: string | null = null;
  /** Where the pointer rests: what is compared with may arrive after it. */
  let looked: Point | null = null;

  const undo: (() => void)[] = [];
  const follow = (step: () => undefined | (() => void)) => undo.push(effect(step));
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
    follow(followTall);
    follow(followPointed);
    follow(followChosen);
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
    const { camera, compare } = model.view.value;
    const region = model.region.value;
    if (!region) return;
    if (!camera) {
      const { bbox } = region;
      if (compare?.how !== 'side') fit(bbox, false);
      else
        // A map that has one half gets its size when the page has made room for the other.
        requestAnimationFrame(() => {
          map.resize();
          fit(bbox, false);
        });
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
      model.zoom.value = map.getZoom();
      const bounds = map.getBounds();
      model.bounds.value = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
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
    hovered = null;
    model.hovered.value = null;
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
    const { selected, measured, pair } = model.view.value;
    const shown = values.now();
    if (!shown || !map.getLayer(`selected-${shown.suffix}`)) return;
    const ids = selected?.collection === shown.collection ? [selected.id] : [];
    if (pair !== null && ids.length > 0) ids.push(pair);
    if (measured?.kind === 'items' && measured.collection === shown.collection) ids.push(...measured.ids);
    for (const layer of ['rim', 'selected'])
      map.setFilter(`${layer}-${shown.suffix}`, ['in', ['get', 'id'], ['literal', ids]]);
  }

  function followPointed(): undefined {
    const pointed = model.pointed.value;
    hover(pointed && pointed.collection === values.now()?.collection ? pointed.id : null);
  }

  /** A place or an outline that a link brought may lie under the card, or beyond the edge of a smaller screen. */
  let brought: string | null = null;
  function followChosen(): undefined {
    const { selected, measured } = model.view.value;
    const item = loaded(model.item.value);
    const outline = measured?.kind === 'outline' ? readOutline(measured.outline) : null;
    const bbox = outline ? boundsOf(outline) : item && item.id === selected?.id ? item.bbox : null;
    const name = JSON.stringify([selected, measured]);
    if (!selected && !measured) brought = null;
    if (!bbox || name === brought) return;
    brought = name;
    // The card takes its room first, and a map that is on its way there arrives.
    requestAnimationFrame(() => {
      const look = () => {
        uncoverPlace(bbox);
      };
      if (map.isMoving()) map.once('moveend', look);
      else look();
    });
  }

  function uncoverPlace([west, south, east, north]: BBox): void {
    const corners = [
      map.project([west, south]),
      map.project([west, north]),
      map.project([east, south]),
      map.project([east, north]),
    ];
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
    const place = {
      left: Math.min(...xs),
      right: Math.max(...xs),
      top: Math.min(...ys),
      bottom: Math.max(...ys),
    };
    move(shiftPlaceIntoSight(place, [container.clientWidth, container.clientHeight], insets()));
  }

  function move([x, y]: readonly [number, number]): void {
    if (x !== 0 || y !== 0) map.panBy([x, y], { animate: !calm.matches });
  }

  /** The tool that draws outlines comes when it is first used. */
  let drawn = false;
  function followDrawn(): undefined {
    const { measured, scenarios } = model.view.value;
    const needed = model.measuring.value || scenarios !== null || measured?.kind === 'outline';
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
    const shown = values.now();
    if (!shown || !map.getLayer(`values-${shown.suffix}`)) return null;
    const layers = [`values-${shown.suffix}`, `columns-${shown.suffix}`];
    return map.queryRenderedFeatures(point, { layers })[0] ?? null;
  }

  function hover(id: string | null): void {
    const shown = values.now();
    if (!shown || id === hovered) return;
    const target = { source: shown.source, sourceLayer: shown.collection };
    if (hovered !== null) map.setFeatureState({ ...target, id: hovered }, { hovered: false });
    if (id !== null) map.setFeatureState({ ...target, id }, { hovered: true });
    hovered = id;
  }

  function select(point: PointLike): void {
    if (model.sketch.value) return;
    const place = placeAt(point);
    const shown = values.now();
    const id = place && propertiesOf(place).id;
    const selected = shown && typeof id === 'string' ? { collection: shown.collection, id } : null;
    const { collection } = model.view.value.selected ?? {};
    if (model.pairing.value && selected && selected.collection === collection) {
      model.pairing.value = false;
      model.update({ pair: selected.id });
      return;
    }
    model.pairing.value = false;
    brought = JSON.stringify([selected, model.view.value.measured]);
    model.update({ selected });
    // The card says more, and may lie where the words at the pointer are.
    if (selected) model.hovered.value = null;
    if (selected) uncover(Array.isArray(point) ? [point[0], point[1]] : [point.x, point.y]);
  }

  /** Move what was chosen out from under the card that opens over it. */
  function uncover(point: readonly [number, number]): void {
    // The card takes its room once it is drawn.
    requestAnimationFrame(() => {
      move(shiftIntoSight(point, [container.clientWidth, container.clientHeight], insets()));
    });
  }

  /** Say what stands at a point of the map. */
  function lookAt(point: Point): void {
    looked = point;
    const place = placeAt(point);
    const properties = place && propertiesOf(place);
    const picture = model.picture.value;
    map.getCanvas().style.cursor = place ? 'pointer' : '';
    if (!properties || typeof properties.id !== 'string' || !picture) {
      hover(null);
      model.hovered.value = null;
      return;
    }
    hover(properties.id);
    const { difference } = picture;
    const before = difference && beforeOf(map, place);
    model.hovered.value = {
      x: point.x + container.offsetLeft,
      y: point.y + container.offsetTop,
      name: nameOf(properties, properties.id, model.lang.value),
      value: valueOf(properties, picture.terms, picture.unit),
      other: difference ? (before?.value ?? null) : (model.otherValueAt.value?.(point) ?? null),
      indistinct: before !== null && isIndistinctFrom(properties, before, picture),
      held: properties.held === true && mayBeHeld(picture.sector),
      doubtful: picture.doubt !== 'off' && isDoubtful(properties, picture.doubted),
    };
  }

  function watchPointer(): void {
    map.on('mousemove', (event) => {
      lookAt(event.point);
    });
    const leave = () => {
      looked = null;
      hover(null);
      model.hovered.value = null;
    };
    const lookAgain = () => {
      if (looked && untracked(() => model.hovered.value)) lookAt(looked);
    };
    map.on('idle', lookAgain);
    follow(() => {
      if (model.otherValueAt.value) untracked(lookAgain);
      return;
    });
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
    const shown = values.now();
    if (!picture || !region || !shown || !map.getLayer(`values-${shown.suffix}`)) return;
    const found = placesInView(map, picture, shown.suffix, region.bbox);
    // Equal findings must not wake the legend: this runs after every move.
    if (JSON.stringify(found) !== JSON.stringify(untracked(() => model.inView.value))) {
      model.inView.value = found;
    }
  }

  // --- when the server is away --------------------------------------------------------------------------------------

  function watchFailures(): void {
    map.on('error', (event) => {
      if (!isOfBase(event)) model.connection.suspect();
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
    lookAt(point) {
      if (point) lookAt(point);
      else {
        hover(null);
        model.hovered.value = null;
      }
    },
    select,
    zoomBy(step) {
      map.zoomTo(map.getZoom() + step, { animate: !calm.matches });
    },
    showRegion() {
      const region = model.region.value;
      if (region) fit(region.bbox, true);
    },
    remove() {
      model.shots.value = { first: null, other: null };
      for (const stop of undo) stop();
      map.remove();
    },
  };
}
