import { createExpression, type ExpressionSpecification } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import type { Properties } from './api';
import { doubtful } from './doubt';
import {
  columnHeight,
  differenceColour,
  differenceOpacity,
  indistinctMark,
  fillColour,
  fillOpacity,
  isWithin,
  nameIn,
  value,
  valueOf,
} from './expressions';
import type { Term } from './quantity';
import { classOf, type Scale } from './scale';
import { UNITS } from './sectors';

const SCALE: Scale = {
  classes: [
    { from: null, to: -10, colour: '#000001' },
    { from: -10, to: 0, colour: '#000002' },
    { from: 0, to: 10, colour: '#000003' },
    { from: 10, to: null, colour: '#000004' },
  ],
  zero: '#000000',
};
const UNKNOWN = '#999999';
const FOREST: Term[] = [{ column: 'forest_tco2e', share: null }];
const NET: Term[] = [{ column: 'net_tco2e', share: null }];

/** What MapLibre makes of an expression for a feature with these properties; nulls are absent in tiles. */
function evaluate(
  expression: ExpressionSpecification,
  properties: Properties,
  state: Record<string, unknown> = {},
): unknown {
  const compiled = createExpression(expression, 'layers[0].paint.fill-color');
  if (compiled.result === 'error') throw new Error(compiled.value.map(({ message }) => message).join());
  const present = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
  return compiled.value.evaluate({ zoom: 10 }, { type: 'Polygon', properties: present }, state);
}

const PLACES: Properties[] = [
  { forest_tco2e: -2000, area_ha: 100, population: 0 },
  { forest_tco2e: -50, area_ha: 100, population: 10 },
  { forest_tco2e: 0, area_ha: 100, population: 10 },
  { forest_tco2e: 5, area_ha: 1, population: null },
  { forest_tco2e: 10, area_ha: 1, population: 1 },
  { forest_tco2e: 1e6, area_ha: 0, population: 3 },
  { forest_tco2e: null, area_ha: 100, population: 5 },
  { area_ha: 100 },
];

describe('the fill colour', () => {
  it('is the class that legend and hover name, in every unit', () => {
    for (const unit of UNITS) {
      for (const place of PLACES) {
        const at = classOf(SCALE, valueOf(place, FOREST, unit));
        const expected = at === null ? UNKNOWN : at === 'zero' ? SCALE.zero : SCALE.classes[at]?.colour;
        expect(
          evaluate(fillColour(FOREST, unit, SCALE, UNKNOWN), place),
          `${unit} of ${JSON.stringify(place)}`,
        ).toBe(expected);
      }
    }
  });

  it('is plain where there is one class, or none', () => {
    const one: Scale = { classes: [{ from: 0, to: null, colour: '#000003' }], zero: null };
    const none: Scale = { classes: [], zero: '#000000' };
    expect(evaluate(fillColour(FOREST, 't', one, UNKNOWN), { forest_tco2e: 4 })).toBe('#000003');
    expect(evaluate(fillColour(FOREST, 't', none, UNKNOWN), { forest_tco2e: 0 })).toBe('#000000');
  });
});

describe('a value', () => {
  it('is unknown where it would be divided by nothing', () => {
    expect(valueOf({ net_tco2e: 5, population: 0 }, NET, 't_per_person')).toBeNull();
    expect(valueOf({ net_tco2e: 5 }, NET, 't_per_ha')).toBeNull();
    expect(valueOf({ net_tco2e: 5, area_ha: 2 }, NET, 't_per_ha')).toBe(2.5);
    expect(valueOf({ net_tco2e: null }, NET, 't')).toBeNull();
  });
});

describe('a part of a sector', () => {
  const METERED: Term[] = [
    { column: 'buildings_tco2e', share: 'buildings_metered_share' },
    { column: 'transport_diesel_direct_tco2e', share: null },
  ];

  it('is the same sum on the map and on the page', () => {
    for (const place of [
      { buildings_tco2e: 40, buildings_metered_share: 0.25, transport_diesel_direct_tco2e: 5, area_ha: 2 },
      { buildings_tco2e: 0, buildings_metered_share: null, transport_diesel_direct_tco2e: 7, area_ha: 1 },
    ]) {
      const shown = valueOf(place, METERED, 't_per_ha');
      expect(shown).toBe(place.buildings_tco2e === 40 ? 7.5 : 7);
      expect(evaluate(value(METERED, 't_per_ha'), place)).toBe(shown);
    }
    expect(valueOf({ buildings_tco2e: 4, buildings_metered_share: 1 }, METERED, 't')).toBeNull();
  });
});

