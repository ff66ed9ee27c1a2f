/** The numbers: one fill for the places of a collection, stripes where a value was held, outlines for hover and choice. */
import type {
  DataDrivenPropertyValueSpecification,
  FillExtrusionLayerSpecification,
  FillLayerSpecification,
  FilterSpecification,
  LineLayerSpecification,
  VectorSourceSpecification,
} from 'maplibre-gl';
import { doubtful } from '../doubt';
import type { Band } from '../draw_order';
import {
  columnHeight,
  differenceColour,
  differenceOpacity,
  fillColour,
  fillOpacity,
  indistinctMark,
  within,
} from '../expressions';
import type { Picture } from '../shown';
import { mixed } from '../ramps';
import { mayBeHeld } from '../sectors';
import { CONTEXT_COLOURS } from './context';
import { type Ground, UNKNOWN } from './theme';

export const STRIPES = 'stripes';
export const DOTS = 'dots';

const HELD: FilterSpecification = ['==', ['get', 'held'], true];

const OUTLINE: Readonly<
  Record<
    Ground,
    { hovered: string; selected: string; rim: string; stripes: string; dots: string; rings: string }
  >
> = {
  light: {
    hovered: '#1d2a2f',
    selected: '#10181b',
    rim: 'rgba(255, 255, 255, 0.85)',
    stripes: 'rgba(29, 42, 47, 0.44)',
    dots: 'rgba(29, 42, 47, 0.42)',
    rings: 'rgba(255, 255, 255, 0.38)',
  },
  dark: {
    hovered: '#ffffff',
    selected: '#ffffff',
    rim: 'rgba(10, 16, 18, 0.75)',
    stripes: 'rgba(255, 255, 255, 0.42)',
    dots: 'rgba(255, 255, 255, 0.42)',
    rings: 'rgba(16, 24, 27, 0.5)',
  },
};

/**
 * What a source depends on: another year or edition is another source, another sector only another colour. Parts of
 * sectors are columns that tiles do not carry unasked.
 */
export function sourceIdOf({ key, columns }: Picture): string {
  return `values ${key.region} ${key.edition} ${key.collection} ${key.year} ${columns?.join() ?? ''}`;
}

export function valuesSource(picture: Picture, tiles: string): VectorSourceSpecification {
  const { minzoom, maxzoom } = picture.collection;
  return { type: 'vector', tiles: [tiles], minzoom, maxzoom, promoteId: 'id' };
}

export function valuesColour(picture: Picture, ground: Ground): DataDrivenPropertyValueSpecification<string> {
  const { terms, unit, scale, difference } = picture;
  return difference
    ? differenceColour(terms, unit, difference.scale, UNKNOWN[ground])
    : fillColour(terms, unit, scale, UNKNOWN[ground]);
}

/** Colours of columns, of which some may be fainter and none may be seen through: what is faded pales into the land. */
function columnColour(picture: Picture, ground: Ground): DataDrivenPropertyValueSpecification<string> {
  const { terms, unit, scale, strengths } = picture;
  const plain = fillColour(terms, unit, scale, UNKNOWN[ground]);
  if (strengths.doubt === null) return plain;
  const { where, part } = strengths.doubt;
  const pale = (colour: string) => mixed(CONTEXT_COLOURS[ground].land, colour, part);
  const faded = {
    classes: scale.classes.map((entry) => ({ ...entry, colour: pale(entry.colour) })),
    zero: scale.zero && pale(scale.zero),
  };
  return ['case', where, fillColour(terms, unit, faded, pale(UNKNOWN[ground])), plain];
}

/** Of the full strength, where a change cannot be told from chance: most cannot, and on black they must still be seen. */
const INDISTINCT_PART = 0.5;

function valuesOpacity({ terms, unit, strengths, difference, doubt, sector }: Picture) {
  if (!difference) return fillOpacity(terms, unit, strengths);
  const faded = doubt === 'fade' && difference.less.uncertain;
  return differenceOpacity(terms, unit, strengths, faded ? { sector, part: INDISTINCT_PART } : null);
}

/** Where dots lie: on doubtful values, or on changes that cannot be told from chance. */
function dotted({ terms, unit, doubt, doubted, difference, sector, tall }: Picture) {
  const shown = doubt === 'hatch' && tall === null && (difference?.less.uncertain ?? true);
  return {
    filter: difference ? (['has', 'id'] satisfies FilterSpecification) : doubtful(doubted),
    visibility: shown ? ('visible' as const) : ('none' as const),
    opacity: difference ? indistinctMark(terms, unit, sector) : 1,
  };
}

type ValuesLayer = FillLayerSpecification | FillExtrusionLayerSpecification | LineLayerSpecification;

