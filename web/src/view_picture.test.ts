import { expect, it } from 'vitest';
import { localDay } from './format';
import { markRows } from './view_picture';

const perLetter = (text: string) => text.length * 6;

it('sets marks beside each other where there is room, and each in rows of its own where there is none', () => {
  const marks = ['Synthetic data: nothing here is real', 'Illustrative: rests on assumptions'];
  const wide = markRows(marks, 1000, perLetter);
  expect(wide.map((row) => row.map(({ text }) => text))).toEqual([marks]);
  for (const width of [120, 180, 250, 390]) {
    const rows = markRows(marks, width, perLetter);
    expect(rows.length).toBeGreaterThan(1);
    const pieces = rows.flat();
    expect(pieces.map(({ text }) => text).join(' ')).toBe(marks.join(' '));
    for (const row of rows) {
      row.forEach((piece, index) => {
        const before = row[index - 1];
        expect(piece.x).toBeGreaterThanOrEqual(before ? before.x + before.width : 0);
        expect(piece.x + piece.width).toBeLessThanOrEqual(width);
      });
    }
  }
  expect(markRows([], 300, perLetter)).toEqual([]);
});

it('says the day by the clock on the wall', () => {
  expect(localDay(new Date(2026, 2, 9, 0, 30))).toBe('2026-03-09');
  expect(localDay(new Date(2026, 10, 30, 23, 30))).toBe('2026-11-30');
});
