import { describe, expect, it } from 'vitest';
import type { Distribution } from './api';
import { THEMES } from './layers/themes';
import { quantileAt } from './breaks';
import { BREAKS, type Breaks } from './look';
import { toOklab } from './ramps';
import {
  buildScale,
  CLASSES_ONE_SIDED,
  CLASSES_PER_SIDE,
  classOf,
  colourOf,
  legendLines,
  type Scale,
} from './scale';

const RAMPS = THEMES.net.ramps.light;

/** The distribution that the API gives for these values: 21 quantiles, linear between order statistics. */
function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const quantiles = Array.from({ length: 21 }, (_, k) => quantileAt(sorted, k / 20));
  return { count: values.length, nulls: 0, min: sorted[0] ?? null, max: sorted.at(-1) ?? null, quantiles };
}

function scaleOf(values: readonly number[], method: Breaks = 'auto'): Scale {
  const scale = buildScale(distributionOf(values), RAMPS, method);
  if (!scale) throw new Error('no scale');
  return scale;
}

/** Skewed as emissions are. */
const SKEWED = Array.from({ length: 500 }, (_, k) => 0.01 * 1.03 ** k);

describe('buildScale', () => {
  it.each(BREAKS)('has classes that touch, rise and cover everything, by %s', (method) => {
    for (const values of [SKEWED, SKEWED.map((v) => -v), [...SKEWED, ...SKEWED.map((v) => -v / 3)]]) {
      const { classes } = scaleOf(values, method);
      expect(classes.length).toBeGreaterThan(2);
      for (const [index, entry] of classes.entries()) {
        const next = classes[index + 1];
        if (next) expect(entry.to).toBe(next.from);
        if (entry.from !== null && entry.to !== null) expect(entry.to).toBeGreaterThan(entry.from);
      }
      for (const value of values) expect(classOf({ classes, zero: null }, value)).not.toBeNull();
    }
  });

  it('is one-sided for emissions alone, with zero as a colour of its own', () => {
    const scale = scaleOf([...Array.from({ length: 400 }, () => 0), ...SKEWED]);
    expect(scale.classes).toHaveLength(CLASSES_ONE_SIDED);
    expect(scale.classes[0]?.from).toBe(0);
    expect(scale.zero).toBe(RAMPS.zero);
    expect(classOf(scale, 0)).toBe('zero');
    expect(classOf(scale, 1e-9)).toBe(0);
  });

  it('is not led astray by zeros: breaks are those of the places that have something', () => {
    const some = Array.from({ length: 500 }, (_, k) => 1.01 ** k);
    const bare = scaleOf(some).classes.flatMap(({ to }) => to ?? []);
    const padded = scaleOf([...Array.from({ length: 500 }, () => 0), ...some]).classes.flatMap(
      ({ to }) => to ?? [],
    );
    expect(padded).toHaveLength(bare.length);
    for (const [index, to] of padded.entries()) {
      expect(to).toBeGreaterThan((bare[index] ?? 0) / 1.6);
      expect(to).toBeLessThan((bare[index] ?? 0) * 1.6);
    }
  });

  it('mirrors its breaks about zero where both signs occur', () => {
    const scale = scaleOf([...SKEWED, ...SKEWED.map((v) => -v)]);
    expect(scale.classes).toHaveLength(2 * CLASSES_PER_SIDE);
    const inner = scale.classes.flatMap(({ from }) => (from === null ? [] : [from]));
    expect(inner).toEqual(inner.map((value) => (value === 0 ? 0 : -value)).toReversed());
  });

  it('leaves out classes beyond the data, so that small removals are never shown as strong', () => {
    const scale = scaleOf([...SKEWED, -0.02, -0.03]);
    const removals = scale.classes.filter(({ to }) => to !== null && to <= 0);
    expect(removals).toHaveLength(1);
    expect(removals[0]).toMatchObject({ from: null, to: 0 });
  });

  it('never clamps land that is a source', () => {
    const scale = scaleOf([...SKEWED.map((v) => -v), 40]);
    const top = classOf(scale, 40);
    expect(typeof top).toBe('number');
    expect(scale.classes[Number(top)]?.from).toBeGreaterThanOrEqual(0);
  });

  it('has as many classes as a handful of places deserves', () => {
    expect(scaleOf([1, 2, 3, 4]).classes).toHaveLength(2);
    expect(scaleOf([5]).classes).toHaveLength(1);
  });

  it('says that nothing is known, and that everything is zero', () => {
    expect(buildScale({ count: 0, nulls: 12, min: null, max: null, quantiles: [] }, RAMPS)).toBeNull();
    const zeros = scaleOf([0, 0, 0]);
    expect(zeros).toEqual({ classes: [], zero: RAMPS.zero });
    expect(classOf(zeros, 0)).toBe('zero');
  });

  it('puts a value on a break into the class above', () => {
    const scale: Scale = {
      classes: [
        { from: null, to: 0, colour: '#000001' },
        { from: 0, to: 5, colour: '#000002' },
        { from: 5, to: null, colour: '#000003' },
      ],
      zero: null,
    };
    expect([-1, 0, 4.99, 5, 1e9].map((value) => classOf(scale, value))).toEqual([0, 1, 1, 2, 2]);
    expect(classOf(scale, null)).toBeNull();
    const colours = [-1, 4.99, 1e9].map((value) => colourOf(scale, value, 'grey'));
    expect(colours).toEqual([0, 1, 2].map((at) => scale.classes[at]?.colour));
    expect(colourOf(scale, null, 'grey')).toBe('grey');
  });
});

describe('the lines of a legend', () => {
  const found = (values: readonly number[]) => legendLines(scaleOf(values)).map(({ at }) => at);
  const zeros = Array.from({ length: 100 }, () => 0);

  it('end with zero where all is removed, and begin with it where all is emitted', () => {
    const removed = found([...SKEWED.map((value) => -value), ...zeros]);
    expect(removed).toEqual([...Array.from({ length: CLASSES_ONE_SIDED }, (_, at) => at), 'zero']);
    const emitted = found([...SKEWED, ...zeros]);
    expect(emitted).toEqual(['zero', ...Array.from({ length: CLASSES_ONE_SIDED }, (_, at) => at)]);
  });

  it('have zero between both signs, and none where no zero occurs', () => {
    const both = [...SKEWED, ...SKEWED.map((value) => -value)];
    const scale = scaleOf([...both, ...zeros]);
    const lines = legendLines(scale);
    const at = lines.findIndex((line) => line.at === 'zero');
    expect(lines[at - 1]?.entry?.to).toBe(0);
    expect(lines[at + 1]?.entry?.from).toBe(0);
    expect(lines).toHaveLength(scale.classes.length + 1);
    expect(found([...SKEWED, ...SKEWED.map((value) => -value / 3)])).not.toContain('zero');
    expect(found([0, 0, 0])).toEqual(['zero']);
  });
});

describe('ramps', () => {
  it('go one way in lightness on either ground, so that more is never mistaken for less', () => {
    for (const theme of Object.values(THEMES)) {
      for (const [ground, ramps] of Object.entries(theme.ramps)) {
        for (const ramp of [ramps.emission, ramps.removal]) {
          const lightness = ramp.map((hex) => toOklab(hex)[0]);
          const steps = lightness.slice(1).map((value, index) => value - (lightness[index] ?? 0));
          expect(steps.every((step) => (ground === 'light' ? step < -0.03 : step > 0.03))).toBe(true);
        }
      }
    }
  });
});
