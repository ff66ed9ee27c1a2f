/** A second map beside the first: it follows the same camera, under a divider that can be moved, or in a half of its own. */
import { effect } from '@preact/signals';
import { Map as MapLibre } from 'maplibre-gl';
import { useEffect, useRef } from 'preact/hooks';
import { drawOnMap } from './drawn_on_map';
import { valueOf } from './expressions';
import { drawGround, groundStyle, isOfBase } from './ground_on_map';
import type { MapHandle } from './map';
import type { Model } from './model';
import { onPaper } from './printed_map';
import { shoot } from './view_picture';
import { addPatterns, valuesOnMap } from './values_on_map';

/** Let the two maps show the same place, whichever of them is moved. */
function keepTogether(first: MapLibre, second: MapLibre): () => void {
  let following = false;
  const follow = (leader: MapLibre, follower: MapLibre) => () => {
    if (following) return;
    following = true;
    follower.jumpTo({
      center: leader.getCenter(),
      zoom: leader.getZoom(),
      bearing: leader.getBearing(),
      pitch: leader.getPitch(),
    });
    following = false;
  };
  const there = follow(first, second);
  const back = follow(second, first);
  first.on('move', there);
  first.on('resize', there);
  second.on('move', back);
  there();
  return () => {
    first.off('move', there);
    first.off('resize', there);
  };
}

/**
 * Lay a map of the same camera and ground over or beside the first one until the returned function is called.
 *
 * @param draw puts on the loaded map what it is to show; what it returns takes that away
 */
export function createBesideMap(
  container: HTMLElement,
  handle: MapHandle,
  model: Model,
  draw: (map: MapLibre) => () => void,
): () => void {
  const first = handle.map;
  let map: MapLibre;
  try {
    map = new MapLibre({
      container,
      style: groundStyle(model.ground.peek()),
      center: first.getCenter(),
      zoom: first.getZoom(),
      maxZoom: first.getMaxZoom(),
      maxPitch: first.getMaxPitch(),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      // The first map has the keyboard; a second canvas of the same would only be in the way.
      keyboard: false,
      fadeDuration: 0,
    });
  } catch {
    // A browser may give a page one map and refuse it a second.
    const note = container.appendChild(document.createElement('p'));
    container.dataset.state = 'no-webgl';
    note.className = 'note';
    note.role = 'alert';
    note.textContent = model.texts.peek().noWebgl;
    return () => {
      note.remove();
    };
  }
  map.touchZoomRotate.disableRotation();
  map.getCanvas().tabIndex = -1;
  map.getCanvas().setAttribute('aria-hidden', 'true');
  map.getCanvas().removeAttribute('aria-label');
  const undo: (() => void)[] = [keepTogether(first, map), onPaper(map)];
  map.once('load', () => {
    model.shots.value = { ...model.shots.peek(), other: () => shoot(map) };
    undo.push(
      effect(() => {
        drawGround(map, model);
      }),
      draw(map),
      // What is drawn on either is seen on both.
      drawOnMap(map, model),
    );
  });
  map.on('idle', () => {
    container.dataset.state = 'ready';
  });
  map.on('dataloading', () => {
    container.dataset.state = 'loading';
  });
  map.on('error', (event) => {
    if (!isOfBase(event)) model.connection.suspect();
  });
  // In halves of one size and with one camera, a point of one map is the same place on the other.
  map.on('mousemove', ({ point }) => {
    handle.lookAt(point);
  });
  map.on('mouseout', () => {
    handle.lookAt(null);
  });
  map.on('click', ({ point }) => {
    handle.select(point);
  });

  return () => {
    model.shots.value = { ...model.shots.peek(), other: null };
    for (const stop of undo) stop();
    map.remove();
  };
}

function createOtherMap(container: HTMLElement, handle: MapHandle, model: Model): () => void {
  const stop = createBesideMap(container, handle, model, (map) => {
    const values = valuesOnMap(map, (picture) => model.api.valueTiles(picture.key, picture.columns));
    addPatterns(map);
    const stops = [
      effect(() => {
        const picture = model.otherPicture.value;
        if (picture) values.draw(picture, model.ground.value);
      }),
      effect(() => {
        const { selected } = model.view.value;
        const now = values.now();
        void model.otherPicture.value;
        if (!now || !map.getLayer(`selected-${now.suffix}`)) return;
        const id = selected?.collection === now.collection ? selected.id : '';
        map.setFilter(`selected-${now.suffix}`, ['==', ['get', 'id'], id]);
      }),
    ];
    const valueAt = ({ x, y }: { x: number; y: number }): number | null => {
      const now = values.now();
      const picture = model.otherPicture.peek();
      if (!now || !picture || !map.getLayer(`values-${now.suffix}`)) return null;
      const layers = [`values-${now.suffix}`, `columns-${now.suffix}`];
      const [place] = map.queryRenderedFeatures([x, y], { layers });
      return place ? valueOf(place.properties, picture.terms, picture.unit) : null;
    };
    // Said anew when more is drawn, so that who points meanwhile is told.
    const say = () => {
      model.otherValueAt.value = (point) => valueAt(point);
    };
    say();
    map.on('idle', say);
    return () => {
      map.off('idle', say);
      for (const one of stops) one();
    };
  });
  return () => {
    model.otherValueAt.value = null;
    stop();
  };
}

export function OtherMap({ model, handle }: { model: Model; handle: MapHandle }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(
    () => (element.current ? createOtherMap(element.current, handle, model) : undefined),
    [handle, model],
  );
  return <div class="map other-map" data-testid="other-map" data-state="loading" ref={element} />;
}
