/** What the pointer or the keyboard points at on the map, and what they choose there. */
import { untracked } from '@preact/signals';
import type { MapGeoJSONFeature, Point, PointLike } from 'maplibre-gl';
import { beforeOf, isIndistinctFrom } from './before_on_map';
import type { CameraOnMap } from './camera_on_map';
import { isDoubtful } from './doubt';
import { valueOf } from './expressions';
import { nameOf } from './format';
import { layerId } from './layers/values';
import type { MapParts } from './map';
import { mayBeHeld } from './sectors';

interface PointerOnMap {
  /** Say what stands at a point, as if the pointer were there; null: nowhere. */
  readonly lookAt: (point: Point | null) => void;
  /** Choose what stands at a point. */
  readonly select: (point: PointLike) => void;
  /** Another source stands on the map: what was pointed at is gone with the old one. */
  readonly forget: () => void;
  /** Mark what a list points at; to be followed once the map is loaded. */
  readonly followPointed: () => undefined;
}

/** What a tile's feature says, as the page's own type; nothing nested occurs in our tiles. */
function propertiesOf(feature: MapGeoJSONFeature): Record<string, string | number | boolean | null> {
  return feature.properties;
}

/** Let the model know what is pointed at and chosen on a map. */
export function pointerOnMap(
  { map, model, container, values, follow }: MapParts,
  camera: CameraOnMap,
): PointerOnMap {
  /** The place under the pointer. */
  let hovered: string | null = null;
  /** Where the pointer rests: what it points at, or what that is compared with, may arrive after it. */
  let looked: Point | null = null;

  function placeAt(point: PointLike): MapGeoJSONFeature | null {
    const shown = values.now();
    if (!shown || !map.getLayer(layerId('values', shown.suffix))) return null;
    const layers = [layerId('values', shown.suffix), layerId('columns', shown.suffix)];
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

  function leave(): void {
    looked = null;
    hover(null);
    model.hovered.value = null;
  }

  function lookAt(point: Point): void {
    // Who picks is told what they pick, by whom they pick for.
    if (model.picking.peek()) {
      leave();
      return;
    }
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

  function select(point: PointLike): void {
    if (model.sketch.value || model.picking.value) return;
    // From here on the card speaks of this place; the pointer is answered again when it moves.
    looked = null;
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
    camera.found({ selected, measured: model.view.value.measured });
    model.update({ selected });
    if (!selected) return;
    // The card says more, and may lie where the words at the pointer are.
    model.hovered.value = null;
    camera.uncover(Array.isArray(point) ? [point[0], point[1]] : [point.x, point.y]);
  }

  map.on('mousemove', ({ point }) => {
    lookAt(point);
  });
  const lookAgain = () => {
    // Who draws an outline points at corners, and an answer that covers the values has words of its own.
    if (looked && values.now() && !untracked(() => model.sketch.value)) lookAt(looked);
  };
  map.on('idle', lookAgain);
  follow(() => {
    if (model.otherValueAt.value) untracked(lookAgain);
    return;
  });
  map.on('mouseout', leave);
  map.on('movestart', leave);
  map.on('click', ({ originalEvent, point }) => {
    // The second half of a double click was meant for what the first one did.
    if (originalEvent.detail < 2) select(point);
  });
  const canvas = map.getCanvas();
  canvas.addEventListener('keydown', ({ key }) => {
    if (key === 'Enter') select([canvas.clientWidth / 2, canvas.clientHeight / 2]);
  });

  return {
    lookAt(point) {
      if (point) lookAt(point);
      else leave();
    },
    select,
    forget() {
      hovered = null;
      model.hovered.value = null;
    },
    followPointed() {
      const pointed = model.pointed.value;
      hover(pointed && pointed.collection === values.now()?.collection ? pointed.id : null);
    },
  };
}
