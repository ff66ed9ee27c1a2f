import { expect, it } from 'vitest';
import { fromOklab, sampleRamp, toOklab } from './ramps';

it('goes to OKLab and back', () => {
  for (const hex of ['#000000', '#ffffff', '#0d5c5a', '#c9632c', '#7257b0'])
    expect(fromOklab(toOklab(hex))).toBe(hex);
});

it('agrees with the published value of red', () => {
  const [lightness, a, b] = toOklab('#ff0000');
  expect(lightness).toBeCloseTo(0.628, 3);
  expect(a).toBeCloseTo(0.2249, 3);
  expect(b).toBeCloseTo(0.1258, 3);
});

it('samples evenly and keeps both ends', () => {
  const colours = sampleRamp(['#ffffff', '#808080', '#000000'], 5);
  expect(colours).toHaveLength(5);
  expect(colours[0]).toBe('#ffffff');
  expect(colours[2]).toBe('#808080');
  expect(colours[4]).toBe('#000000');
  expect(sampleRamp(['#ffffff', '#000000'], 1)).toHaveLength(1);
});
