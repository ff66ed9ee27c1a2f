import { expect, it } from 'vitest';
import { quarter } from './plan_status';

it('says of progress only each quarter, so that not every question of the page is spoken', () => {
  expect([0, 7, 24.9, 25, 60, 99, 100].map(quarter)).toEqual([0, 0, 0, 0.25, 0.5, 0.75, 1]);
});
