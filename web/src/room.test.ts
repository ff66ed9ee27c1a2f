import { describe, expect, it } from 'vitest';
import { insetsOf, shiftIntoSight, shiftPlaceIntoSight } from './room';

function box(left: number, top: number, width: number, height: number) {
  return { left, top, width, height, right: left + width, bottom: top + height };
}

const WIDE = box(0, 0, 1440, 900);
const PHONE = box(0, 56, 390, 788);

describe('the room between the panels', () => {
  it('is all but a little air where nothing stands', () => {
    expect(insetsOf(WIDE, [])).toEqual({ top: 60, right: 28, bottom: 28, left: 28 });
  });

  it('loses a side to a column and the bottom to a sheet', () => {
    const insets = insetsOf(WIDE, [box(12, 12, 344, 700), box(1084, 12, 344, 876), box(368, 588, 704, 300)]);
    expect(insets).toEqual({ top: 60, right: 384, bottom: 340, left: 384 });
  });

  it('loses a strip at the top to a bar, on a desk and on a phone', () => {
    expect(insetsOf(WIDE, [box(368, 58, 733, 72)])).toEqual({ top: 158, right: 28, bottom: 28, left: 28 });
    expect(insetsOf(PHONE, [box(10, 100, 370, 50)]).top).toBe(122);
  });

  it('keeps a strip above a sheet that covers most of a phone', () => {
    const { top, bottom } = insetsOf(PHONE, [box(0, 200, 390, 644)]);
    expect(788 - top - bottom).toBeGreaterThanOrEqual(120);
  });

  it('does not count what is not drawn', () => {
    expect(insetsOf(WIDE, [box(0, 0, 0, 0)])).toEqual(insetsOf(WIDE, []));
  });
});

describe('a shift into sight', () => {
  const insets = { top: 60, right: 384, bottom: 28, left: 384 };

  it('is none where nothing covers the point', () => {
    expect(shiftIntoSight([700, 400], [1440, 900], insets)).toEqual([0, 0]);
  });

  it('brings a point from under the card into the middle of what is free', () => {
    const [x, y] = shiftIntoSight([1200, 400], [1440, 900], insets);
    expect(1200 - x).toBe(384 + (1440 - 768) / 2);
    expect(y).toBe(0);
  });
});

describe('a shift of a place into sight', () => {
  // A phone with a card over its lower part: what is free is 60 to 260 downwards.
  const insets = { top: 60, right: 28, bottom: 528, left: 28 };
  const size = [390, 788] as const;
  const place = (left: number, top: number, side: number) => box(left, top, side, side);

  it('is none where the whole place is seen', () => {
    expect(shiftPlaceIntoSight(place(160, 150, 60), size, insets)).toEqual([0, 0]);
  });

  it('brings a place from under the card up into the middle of what is free', () => {
    expect(shiftPlaceIntoSight(place(160, 400, 60), size, insets)).toEqual([0, 430 - 160]);
    expect(shiftPlaceIntoSight(place(160, 230, 60), size, insets)).toEqual([0, 260 - 160]);
  });

  it('brings a place from beyond the edge of a smaller screen', () => {
    expect(shiftPlaceIntoSight(place(700, 150, 60), size, insets)).toEqual([730 - 195, 0]);
  });

  it('asks of a place larger than what is free only that it fills half of that', () => {
    expect(shiftPlaceIntoSight(place(-500, 100, 1400), size, insets)).toEqual([0, 0]);
    expect(shiftPlaceIntoSight(place(-500, 250, 1400), size, insets)[1]).toBe(950 - 160);
  });
});
