/** The quiet ground that the numbers lie on: water, green, roads, boundaries and names from the region's own inputs. */
import type { AddLayerObject } from 'maplibre-gl';
import type { Band } from '../draw_order';
import { growing, nameIn } from '../expressions';
import type { Language } from '../sectors';
import type { Ground } from './theme';

export const CONTEXT_SOURCE = 'context';

interface ContextColours {
  readonly land: string;
  readonly green: string;
  readonly water: string;
  readonly road: string;
  readonly boundary: string;
  readonly name: string;
  readonly halo: string;
}

export const CONTEXT_COLOURS: Readonly<Record<Ground, ContextColours>> = {
  light: {
    land: '#f4f3ee',
    green: '#e4eadb',
    water: '#cfdfe6',
    road: '#5d6a6d',
    boundary: '#39474b',
    name: '#243034',
    halo: 'rgba(250, 249, 245, 0.92)',
  },
  dark: {
    land: '#12191c',
    green: '#18231e',
    water: '#1a2c36',
    road: '#a9b7ba',
    boundary: '#c3ced0',
    name: '#eef2f1',
    halo: 'rgba(14, 20, 23, 0.92)',
  },
};

/**
 * Fonts by name, as the page itself uses them: without a glyph server MapLibre draws letters with the browser's own
 * fonts, so Hangul, Latin and Cyrillic all work offline.
 */
const MAP_FONTS = [
  'Pretendard',
  'Apple SD Gothic Neo',
  'Malgun Gothic',
  'Noto Sans KR',
  'Noto Sans CJK KR',
  'Noto Sans',
  'sans-serif',
];

const MOTORWAYS = ['motorway', 'trunk', 'motorway_link', 'trunk_link', 'expressway'];
const MAIN_ROADS = ['primary', 'secondary', 'primary_link', 'secondary_link', 'arterial'];
const MIDDLE_ROADS = ['tertiary', 'tertiary_link', 'collector', 'unclassified'];
const PATHS = [
  'footway',
  'path',
  'steps',
  'cycleway',
  'pedestrian',
  'track',
  'bridleway',
  'corridor',
  'service',
];

type Expression = ['get', string];
const roadClass: Expression = ['get', 'road_class'];
/** Kind of a place; level of a boundary, `0` for the widest zone set. */
const rank: ['coalesce', Expression, string] = ['coalesce', ['get', 'rank'], ''];

/** Layers of the ground with the band each belongs to; `lang` decides the language of the names. */
export function contextLayers(
  ground: Ground,
  lang: Language,
  layers: readonly string[] | null,
): [Band, AddLayerObject][] {
  const colour = CONTEXT_COLOURS[ground];
  const from = (layer: string) => ({ source: CONTEXT_SOURCE, 'source-layer': layer });
  const all: [Band, AddLayerObject][] = [
    ['green', { id: 'green', type: 'fill', ...from('green'), paint: { 'fill-color': colour.green } }],
    [
      'water',
      {
        id: 'water',
        type: 'fill',
        ...from('water'),
        filter: ['==', ['geometry-type'], 'Polygon'],
        paint: { 'fill-color': colour.water },
      },
    ],
    [
      'water',
      {
        id: 'streams',
        type: 'line',
        ...from('water'),
        filter: ['==', ['geometry-type'], 'LineString'],
        paint: { 'line-color': colour.water, 'line-width': growing(9, 0.5, 16, 4) },
      },
    ],
    [
      'roads',
      {
        id: 'roads-small',
        type: 'line',
        ...from('roads'),
        minzoom: 13.5,
        filter: [
          '!',
          ['in', roadClass, ['literal', [...MOTORWAYS, ...MAIN_ROADS, ...MIDDLE_ROADS, ...PATHS]]],
        ],
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': colour.road, 'line-opacity': 0.22, 'line-width': growing(13, 0.4, 18, 5) },
      },
    ],
    [
      'roads',
      {
        id: 'roads-middle',
        type: 'line',
        ...from('roads'),
        minzoom: 12,
        filter: ['in', roadClass, ['literal', MIDDLE_ROADS]],
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': colour.road, 'line-opacity': 0.28, 'line-width': growing(12, 0.5, 18, 8) },
      },
    ],
    [
      'roads',
      {
        id: 'roads-main',
        type: 'line',
        ...from('roads'),
        minzoom: 9.5,
        filter: ['in', roadClass, ['literal', MAIN_ROADS]],
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': colour.road, 'line-opacity': 0.38, 'line-width': growing(9, 0.5, 18, 11) },
      },
    ],
    [
      'roads',
      {
        id: 'roads-motorway',
        type: 'line',
        ...from('roads'),
        filter: ['in', roadClass, ['literal', MOTORWAYS]],
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': colour.road, 'line-opacity': 0.5, 'line-width': growing(8, 0.7, 18, 14) },
      },
    ],
    ['boundaries', boundaries('boundaries-inner', colour, ['!=', rank, '0'])],
    ['boundaries', boundaries('boundaries-outer', colour, ['==', rank, '0'])],
    ['places', placeNames('places-large', colour, lang, ['city', 'town', '시', 'sigungu'], 8, 13, 19)],
    [
      'places',
      placeNames(
        'places-middle',
        colour,
        lang,
        ['village', 'borough', 'suburb', 'quarter', 'municipality'],
        10.5,
        11.5,
        15,
      ),
    ],
    ['places', placeNames('places-small', colour, lang, null, 13, 10.5, 13)],
  ];
  return all.filter(
    ([, layer]) =>
      layers === null || !('source-layer' in layer) || layers.includes(layer['source-layer'] ?? ''),
  );
}

const LARGE_AND_MIDDLE = [
  'city',
  'town',
  '시',
  'sigungu',
  'village',
  'borough',
  'suburb',
  'quarter',
  'municipality',
];

function boundaries(
  id: string,
  colour: ContextColours,
  filter: ['==' | '!=', typeof rank, string],
): AddLayerObject {
  const outer = filter[0] === '==';
  return {
    id,
    type: 'line',
    source: CONTEXT_SOURCE,
    'source-layer': 'boundaries',
    // Inner borders would be a tangle from afar.
    minzoom: outer ? 0 : 10.5,
    filter,
    paint: {
      'line-color': colour.boundary,
      // Neighbours each bring their common border: dashes of the two would not fall on each other.
      'line-opacity': outer ? 0.34 : 0.22,
      'line-width': outer ? growing(8, 0.7, 16, 2) : growing(10, 0.5, 16, 1.2),
    },
  };
}

function placeNames(
  id: string,
  colour: ContextColours,
  lang: Language,
  ranks: readonly string[] | null,
  minzoom: number,
  small: number,
  large: number,
): AddLayerObject {
  return {
    id,
    type: 'symbol',
    source: CONTEXT_SOURCE,
    'source-layer': 'places',
    minzoom,
    filter:
      ranks === null
        ? ['!', ['in', rank, ['literal', LARGE_AND_MIDDLE]]]
        : ['in', rank, ['literal', [...ranks]]],
    layout: {
      'text-field': nameIn(lang),
      'text-font': MAP_FONTS,
      'text-size': ['interpolate', ['linear'], ['zoom'], minzoom, small, 16, large],
      'text-max-width': 8,
      'text-padding': 6,
    },
    paint: {
      'text-color': colour.name,
      'text-halo-color': colour.halo,
      'text-halo-width': 1.6,
      'text-halo-blur': 0.4,
    },
  };
}
