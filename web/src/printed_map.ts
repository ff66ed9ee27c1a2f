/**
 * The map on paper. A browser that prints lays the page out anew and finds the drawing buffer empty: so what the maps show
 * is copied beforehand, the part that no panel covers, and `print.css` puts the copy in their place.
 */
import type { Map as MapLibre } from 'maplibre-gl';
import { localDay } from './format';
import type { Model } from './model';
import type { Insets } from './room';

/** Those on the page, the later over the earlier. */
const maps = new Set<MapLibre>();

/** Let a map be on the paper until the returned function is called. */
export function onPaper(map: MapLibre): () => void {
  maps.add(map);
  return () => maps.delete(map);
}

/** Copy what the maps show; synchronous, since nobody waits for a page that is being printed. */
function copyOf(stage: Element, { top, right, bottom, left }: Insets): HTMLCanvasElement {
  const room = stage.getBoundingClientRect();
  const copy = document.createElement('canvas');
  const scale = devicePixelRatio;
  copy.className = 'printed-map';
  copy.width = (room.width - left - right) * scale;
  copy.height = (room.height - top - bottom) * scale;
  const paper = copy.getContext('2d');
  const line = stage.querySelector('.divider')?.getBoundingClientRect();
  [...maps].forEach((map, index) => {
    map.once('render', () => {
      const drawn = map.getCanvas();
      const box = drawn.getBoundingClientRect();
      const x = (box.left - room.left - left) * scale;
      const y = (box.top - room.top - top) * scale;
      // Of two that lie over each other, the later one ends at the divider.
      const end = index > 0 && line ? (line.left + line.width / 2 - room.left - left) * scale : copy.width;
      paper?.save();
      paper?.beginPath();
      paper?.rect(0, 0, end, copy.height);
      paper?.clip();
      paper?.drawImage(drawn, x, y, box.width * scale, box.height * scale);
      paper?.restore();
    });
    map.redraw();
  });
  return copy;
}

/** Whenever the page is printed, have its map and, below the sources, the day and the address on the paper. */
export function printMap(stage: Element, model: Model, insets: () => Insets): () => void {
  let copy: HTMLCanvasElement | null = null;
  const drop = () => {
    copy?.remove();
    copy = null;
  };
  const keep = () => {
    drop();
    copy = copyOf(stage, insets());
    stage.append(copy);
    const day = model.texts.value.take.drawnOn(localDay(new Date()));
    const address = new URL(model.link.value || '.', document.baseURI).href;
    document.querySelector('.sources')?.setAttribute('data-printed', `${day} · ${address}`);
  };
  addEventListener('beforeprint', keep);
  addEventListener('afterprint', drop);
  return () => {
    drop();
    removeEventListener('beforeprint', keep);
    removeEventListener('afterprint', drop);
  };
}
