/** The numbers: one fill for the places of a collection, stripes where a value was held, outlines for hover and choice. */
import type {
  AddLayerObject,
  DataDrivenPropertyValueSpecification,
  VectorSourceSpecification,
} from 'maplibre-gl';
import type { Band } from '../draw_order';
import { fillColour, fillOpacity } from '../expressions';
import type { Picture } from '../model';
import { mayBeHeld } from '../sectors';
import { type Ground, UNKNOWN } from './theme';

export const STRIPES = 'stripes';

const OUTLINE: Readonly<Record<Ground, { hovered: string; selected: string; stripes: string }>> = {
  light: { hovered: '#1d2a2f', selected: '#10181b', stripes: 'rgba(29, 42, 47, 0.55)' },
  dark: { hovered: '#ffffff', selected: '#ffffff', stripes: 'rgba(255, 255, 255, 0.5)' },
};

/** What a source depends on: another year or edition is another source, another sector only another colour. */
export function sourceIdOf({ key }: Picture): string {
  return `values ${key.region} ${key.edition} ${key.collection} ${key.year}`;
}

export function valuesSource(picture: Picture, tiles: string): VectorSourceSpecification {
  const { minzoom, maxzoom } = picture.collection;
  return { type: 'vector', tiles: [tiles], minzoom, maxzoom, promoteId: 'id' };
}

export function valuesColour(picture: Picture, ground: Ground): DataDrivenPropertyValueSpecification<string> {
  return fillColour(picture.sector, picture.unit, picture.scale, UNKNOWN[ground]);
}

export function valuesOpacity({ sector, unit }: Picture): DataDrivenPropertyValueSpecification<number> {
  return fillOpacity(sector, unit, 0.86, 0.45);
}

export function heldVisibility({ sector }: Picture): 'visible' | 'none' {
  return mayBeHeld(sector) ? 'visible' : 'none';
}

/** Layers of one source; `suffix` tells its layers from those of the source it takes over from. */
export function valuesLayers(picture: Picture, ground: Ground, suffix: string): [Band, AddLayerObject][] {
  const from = { source: sourceIdOf(picture), 'source-layer': picture.key.collection };
  const colours = OUTLINE[ground];
  return [
    [
      'values',
      {
        id: `values-${suffix}`,
        type: 'fill',
        ...from,
        paint: {
          'fill-color': valuesColour(picture, ground),
          'fill-opacity': valuesOpacity(picture),
          // Cells touch: smoothed edges would show the ground between them as a net of seams.
          'fill-antialias': picture.collection.kind !== 'grid',
          ...(picture.collection.kind === 'grid'
            ? {}
            : { 'fill-outline-color': ground === 'light' ? '#f4f3ee' : '#12191c' }),
        },
      },
    ],
    [
      'held',
      {
        id: `held-${suffix}`,
        type: 'fill',
        ...from,
        filter: ['==', ['get', 'held'], true],
        layout: { visibility: heldVisibility(picture) },
        paint: { 'fill-pattern': `${STRIPES}-${ground}`, 'fill-antialias': false },
      },
    ],
    [
      'hovered',
      {
        id: `hovered-${suffix}`,
        type: 'line',
        ...from,
        paint: {
          'line-color': colours.hovered,
          'line-width': 1.6,
          'line-opacity': ['case', ['boolean', ['feature-state', 'hovered'], false], 0.9, 0],
        },
      },
    ],
    [
      'selected',
      {
        id: `selected-${suffix}`,
        type: 'line',
        ...from,
        filter: ['==', ['get', 'id'], ''],
        layout: { 'line-join': 'round' },
        paint: { 'line-color': colours.selected, 'line-width': 3 },
      },
    ],
  ];
}

/** Diagonal stripes that tile without a seam, drawn here so that no image has to be fetched. */
export function stripes(ground: Ground): ImageData {
  const size = 16;
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext('2d');
  if (!pen) return new ImageData(size, size);
  pen.strokeStyle = OUTLINE[ground].stripes;
  pen.lineWidth = 2.4;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 2, size + 2);
    pen.lineTo(shift + size + 2, -2);
  }
  pen.stroke();
  return pen.getImageData(0, 0, size, size);
}
