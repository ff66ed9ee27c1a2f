import { signal } from '@preact/signals';
import { expect, it } from 'vitest';
import type { Model } from './model';
import { press } from './shortcuts';
import { DEFAULT_VIEW, type View } from './state';

/** As much of a model as keys touch. */
function start(change: Partial<View> = {}) {
  const view = signal<View>({ ...DEFAULT_VIEW, ...change });
  const areas: string[] = [];
  const grid = (id: string, cellSizeM: number) => ({ id, cellSizeM, kind: 'grid' });
  const parts = {
    view,
    playing: signal(true),
    goal: signal<unknown>(null),
    region: signal({ years: [2020, 2021, 2022], bbox: [1, 2, 3, 4] }),
    year: signal(2021),
    units: signal(['t_per_ha', 't']),
    unit: signal('t'),
    ground: signal('light'),
    active: signal({ ...grid('grid-500m', 500), sectors: ['buildings'] }),
    collections: signal({ state: 'ready', value: [grid('grid-500m', 500), grid('grid-1km', 1000)] }),
    update(next: Partial<View>) {
      view.value = { ...view.value, ...next };
    },
    chooseArea: (area: string) => areas.push(area),
  };
  return { ...parts, areas, model: parts as unknown as Model };
}

it('leads to the choice that the sheet names', () => {
  const { model, view, areas, playing, goal } = start();
  expect(press(model, ']')).toBe(true);
  expect(view.value.year).toBe(2022);
  expect(playing.value).toBe(false);
  for (const key of ['2', 'u', 'd', 'C', 'l', 'r', '<']) expect(press(model, key), key).toBe(true);
  expect(view.value).toMatchObject({
    sector: 'buildings',
    unit: 't_per_ha',
    doubt: 'fade',
    tall: true,
    ground: 'dark',
  });
  expect(areas).toEqual(['grid-1km']);
  expect(goal.value).toEqual([1, 2, 3, 4]);
});

it('leaves alone what it does not know, and sectors that are not there', () => {
  const { model, view } = start();
  for (const key of ['4', '7', '0', 'Enter', 'Tab', 'ArrowLeft', '/', 'z']) {
    expect(press(model, key), key).toBe(false);
  }
  expect(view.value).toEqual(DEFAULT_VIEW);
});

it('finds its way back to automatic beyond the finest grid', () => {
  const { model, areas, active } = start();
  active.value = { ...active.value, id: 'grid-1km' };
  press(model, '>');
  active.value = { ...active.value, id: 'grid-500m' };
  press(model, '>');
  expect(areas).toEqual(['grid-500m', 'auto']);
});
