import { createExpression, type ExpressionSpecification } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import type { Properties } from './api';
import { fillColour, nameIn, valueOf } from './expressions';
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

/** What MapLibre makes of an expression for a feature with these properties; nulls are absent in tiles. */
function evaluate(expression: ExpressionSpecification, properties: Properties): unknown {
  const compiled = createExpression(expression, 'layers[0].paint.fill-color');
  if (compiled.result === 'error') throw new Error(compiled.value.map(({ message }) => message).join());
  const present = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
  return compiled.value.evaluate({ zoom: 10 }, { type: 'Polygon', properties: present });
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
        const at = classOf(SCALE, valueOf(place, 'forest_tco2e', unit));
        const expected = at === null ? UNKNOWN : at === 'zero' ? SCALE.zero : SCALE.classes[at]?.colour;
        expect(
          evaluate(fillColour('forest', unit, SCALE, UNKNOWN), place),
          `${unit} of ${JSON.stringify(place)}`,
        ).toBe(expected);
      }
    }
  });

  it('is plain where there is one class, or none', () => {
    const one: Scale = { classes: [{ from: 0, to: null, colour: '#000003' }], zero: null };
    const none: Scale = { classes: [], zero: '#000000' };
    expect(evaluate(fillColour('forest', 't', one, UNKNOWN), { forest_tco2e: 4 })).toBe('#000003');
    expect(evaluate(fillColour('forest', 't', none, UNKNOWN), { forest_tco2e: 0 })).toBe('#000000');
  });
});

describe('a value', () => {
  it('is unknown where it would be divided by nothing', () => {
    expect(valueOf({ net_tco2e: 5, population: 0 }, 'net_tco2e', 't_per_person')).toBeNull();
    expect(valueOf({ net_tco2e: 5 }, 'net_tco2e', 't_per_ha')).toBeNull();
    expect(valueOf({ net_tco2e: 5, area_ha: 2 }, 'net_tco2e', 't_per_ha')).toBe(2.5);
    expect(valueOf({ net_tco2e: null }, 'net_tco2e', 't')).toBeNull();
  });
});

it('names places in the language, else as they are written there', () => {
  expect(evaluate(nameIn('ko'), { name_ko: '한빛', name: 'Hanbit' })).toBe('한빛');
  expect(evaluate(nameIn('ko'), { name: 'Тошкент' })).toBe('Тошкент');
  expect(evaluate(nameIn('en'), {})).toBe('');
});
