import { describe, expect, it } from 'vitest';
import { changedSectors, netAfter, type Summary } from './questions';
import { partOfToday } from './result_view';

const CHANGE = { net: -2, buildings: -2, transport: 0, forest: 0 };
const summary = (baseline: Summary['baseline']) => ({ baseline, change: CHANGE }) as unknown as Summary;

describe('what a scenario comes to', () => {
  it('is the sum where all is known', () => {
    const known = summary({ net: 10, buildings: 8, transport: 3, forest: -1 });
    expect(netAfter(known)).toBe(8);
    expect(partOfToday(known)).toBe(-0.2);
    expect(changedSectors(known)).toEqual(['buildings', 'transport', 'forest']);
  });

  it('is unknown, and no part of today, where a sector is', () => {
    const dark = summary({ net: null, buildings: 8, transport: 3, forest: null });
    expect(netAfter(dark)).toBeNull();
    expect(partOfToday(dark)).toBeNull();
    expect(changedSectors(dark)).toEqual(['buildings', 'transport']);
  });
});
