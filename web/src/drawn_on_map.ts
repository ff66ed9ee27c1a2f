/** The reader's outline on the map: drawn point by point, shown when done, mended by its corners. */
import { effect, untracked } from '@preact/signals';
import type { FeatureCollection, Geometry } from 'geojson';
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent, MapTouchEvent } from 'maplibre-gl';
import { markOf } from './draw_order';
import { LEAST_CORNERS, type Shape } from './drawing';
import type { Ground } from './layers/theme';
import type { Model } from './model';
import { readOutline, writeOutline, type Outline } from './outlines';
import type { Position } from './positions';

const SOURCE = 'outline';
/** How exactly a pointer is put somewhere, px: on the first corner, again on the last one, and on a corner to drag it. */
interface Aim {
  readonly close: number;
  readonly again: number;
  readonly grab: number;
}
const MOUSE: Aim = { close: 14, again: 3, grab: 2 };
const FINGER: Aim = { close: 26, again: 14, grab: 18 };
/** Corners of larger outlines would only hide them. */
const MOST_HANDLES = 200;
const COLOUR: Readonly<Record<Ground, { line: string; paper: string }>> = {
  light: { line: '#0b4f8a', paper: '#ffffff' },
  dark: { line: '#9ed0ff', paper: '#10181b' },
};

/** Events that move what is held and that let go of it. */
const MOUSE_DRAG = ['mousemove', ['mouseup']] as const;
const TOUCH_DRAG = ['touchmove', ['touchend', 'touchcancel']] as const;

type Shapes = FeatureCollection<Geometry, { corner?: number; ring?: number; polygon?: number }>;

function feature(
  geometry: Geometry,
  properties: { corner?: number; ring?: number; polygon?: number } = {},
): Shapes['features'][number] {
  return { type: 'Feature', geometry, properties };
}

const plain = ([lon, lat]: Position): [number, number] => [lon, lat];

/** What is shown of what is being drawn. */
function sketchShapes(sketch: readonly Position[], pointer: Position | null, shape: Shape = 'area'): Shapes {
  const path = (pointer ? [...sketch, pointer] : sketch).map(plain);
  const [first] = path;
  const features: Shapes['features'] = sketch.map((position, corner) =>
    feature({ type: 'Point', coordinates: plain(position) }, { corner }),
  );
  if (path.length > 1 && shape !== 'points')
    features.push(feature({ type: 'LineString', coordinates: path }));
  if (first && path.length > 2 && shape === 'area')
    features.push(feature({ type: 'Polygon', coordinates: [[...path, first]] }));
  return { type: 'FeatureCollection', features };
}

/** What is shown of a finished outline: its ground, and its corners if they can be taken hold of. */
function outlineShapes(outline: Outline): Shapes {
  const features: Shapes['features'] = [
    feature({
      type: 'MultiPolygon',
      coordinates: outline.map((polygon) => polygon.map((ring) => ring.map(plain))),
    }),
  ];
  if (outline.flat(2).length <= MOST_HANDLES) {
    outline.forEach((rings, polygon) => {
      rings.forEach((positions, ring) => {
        positions.slice(0, -1).forEach((position, corner) => {
          features.push(feature({ type: 'Point', coordinates: plain(position) }, { polygon, ring, corner }));
        });
      });
    });
  }
  return { type: 'FeatureCollection', features };
}

/** The outline with one corner elsewhere; the last position of a ring goes with the first. */
function withCorner(
  outline: Outline,
  at: { readonly polygon: number; readonly ring: number; readonly corner: number },
  to: Position,
): Outline {
  return outline.map((rings, polygon) =>
    polygon !== at.polygon
      ? rings
      : rings.map((positions, ring) =>
          ring !== at.ring
            ? positions
            : positions.map((position, index) =>
                index === at.corner || (at.corner === 0 && index === positions.length - 1) ? to : position,
              ),
        ),
  );
}

