import { createExpression, featureFilter, validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import { doubtful, type Doubted } from '../doubt';
import type { Doubt } from '../look';
import { mixed } from '../ramps';
import { legendLines } from '../scale';
import { mayBeHeld, SECTORS } from '../sectors';
import type { Picture } from '../shown';
import { CONTEXT_COLOURS } from './context';
import { UNKNOWN } from './theme';
import { layersOf, THEMES } from './themes';
import { sourceIdOf, valuesSource } from './values';

const DOUBTED: Doubted = { by: 'interval', sector: 'buildings', parts: ['buildings'] };
const SURE = { id: 'a', buildings_tco2e: 50, buildings_sd_tco2e: 1, held: false };
const UNSURE = { id: 'b', buildings_tco2e: 50, buildings_sd_tco2e: 40, held: true };

function pictureOf(doubt: Doubt, tall: boolean): Picture {
  return {
    key: { region: 'demo', edition: 'ab', collection: 'grid-1km', year: 2024 },
    collection: {
      id: 'grid-1km',
      title: {},
      kind: 'grid',
      zoneKind: null,
      parent: null,
      cellSizeM: 1000,
      years: [2024],
      sectors: ['buildings'],
      columns: [],
      count: 2,
      minzoom: 0,
      maxzoom: 14,
      autoZooms: null,
    },
    sector: 'buildings',
    unit: 't',
    scale: {
      classes: [
        { from: null, to: 10, colour: '#ffffff' },
        { from: 10, to: null, colour: '#aa3300' },
      ],
      zero: '#eeeeee',
    },
    terms: [{ column: 'buildings_tco2e', share: null }],
    columns: null,
    strengths: {
      full: 0.85,
      zero: 0.4,
      doubt: doubt === 'fade' ? { where: doubtful(DOUBTED), part: 0.35 } : null,
      only: { low: 1, high: null },
    },
    doubt,
    doubted: DOUBTED,
    tall: tall ? { largest: 100, tallest: 4000 } : null,
    difference: null,
  };
}

/** Layers that are seen, by their band. */
function seen(picture: Picture) {
  const layers = layersOf({ picture, ground: 'light', suffix: '1' }).filter(
    ([, layer]) => layer.layout?.visibility !== 'none',
  );
  return new Map(layers);
}

/** Amounts of both signs, with a zero among them, rising. */
const AMOUNTS = Array.from({ length: 201 }, (_, index) => Math.sign(index - 60) * (index - 60) ** 2);

describe.each(SECTORS)('the theme of %s', (sector) => {
  const theme = THEMES[sector];

  it.each(['light', 'dark'] as const)(
    'draws each class in the colour that its legend shows, %s',
    (ground) => {
      const column = `${sector}_tco2e`;
      const scale = theme.scale(
        { count: 900, nulls: 0, min: AMOUNTS[0] ?? 0, max: AMOUNTS.at(-1) ?? 0, quantiles: AMOUNTS },
        ground,
      );
      if (!scale) throw new Error('no scale');
      const terms = [{ column, share: null }];
      const strengths = { full: 0.85, zero: 0.4, doubt: null, only: null };
      const picture = { ...pictureOf('off', false), sector, terms, scale, strengths };
      const layers = new Map(layersOf({ picture, ground, suffix: '1' }));
      const fill = layers.get('values');
      if (fill?.type !== 'fill') throw new Error('no fill');
      const made = createExpression(fill.paint?.['fill-color'], 'layers[0].paint.fill-color');
      if (made.result === 'error') throw new Error(JSON.stringify(made.value));
      const colourOf = (properties: Record<string, unknown>): unknown =>
        made.value.evaluate({ zoom: 10 }, { type: 'Polygon', properties });
      for (const line of legendLines(scale)) {
        const { from, to } = line.entry ?? { from: 0, to: 0 };
        const within = ((from ?? (to ?? 0) - 2) + (to ?? (from ?? 0) + 2)) / 2;
        expect(colourOf({ [column]: within }), String(within)).toBe(line.colour);
      }
      expect(colourOf({})).toBe(UNKNOWN[ground]);
      expect(scale.classes.length).toBeGreaterThan(4);
    },
  );

  it('has stripes if, and only if, its values may be held', () => {
    const bands = layersOf({
      picture: { ...pictureOf('off', false), sector },
      ground: 'light',
      suffix: '1',
    }).map(([band]) => band);
    expect(bands.includes('held')).toBe(mayBeHeld(sector));
    expect(bands.includes('held-columns')).toBe(mayBeHeld(sector));
    expect(bands).toEqual(expect.arrayContaining(['values', 'doubt', 'columns', 'hovered', 'selected']));
  });
});

describe('the layers of values', () => {
  it.each(['hatch', 'fade', 'off'] as const)('are sound, flat and upright: %s', (doubt) => {
    for (const tall of [false, true]) {
      const picture = pictureOf(doubt, tall);
      const layers = layersOf({ picture, ground: 'dark', suffix: '1' }).map(([, layer]) => layer);
      const source = valuesSource(picture, 'http://x/{z}/{x}/{y}');
      expect(
        validateStyleMin({
          version: 8,
          sprite: 'http://x/s',
          sources: { [sourceIdOf(picture)]: source },
          layers,
        }),
      ).toEqual([]);
    }
  });

  it('mark the uncertain and the held on columns as on flat places', () => {
    expect([...seen(pictureOf('hatch', false)).keys()]).toEqual(expect.arrayContaining(['doubt', 'held']));
    const upright = seen(pictureOf('hatch', true));
    for (const band of ['doubt-columns', 'held-columns'] as const) {
      const layer = upright.get(band);
      if (layer?.filter === undefined) throw new Error(`${band} is not seen, or has no filter`);
      const passes = ({ properties }: { properties: Record<string, unknown> }) =>
        featureFilter(layer.filter, 'layers[0].filter').filter({ zoom: 10 }, { type: 'Polygon', properties });
      expect(passes({ properties: UNSURE }), band).toBe(true);
      expect(passes({ properties: SURE }), band).toBe(false);
      // Outside the span that the reader chose no column stands, and no mark either.
      expect(passes({ properties: { ...UNSURE, buildings_tco2e: 0.5 } }), band).toBe(false);
    }
    expect(seen(pictureOf('off', true)).has('doubt-columns')).toBe(false);
    expect([...upright.keys()]).not.toContain('doubt');
  });

  it('pale the columns of uncertain values, which cannot be seen through', () => {
    const layer = seen(pictureOf('fade', true)).get('columns');
    if (layer?.type !== 'fill-extrusion') throw new Error('no columns');
    const made = createExpression(
      layer.paint?.['fill-extrusion-color'],
      'layers[0].paint.fill-extrusion-color',
    );
    if (made.result === 'error') throw new Error(JSON.stringify(made.value));
    const colourOf = (properties: Record<string, unknown>): unknown =>
      made.value.evaluate({ zoom: 10 }, { type: 'Polygon', properties });
    expect(colourOf(SURE)).toBe('#aa3300');
    expect(colourOf(UNSURE)).toBe(mixed(CONTEXT_COLOURS.light.land, '#aa3300', 0.35));
  });
});
