/** Where the pointer rests on a map. */
import type { MapMouseEvent, Map as MapLibre } from 'maplibre-gl';

/**
 * Look wherever the pointer rests, and again once something was drawn: what it points at may come after it.
 *
 * @param look is given a place of the map, px; null: the pointer is nowhere, or the map moves under it
 * @returns ends it; the pointer is nowhere then
 */
export function restingPointer(
  map: MapLibre,
  look: (point: MapMouseEvent['point'] | null) => void,
): () => void {
  let rests: MapMouseEvent['point'] | null = null;
  const move = ({ point }: MapMouseEvent) => {
    rests = point;
    look(point);
  };
  const again = () => {
    if (rests) look(rests);
  };
  const leave = () => {
    rests = null;
    look(null);
  };
  map.on('mousemove', move);
  map.on('idle', again);
  map.on('mouseout', leave);
  map.on('movestart', leave);
  return () => {
    map.off('mousemove', move);
    map.off('idle', again);
    map.off('mouseout', leave);
    map.off('movestart', leave);
    leave();
  };
}
