/** Where the map looks: it follows the camera of the address, goes where it is sent, and keeps what was chosen in sight. */
import { untracked } from '@preact/signals';
import type { BBox } from './decode';
import { loaded } from './loading';
import type { MapParts } from './map';
import { boundsOf, readOutline } from './outlines';
import { shiftIntoSight, shiftPlaceIntoSight } from './room';
import type { View } from './state';

/** Pitch of a map with columns, degrees. */
const SIDE_PITCH = 50;

export interface CameraOnMap {
  readonly showRegion: () => void;
  readonly zoomBy: (step: number) => void;
  /** Move a point of the map out from under the panels. */
  readonly uncover: (point: readonly [number, number]) => void;
  /** Say that what is chosen is in sight already. */
  readonly found: (chosen: Pick<View, 'selected' | 'measured'>) => void;
  /** To be followed once the map is loaded. */
  readonly followTall: () => undefined;
  readonly followChosen: () => undefined;
}

/** Let a map's camera follow the model, and the model the camera. */
export function cameraOnMap({ map, model, container, insets, isCalm, follow }: MapParts): CameraOnMap {
  /** The choice that was brought into sight last. */
  let brought: string | null = null;
  const nameOf = ({ selected, measured }: Pick<View, 'selected' | 'measured'>) =>
    JSON.stringify([selected, measured]);

  function fit(bbox: BBox, animate: boolean): void {
    map.fitBounds([bbox[0], bbox[1], bbox[2], bbox[3]], {
      padding: insets(),
      animate: animate && !isCalm(),
      maxZoom: 15,
    });
  }

  function move([x, y]: readonly [number, number]): void {
    if (x !== 0 || y !== 0) map.panBy([x, y], { animate: !isCalm() });
  }

  function followCamera(): undefined {
    const { camera, compare } = model.view.value;
    const region = model.region.value;
    if (!region) return;
    if (!camera) {
      const { bbox } = region;
      model.whole.value = true;
      const side = compare?.how === 'side';
      const before = JSON.stringify(insets());
      if (!side) fit(bbox, false);
      // A map that has one half gets its size, and what the region's name brings its room, when the page has made it.
      requestAnimationFrame(() => {
        if (side) map.resize();
        else if (!model.whole.value || JSON.stringify(insets()) === before) return;
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
    if (!moved) return;
    model.whole.value = false;
    map.jumpTo({ center: [camera.lon, camera.lat], zoom: camera.zoom });
    return;
  }

  function followGoal(): undefined {
    const goal = model.goal.value;
    if (!goal) return;
    // Panels that the same choice opens take their room first.
    requestAnimationFrame(() => {
      model.goal.value = null;
      model.whole.value = goal === model.region.value?.bbox;
      fit(goal, true);
    });
  }

  function look(): void {
    model.zoom.value = map.getZoom();
    const bounds = map.getBounds();
    model.bounds.value = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
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

  look();
  map.on('movestart', ({ originalEvent }) => {
    if (originalEvent) model.whole.value = false;
  });
  map.on('moveend', () => {
    look();
    if (!untracked(() => model.region.value)) return;
    const { lng, lat } = map.getCenter();
    model.update({ camera: { zoom: map.getZoom(), lat, lon: lng } });
  });
  follow(followCamera);
  follow(followGoal);

  return {
    showRegion() {
      const region = model.region.value;
      if (!region) return;
      model.whole.value = true;
      fit(region.bbox, true);
    },
    zoomBy(step) {
      model.whole.value = false;
      map.zoomTo(map.getZoom() + step, { animate: !isCalm() });
    },
    uncover(point) {
      // The card takes its room once it is drawn.
      requestAnimationFrame(() => {
        move(shiftIntoSight(point, [container.clientWidth, container.clientHeight], insets()));
      });
    },
    found(chosen) {
      brought = nameOf(chosen);
    },
    /** Columns are looked at from the side; flat cells from above. */
    followTall() {
      const { tall } = model.view.value;
      const pitch = tall ? SIDE_PITCH : 0;
      if (Math.abs(map.getPitch() - pitch) > 0.5) map.easeTo({ pitch, bearing: 0, animate: !isCalm() });
      for (const handler of [map.dragRotate, map.touchPitch]) {
        if (tall) handler.enable();
        else handler.disable();
      }
    },
    /** A place or an outline that a link brought may lie under the card, or beyond the edge of a smaller screen. */
    followChosen() {
      const { selected, measured } = model.view.value;
      const item = loaded(model.item.value);
      const outline = measured?.kind === 'outline' ? readOutline(measured.outline) : null;
      const bbox = outline ? boundsOf(outline) : item && item.id === selected?.id ? item.bbox : null;
      const name = nameOf({ selected, measured });
      if (!selected && !measured) brought = null;
      if (!bbox || name === brought) return;
      brought = name;
      // The card takes its room first, and a map that is on its way there arrives.
      requestAnimationFrame(() => {
        const then = () => {
          uncoverPlace(bbox);
        };
        if (map.isMoving()) map.once('moveend', then);
        else then();
      });
    },
  };
}