/** Draw on a loaded map until the returned function is called. */
export function drawOnMap(map: MapLibre, model: Model): () => void {
  let pointer: Position | null = null;
  let aim = MOUSE;
  /** The outline while one of its corners is dragged. */
  let dragged: Outline | null = null;

  map.addSource(SOURCE, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  const band = markOf('outline');
  map.addLayer(
    {
      id: 'outline-fill',
      type: 'fill',
      source: SOURCE,
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-opacity': 0.14 },
    },
    band,
  );
  map.addLayer(
    {
      id: 'outline-line',
      type: 'line',
      source: SOURCE,
      filter: ['!=', ['geometry-type'], 'Point'],
      paint: { 'line-width': 2.5 },
    },
    band,
  );
  map.addLayer(
    {
      id: 'outline-corners',
      type: 'circle',
      source: SOURCE,
      filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-radius': 5.5, 'circle-stroke-width': 2.5 },
    },
    band,
  );

  function show(shapes: Shapes): void {
    void map.getSource<GeoJSONSource>(SOURCE)?.setData(shapes);
  }

  function known(): Outline | null {
    const measured = untracked(() => model.view.value.measured);
    return measured?.kind === 'outline' ? readOutline(measured.outline) : null;
  }

  const shapeNow = () => model.drawnFor.value?.shape ?? 'area';

  const stopShowing = effect(() => {
    const sketch = model.sketch.value;
    const { measured } = model.view.value;
    if (sketch) show(sketchShapes(sketch, null, shapeNow()));
    else {
      const outline = measured?.kind === 'outline' ? readOutline(measured.outline) : null;
      show(outline ? outlineShapes(outline) : { type: 'FeatureCollection', features: [] });
    }
    map.getCanvas().style.cursor = sketch ? 'crosshair' : '';
    // A double click ends the outline; it must not zoom too.
    if (sketch) map.doubleClickZoom.disable();
    else map.doubleClickZoom.enable();
  });
  const stopColouring = effect(() => {
    const { line, paper } = COLOUR[model.ground.value];
    map.setPaintProperty('outline-fill', 'fill-color', line);
    map.setPaintProperty('outline-line', 'line-color', line);
    map.setPaintProperty('outline-corners', 'circle-color', paper);
    map.setPaintProperty('outline-corners', 'circle-stroke-color', line);
  });

  function add(position: Position): void {
    const sketch = model.sketch.value;
    if (!sketch) return;
    const here = map.project(plain(position));
    const distance = (to: Position | undefined) => (to ? here.dist(map.project(plain(to))) : Infinity);
    const shape = shapeNow();
    // Back at the first corner of an area, or twice at the last one: it is done.
    const closed = shape === 'area' && distance(sketch[0]) < aim.close;
    const twice = shape !== 'points' && distance(sketch.at(-1)) < aim.again;
    if (sketch.length >= LEAST_CORNERS[shape] && (closed || twice)) model.finishSketch();
    else if (distance(sketch.at(-1)) >= aim.again) model.sketch.value = [...sketch, position];
  }

  const onClick = ({ lngLat }: MapMouseEvent) => {
    add([lngLat.lng, lngLat.lat]);
  };
  const onMove = ({ lngLat }: MapMouseEvent) => {
    const sketch = model.sketch.value;
    if (!sketch) return;
    // Values under the pointer would only stand in the way of the next corner.
    model.hovered.value = null;
    map.getCanvas().style.cursor = 'crosshair';
    if (sketch.length > 0) {
      pointer = [lngLat.lng, lngLat.lat];
      show(sketchShapes(sketch, pointer, shapeNow()));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const sketch = model.sketch.value;
    if (!sketch) return;
    if (event.key === 'Enter') {
      const { lng, lat } = map.getCenter();
      add([lng, lat]);
    } else if (event.key === 'Backspace') model.sketch.value = sketch.slice(0, -1);
    else if (event.key === 'Escape') model.endSketch();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const onPointerDown = ({ pointerType }: PointerEvent) => {
    aim = pointerType === 'touch' ? FINGER : MOUSE;
  };

  const onGrab = (event: MapMouseEvent | MapTouchEvent) => {
    // Two fingers zoom.
    if (model.sketch.value || ('points' in event && event.points.length > 1)) return;
    const { x, y } = event.point;
    const held = map
      .queryRenderedFeatures(
        [
          [x - aim.grab, y - aim.grab],
          [x + aim.grab, y + aim.grab],
        ],
        { layers: ['outline-corners'] },
      )
      .at(0);
    const outline = known();
    const { polygon, ring, corner } = held?.properties ?? {};
    if (!outline || typeof polygon !== 'number' || typeof ring !== 'number' || typeof corner !== 'number')
      return;
    event.preventDefault();
    const [moved, ended] = event.type === 'touchstart' ? TOUCH_DRAG : MOUSE_DRAG;
    const onDrag = ({ lngLat }: MapMouseEvent | MapTouchEvent) => {
      dragged = withCorner(outline, { polygon, ring, corner }, [lngLat.lng, lngLat.lat]);
      show(outlineShapes(dragged));
    };
    map.on(moved, onDrag);
    const onEnd = () => {
      map.off(moved, onDrag);
      for (const end of ended) map.off(end, onEnd);
      if (dragged) model.update({ measured: { kind: 'outline', outline: writeOutline(dragged) } });
      dragged = null;
    };
    for (const end of ended) map.on(end, onEnd);
  };

  const canvas = map.getCanvas();
  map.on('click', onClick);
  map.on('mousemove', onMove);
  map.on('mousedown', onGrab);
  map.on('touchstart', onGrab);
  // Before the map's own listeners, which a tap reaches as a click.
  canvas.addEventListener('pointerdown', onPointerDown, true);
  canvas.addEventListener('keydown', onKeyDown, true);
  return () => {
    stopShowing();
    stopColouring();
    map.off('click', onClick);
    map.off('mousemove', onMove);
    map.off('mousedown', onGrab);
    map.off('touchstart', onGrab);
    canvas.removeEventListener('pointerdown', onPointerDown, true);
    canvas.removeEventListener('keydown', onKeyDown, true);
  };
}