describe('strength', () => {
  const strengths = {
    full: 0.8,
    zero: 0.4,
    doubt: { where: doubtful({ by: 'interval', sector: 'forest', parts: ['forest'] }), part: 0.5 },
    only: null,
  };

  it('is less for zero and where a value is doubtful', () => {
    const opacity = fillOpacity(FOREST, 't', strengths);
    const sure = { forest_tco2e: -10, forest_sd_tco2e: 1 };
    const unsure = { forest_tco2e: -10, forest_sd_tco2e: 4 };
    expect(evaluate(opacity, sure)).toBe(0.8);
    expect(evaluate(opacity, unsure)).toBe(0.4);
    expect(evaluate(opacity, { forest_tco2e: 0 })).toBe(0.4);
    expect(evaluate(opacity, {})).toBe(0.8);
  });

  it('is next to nothing outside the span that the reader chose', () => {
    const only = { low: -20, high: -5 };
    const opacity = fillOpacity(FOREST, 't', { ...strengths, doubt: null, only });
    for (const amount of [-30, -20, -10, -5, 0, 3, null]) {
      const drawn = evaluate(opacity, { forest_tco2e: amount });
      expect(drawn === 0.8, String(amount)).toBe(isWithin(amount, only));
    }
  });
});

it('makes columns as high as values are large, of either sign, and none of what is unknown', () => {
  const height = columnHeight(FOREST, 't', 100, 600);
  expect(evaluate(height, { forest_tco2e: -50 })).toBe(300);
  expect(evaluate(height, { forest_tco2e: 1e6 })).toBe(1200);
  expect(evaluate(height, {})).toBe(0);
});

it('names places in the language, else as they are written there', () => {
  expect(evaluate(nameIn('ko'), { name_ko: '한빛', name: 'Hanbit' })).toBe('한빛');
  expect(evaluate(nameIn('ko'), { name: 'Тошкент' })).toBe('Тошкент');
  expect(evaluate(nameIn('en'), {})).toBe('');
});

describe('the colour of a difference', () => {
  it('is that of the value less what it was, in every unit', () => {
    for (const unit of UNITS) {
      for (const place of PLACES) {
        for (const before of [-30, 0, 5, 2000]) {
          const now = valueOf(place, FOREST, unit);
          const at = classOf(SCALE, now === null ? null : now - before);
          const expected = at === null ? UNKNOWN : at === 'zero' ? SCALE.zero : SCALE.classes[at]?.colour;
          const colour = evaluate(differenceColour(FOREST, unit, SCALE, UNKNOWN), place, { before });
          expect(colour, `${unit} of ${JSON.stringify(place)} since ${before}`).toBe(expected);
        }
      }
    }
  });

  it('is that of the unknown where it is not known what was, or what is', () => {
    const expression = differenceColour(NET, 't', SCALE, UNKNOWN);
    expect(evaluate(expression, { net_tco2e: 3 })).toBe(UNKNOWN);
    expect(evaluate(expression, { net_tco2e: null }, { before: 3 })).toBe(UNKNOWN);
  });
});

describe('the strength of a difference', () => {
  const strengths = { full: 0.8, zero: 0.4, doubt: null, only: null };
  const strength = (sd: number, state: Record<string, number>) =>
    evaluate(
      differenceOpacity(NET, 't', strengths, { sector: 'net', part: 0.5 }),
      { net_tco2e: 100, net_sd_tco2e: sd },
      state,
    );

  it('is weak where the intervals overlap, and thin where nothing changed', () => {
    expect(strength(5, { before: 50, total: 50, sd: 5 })).toBe(0.8);
    expect(strength(20, { before: 50, total: 50, sd: 20 })).toBe(0.4);
    expect(strength(0, { before: 100, total: 100, sd: 0 })).toBe(0.4);
    expect(strength(0, { before: 99, total: 99, sd: 0 })).toBe(0.8);
  });

  it('has marks where a change cannot be told from chance, and none where nothing changed', () => {
    const mark = (sd: number, state: Record<string, number>) =>
      evaluate(indistinctMark(NET, 't', 'net'), { net_tco2e: 100, net_sd_tco2e: sd }, state);
    expect(mark(20, { before: 50, total: 50, sd: 20 })).toBe(1);
    expect(mark(5, { before: 50, total: 50, sd: 5 })).toBe(0);
    expect(mark(20, { before: 100, total: 100, sd: 20 })).toBe(0);
    expect(mark(20, {})).toBe(0);
  });

  it('leaves doubt out if the reader does', () => {
    const expression = differenceOpacity(NET, 't', strengths, null);
    const state = { before: 99, total: 99, sd: 50 };
    expect(evaluate(expression, { net_tco2e: 100, net_sd_tco2e: 50 }, state)).toBe(0.8);
  });
});
