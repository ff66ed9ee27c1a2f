import {
  differenceCiede2000,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  filterDeficiencyTrit,
  parse,
  type Color,
} from 'culori';
import { describe, expect, it } from 'vitest';
import { sampleRamp } from '../ramps';
import { CLASSES_ONE_SIDED, CLASSES_PER_SIDE, type Ramps } from '../scale';
import { SECTORS } from '../sectors';
import { UNKNOWN, type Ground } from './theme';
import { THEMES } from './themes';

type Eyes = (colour: Color) => Color;

/** Dichromats see by two kinds of cones; simulated after Machado, Oliveira and Fernandes (2009), severity 1. */
const EYES: Readonly<Record<string, Eyes>> = {
  'all three cones': (colour) => colour,
  deuteranopia: filterDeficiencyDeuter(1),
  protanopia: filterDeficiencyProt(1),
  tritanopia: filterDeficiencyTrit(1),
};
const GROUNDS: readonly Ground[] = ['light', 'dark'];

/** CIEDE2000. About 1 is just seen side by side; classes lie apart on the map and are looked up in a legend. */
const NEIGHBOURS = 6;
const SIGNS = 10;

const difference = differenceCiede2000();

function apart(one: string, other: string, eyes: Eyes): number {
  const [a, b] = [parse(one), parse(other)];
  if (!a || !b) throw new Error(`no colour: ${one}, ${other}`);
  return difference(eyes(a), eyes(b));
}

/** Every scale that a theme can have, as its colours in rising order. */
function scalesOf({ emission, removal, zero }: Ramps): Readonly<Record<string, readonly string[]>> {
  const falling = (count: number) => sampleRamp(removal, count).toReversed();
  return {
    emissions: [zero, ...sampleRamp(emission, CLASSES_ONE_SIDED)],
    removals: [...falling(CLASSES_ONE_SIDED), zero],
    both: [...falling(CLASSES_PER_SIDE), zero, ...sampleRamp(emission, CLASSES_PER_SIDE)],
    'both, without zero': [...falling(CLASSES_PER_SIDE), ...sampleRamp(emission, CLASSES_PER_SIDE)],
  };
}

const CASES = SECTORS.flatMap((sector) =>
  GROUNDS.flatMap((ground) => Object.entries(EYES).map(([name, eyes]) => ({ sector, ground, name, eyes }))),
);

describe.each(CASES)('$sector on $ground ground, seen with $name', ({ sector, ground, eyes }) => {
  const ramps = THEMES[sector].ramps[ground];

  it('has classes that differ from their neighbours', () => {
    for (const [scale, colours] of Object.entries(scalesOf(ramps))) {
      for (const [index, colour] of colours.slice(1).entries()) {
        const before = colours[index] ?? '';
        expect(apart(before, colour, eyes), `${scale}: ${before} ${colour}`).toBeGreaterThan(NEIGHBOURS);
      }
    }
  });

  it('tells an emission from a removal of the same size', () => {
    const [emissions, removals] = [ramps.emission, ramps.removal].map((ramp) =>
      sampleRamp(ramp, CLASSES_PER_SIDE),
    );
    for (const [index, emission] of (emissions ?? []).entries()) {
      const removal = removals?.[index] ?? '';
      expect(apart(emission, removal, eyes), `${emission} ${removal}`).toBeGreaterThan(SIGNS);
    }
  });

  it('shows what is not known in a colour of no class', () => {
    for (const colour of Object.values(scalesOf(ramps)).flat()) {
      expect(apart(UNKNOWN[ground], colour, eyes), colour).toBeGreaterThan(NEIGHBOURS);
    }
  });
});

it('measures differences as their authors do', () => {
  // From the test data of Sharma, Wu and Dalal (2005).
  const lab = (l: number, a: number, b: number) => ({ mode: 'lab65' as const, l, a, b });
  expect(difference(lab(50, 2.6772, -79.7751), lab(50, 0, -82.7485))).toBeCloseTo(2.0425, 4);
  expect(difference(lab(60.2574, -34.0099, 36.2677), lab(60.4626, -34.1751, 39.4387))).toBeCloseTo(1.2644, 4);
});
