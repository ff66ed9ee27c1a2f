import { describe, expect, it } from 'vitest';
import { toggled } from './drawing';

describe('picking on the map', () => {
  const picking = { by: 'where-next', collection: 'dong', ids: ['1'] };

  it('adds what was not picked, and takes away what was', () => {
    const two = toggled(picking, '2', 200);
    expect(two).toEqual({ ...picking, ids: ['1', '2'] });
    expect(toggled(two, '1', 200).ids).toEqual(['2']);
  });

  it('takes no more than a link holds, but gives back', () => {
    expect(toggled(picking, '2', 1)).toBe(picking);
    expect(toggled(picking, '1', 1).ids).toEqual([]);
  });
});
