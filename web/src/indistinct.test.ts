import { createExpression } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import { indistinctMark } from './expressions';
import { interval90 } from './format';
import { isIndistinct } from './indistinct';

const TERMS = [{ column: 'net_tco2e', share: null }];

/** What the map makes of a place whose value was another one before. */
function marked(
  [value, sd]: readonly [number, number | null],
  [before, sdBefore]: readonly [number, number | null],
): boolean {
  const made = createExpression(indistinctMark(TERMS, 't', 'net'), 'layers[0].paint.fill-opacity');
  if (made.result === 'error') throw new Error(JSON.stringify(made.value));
  const properties = { net_tco2e: value, ...(sd === null ? {} : { net_sd_tco2e: sd }) };
  const state = { before, total: before, ...(sdBefore === null ? {} : { sd: sdBefore }) };
  return made.value.evaluate({ zoom: 10 }, { type: 'Polygon', properties }, state) === 1;
}

const AROUND = (value: number, sd: number | null) => (sd === null ? null : interval90(value, sd));

describe('two values', () => {
  it('are told apart where their intervals do not meet, in either order', () => {
    expect(isIndistinct([8, 12], [13, 17])).toBe(false);
    expect(isIndistinct([13, 17], [8, 12])).toBe(false);
    expect(isIndistinct([7, 13], [13, 17])).toBe(true);
    expect(isIndistinct([-17, -13], [13, 17])).toBe(false);
    expect(isIndistinct([100, 100], [100.1, 100.1])).toBe(false);
  });

  it('cannot be told apart where an interval is missing: that does not make a value exact', () => {
    expect(isIndistinct(null, [13, 17])).toBe(true);
    expect(isIndistinct([8, 12], null)).toBe(true);
    expect(isIndistinct(null, null)).toBe(true);
  });

  it('are marked on the map by the very same rule', () => {
    const sides = [-50, 0, 3, 100, 130, 134].flatMap((value) =>
      [null, 0, 1, 10, 40].map((sd) => [value, sd] as const),
    );
    for (const now of sides) {
      for (const before of sides) {
        // What did not change at all is drawn as such, and needs no mark.
        const expected = now[0] !== before[0] && isIndistinct(AROUND(...now), AROUND(...before));
        expect(marked(now, before), JSON.stringify([now, before])).toBe(expected);
      }
    }
  });
});
