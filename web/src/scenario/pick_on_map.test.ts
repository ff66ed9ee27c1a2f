import { describe, expect, it } from 'vitest';
import { nearM } from './pick_on_map';

describe('how near a click must be to a road', () => {
  it('is as far on the ground as a finger is wide on the screen', () => {
    // 14 px of 4.777 m each at zoom 14 on the equator, and half of it at 60 degrees.
    expect(nearM(14, 0)).toBeCloseTo(66.88, 1);
    expect(nearM(14, 60)).toBeCloseTo(33.44, 1);
  });

  it('stays within what the server looks for', () => {
    expect(nearM(3, 0)).toBe(1000);
    expect(nearM(24, 0)).toBe(1);
  });
});
