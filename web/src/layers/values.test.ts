import { createExpression, featureFilter, validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import { doubtful, type Doubted } from '../doubt';
import type { Doubt } from '../look';
import { mixed } from '../ramps';
import type { Picture } from '../shown';
import { CONTEXT_COLOURS } from './context';
import { valuesLayers, valuesSource, sourceIdOf } from './values';

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
  const layers = valuesLayers(picture, 'light', '1').filter(
    ([, layer]) => layer.layout?.visibility !== 'none',
  );
  return new Map(layers);
}

describe('the layers of values', () => {
  it.each(['hatch', 'fade', 'off'] as const)('are sound, flat and upright: %s', (doubt) => {
    for (const tall of [false, true]) {
      const picture = pictureOf(doubt, tall);
      const layers = valuesLayers(picture, 'dark', '1').map(([, layer]) => layer);
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
