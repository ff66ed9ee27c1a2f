/** Layers that draw numbers: a fill for each place, marks where a value is doubtful or held, columns, and outlines. */
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
import { CONTEXT_COLOURS } from './context';
import { DOTS, STRIPES } from './patterns';
import { type Ground, UNKNOWN } from './theme';

const HELD: FilterSpecification = ['==', ['get', 'held'], true];

const OUTLINE: Readonly<Record<Ground, { hovered: string; selected: string; rim: string; between: string }>> =
  {
    light: {
      hovered: '#1d2a2f',
      selected: '#10181b',
      rim: 'rgba(255, 255, 255, 0.85)',
      between: '#f4f3ee',
    },
    dark: {
      hovered: '#ffffff',
      selected: '#ffffff',
      rim: 'rgba(10, 16, 18, 0.75)',
      between: '#12191c',
    },
  };

export type ValuesLayer = FillLayerSpecification | FillExtrusionLayerSpecification | LineLayerSpecification;

/** A picture on its way to the map; `suffix` tells its layers from those of the source it takes over from. */
export interface Drawing {
  readonly picture: Picture;
  readonly ground: Ground;
  readonly suffix: string;
}

/** Makes one layer of a drawing, with the band it belongs to. A theme is a list of such. */
export type LayerOf = (drawing: Drawing) => readonly [Band, ValuesLayer];

/** Id of a band's layer. */
export function layerId(band: Band, suffix: string): string {
  return `${band}-${suffix}`;
}

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

/** What every layer of a drawing begins with. */
function own(band: Band, { picture, suffix }: Drawing) {
  return { id: layerId(band, suffix), source: sourceIdOf(picture), 'source-layer': picture.key.collection };
}

function seenIf(shown: boolean): { visibility: 'visible' | 'none' } {
  return { visibility: shown ? 'visible' : 'none' };
}

// --- lying flat -------------------------------------------------------------------------------------------------------

function colourOf({ picture, ground }: Drawing): DataDrivenPropertyValueSpecification<string> {
  const { terms, unit, scale, difference } = picture;
  return difference
    ? differenceColour(terms, unit, difference.scale, UNKNOWN[ground])
    : fillColour(terms, unit, scale, UNKNOWN[ground]);
}

/** Of the full strength, where a change cannot be told from chance: most cannot, and on black they must still be seen. */
const INDISTINCT_PART = 0.5;

function opacityOf({ terms, unit, strengths, difference, doubt, sector }: Picture) {
  if (!difference) return fillOpacity(terms, unit, strengths);
  const faded = doubt === 'fade' && difference.less.uncertain;
  return differenceOpacity(terms, unit, strengths, faded ? { sector, part: INDISTINCT_PART } : null);
}

/** Each place in the colour of its class. */
export const places: LayerOf = (drawing) => {
  const { picture, ground } = drawing;
  const cells = picture.collection.kind === 'grid';
  return [
    'values',
    {
      ...own('values', drawing),
      type: 'fill',
      layout: seenIf(picture.tall === null),
      paint: {
        'fill-color': colourOf(drawing),
        'fill-opacity': opacityOf(picture),
        // Cells touch: smoothed edges would show the ground between them as a net of seams.
        'fill-antialias': !cells,
        ...(cells ? {} : { 'fill-outline-color': OUTLINE[ground].between }),
      },
    },
  ];
};

/** Dots on doubtful values, or on changes that cannot be told from chance. */
export const uncertain: LayerOf = (drawing) => {
  const { terms, unit, doubt, doubted, difference, sector, tall } = drawing.picture;
  return [
    'doubt',
    {
      ...own('doubt', drawing),
      type: 'fill',
      filter: difference ? ['has', 'id'] : doubtful(doubted),
      layout: seenIf(doubt === 'hatch' && tall === null && (difference?.less.uncertain ?? true)),
      paint: {
        'fill-pattern': `${DOTS}-${drawing.ground}`,
        'fill-antialias': false,
        'fill-opacity': difference ? indistinctMark(terms, unit, sector) : 1,
      },
    },
  ];
};

/** Stripes where a value was held back for privacy. */
export const held: LayerOf = (drawing) => [
  'held',
  {
    ...own('held', drawing),
    type: 'fill',
    filter: HELD,
    layout: seenIf(drawing.picture.tall === null),
    paint: { 'fill-pattern': `${STRIPES}-${drawing.ground}`, 'fill-antialias': false },
  },
];

// --- standing up ------------------------------------------------------------------------------------------------------

/** Colours of columns, of which some may be fainter and none may be seen through: what is faded pales into the land. */
function columnColour({ picture, ground }: Drawing): DataDrivenPropertyValueSpecification<string> {
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

function upright(
  band: Band,
  drawing: Drawing,
  shown: boolean,
  where: FilterSpecification | null,
  look: FillExtrusionLayerSpecification['paint'],
): readonly [Band, FillExtrusionLayerSpecification] {
  const { terms, unit, strengths, tall } = drawing.picture;
  const seen: FilterSpecification =
    strengths.only === null ? ['has', 'id'] : within(terms, unit, strengths.only);
  return [
    band,
    {
      ...own(band, drawing),
      type: 'fill-extrusion',
      filter: where === null ? seen : (['all', seen, where] as FilterSpecification),
      layout: seenIf(tall !== null && shown),
      paint: {
        'fill-extrusion-height': tall === null ? 0 : columnHeight(terms, unit, tall.largest, tall.tallest),
        ...look,
      },
    },
  ];
}

/** Each place as a column, as high as its value is large. */
export const columns: LayerOf = (drawing) =>
  upright('columns', drawing, true, null, {
    'fill-extrusion-color': columnColour(drawing),
    // Columns that let others shine through could be taken for their neighbours.
    'fill-extrusion-opacity': Math.max(drawing.picture.strengths.full, 0.7),
  });

/** The dots of doubtful values, on columns. */
export const uncertainColumns: LayerOf = (drawing) => {
  const { doubt, doubted } = drawing.picture;
  return upright('doubt-columns', drawing, doubt === 'hatch', doubtful(doubted), {
    'fill-extrusion-pattern': `${DOTS}-${drawing.ground}`,
  });
};

/** The stripes of what was held, on columns. */
export const heldColumns: LayerOf = (drawing) =>
  upright('held-columns', drawing, true, HELD, { 'fill-extrusion-pattern': `${STRIPES}-${drawing.ground}` });

// --- outlines ---------------------------------------------------------------------------------------------------------

/** What the pointer is on. */
export const hovered: LayerOf = (drawing) => [
  'hovered',
  {
    ...own('hovered', drawing),
    type: 'line',
    paint: {
      'line-color': OUTLINE[drawing.ground].hovered,
      // Without width an outline costs nothing to draw; one that is only invisible is drawn for every place in view.
      'line-width': ['case', ['boolean', ['feature-state', 'hovered'], false], 1.6, 0],
      'line-opacity': 0.9,
    },
  },
];

function around(band: 'rim' | 'selected', drawing: Drawing, width: number): readonly [Band, ValuesLayer] {
  return [
    band,
    {
      ...own(band, drawing),
      type: 'line',
      // Nothing, until something is chosen.
      filter: ['==', ['get', 'id'], ''],
      layout: { 'line-join': 'round' },
      paint: { 'line-color': OUTLINE[drawing.ground][band], 'line-width': width },
    },
  ];
}

/** A rim of the ground's lightness: on the strongest colours the outline alone would be lost. */
export const rim: LayerOf = (drawing) => around('rim', drawing, 6.5);

/** What was chosen. */
export const selected: LayerOf = (drawing) => around('selected', drawing, 3);