/** Values that stand up, with the dots and stripes that flat ones have. */
function columnsLayers(
  picture: Picture,
  ground: Ground,
  suffix: string,
  from: { readonly source: string; readonly 'source-layer': string },
): [Band, FillExtrusionLayerSpecification][] {
  const { terms, unit, strengths, tall, doubt, doubted, sector } = picture;
  const seen: FilterSpecification =
    strengths.only === null ? ['has', 'id'] : within(terms, unit, strengths.only);
  const height = tall === null ? 0 : columnHeight(terms, unit, tall.largest, tall.tallest);
  const layer = (
    band: Band,
    filter: FilterSpecification,
    shown: boolean,
    look: FillExtrusionLayerSpecification['paint'],
  ): [Band, FillExtrusionLayerSpecification] => [
    band,
    {
      id: `${band}-${suffix}`,
      type: 'fill-extrusion',
      ...from,
      filter,
      layout: { visibility: tall !== null && shown ? 'visible' : 'none' },
      paint: { 'fill-extrusion-height': height, ...look },
    },
  ];
  const marked = (where: FilterSpecification) => ['all', seen, where] as FilterSpecification;
  return [
    layer('columns', seen, true, {
      'fill-extrusion-color': columnColour(picture, ground),
      // Columns that let others shine through could be taken for their neighbours.
      'fill-extrusion-opacity': Math.max(strengths.full, 0.7),
    }),
    layer('doubt-columns', marked(doubtful(doubted)), doubt === 'hatch', {
      'fill-extrusion-pattern': `${DOTS}-${ground}`,
    }),
    layer('held-columns', marked(HELD), mayBeHeld(sector), {
      'fill-extrusion-pattern': `${STRIPES}-${ground}`,
    }),
  ];
}

/** Layers of one source; `suffix` tells its layers from those of the source it takes over from. */
export function valuesLayers(picture: Picture, ground: Ground, suffix: string): [Band, ValuesLayer][] {
  const from = { source: sourceIdOf(picture), 'source-layer': picture.key.collection };
  const colours = OUTLINE[ground];
  const { tall } = picture;
  const dots = dotted(picture);
  const columns = columnsLayers(picture, ground, suffix, from);
  return [
    [
      'values',
      {
        id: `values-${suffix}`,
        type: 'fill',
        ...from,
        layout: { visibility: tall === null ? 'visible' : 'none' },
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
      'doubt',
      {
        id: `doubt-${suffix}`,
        type: 'fill',
        ...from,
        filter: dots.filter,
        layout: { visibility: dots.visibility },
        paint: {
          'fill-pattern': `${DOTS}-${ground}`,
          'fill-antialias': false,
          'fill-opacity': dots.opacity,
        },
      },
    ],
    [
      'held',
      {
        id: `held-${suffix}`,
        type: 'fill',
        ...from,
        filter: HELD,
        layout: { visibility: mayBeHeld(picture.sector) && tall === null ? 'visible' : 'none' },
        paint: { 'fill-pattern': `${STRIPES}-${ground}`, 'fill-antialias': false },
      },
    ],
    ...columns,
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
      // A rim of the ground's lightness: on the strongest colours the outline alone would be lost.
      'rim',
      {
        id: `rim-${suffix}`,
        type: 'line',
        ...from,
        filter: ['==', ['get', 'id'], ''],
        layout: { 'line-join': 'round' },
        paint: { 'line-color': colours.rim, 'line-width': 6.5 },
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

function pattern(ground: Ground, size: number, draw: (pen: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext('2d');
  if (!pen) return new ImageData(size, size);
  pen.strokeStyle = OUTLINE[ground].stripes;
  pen.fillStyle = OUTLINE[ground].dots;
  draw(pen);
  return pen.getImageData(0, 0, size, size);
}

/** Diagonal stripes that tile without a seam, drawn here so that no image has to be fetched. */
export function stripes(ground: Ground): ImageData {
  const size = 16;
  return pattern(ground, size, (pen) => {
    pen.lineWidth = 2;
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 2, size + 2);
      pen.lineTo(shift + size + 2, -2);
    }
    pen.stroke();
  });
}

/** Dots in quincunx, which cannot be taken for stripes; rings show them on the strongest colours too. */
export function dots(ground: Ground): ImageData {
  const size = 12;
  return pattern(ground, size, (pen) => {
    for (const at of [size / 4, (3 * size) / 4]) {
      pen.beginPath();
      pen.arc(at, at, 1.35, 0, 2 * Math.PI);
      pen.fill();
      pen.beginPath();
      pen.arc(at, at, 1.85, 0, 2 * Math.PI);
      pen.strokeStyle = OUTLINE[ground].rings;
      pen.lineWidth = 1;
      pen.stroke();
    }
  });
}
