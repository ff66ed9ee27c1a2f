/** The scale bar, in the reader's own units: MapLibre's has one language for as long as the map lives. */
import { effect } from '@preact/signals';
import type { IControl, Map as MapLibre } from 'maplibre-gl';
import type { Model } from './model';

/** Length of the equator through 512 pixels at zoom 0, m. */
const EQUATOR_PER_PIXEL = 40_075_016.686 / 512;
/** The longest that the bar becomes, px. */
const MOST = 110;

/** Metres that a pixel of the map's middle stands for. */
export function metresPerPixel(map: MapLibre): number {
  return (EQUATOR_PER_PIXEL * Math.cos((map.getCenter().lat * Math.PI) / 180)) / 2 ** map.getZoom();
}

/** The longest round length that a bar of `most` pixels can stand for, m. */
export function barLength(perPixel: number, most: number): number {
  const room = perPixel * most;
  const scale = 10 ** Math.floor(Math.log10(room));
  return ([5, 2, 1].find((round) => round * scale <= room) ?? 1) * scale;
}

export function scaleBar(model: Model): IControl {
  const bar = document.createElement('div');
  bar.className = 'maplibregl-ctrl maplibregl-ctrl-scale';
  let stop: () => void = () => undefined;
  return {
    onAdd(map) {
      const draw = () => {
        const perPixel = metresPerPixel(map);
        const metres = barLength(perPixel, MOST);
        bar.style.inlineSize = `${(metres / perPixel).toFixed(0)}px`;
        bar.textContent = model.texts.value.cellSize(metres);
      };
      map.on('move', draw);
      const undo = effect(draw);
      stop = () => {
        map.off('move', draw);
        undo();
      };
      return bar;
    },
    onRemove() {
      stop();
      bar.remove();
    },
  };
}
