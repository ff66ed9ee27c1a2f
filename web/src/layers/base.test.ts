import { expect, it } from 'vitest';
import { baseLayer, baseSource } from './base';

const BASE = {
  tiles: 'https://tiles.example/{z}/{x}/{y}.png',
  darkTiles: null,
  attribution: { text: 'Example', licence: null, url: null, texts: {} },
  maxzoom: 17,
  tileSize: 256,
};
const ORIGIN = 'https://map.example';

it('asks the server that the region chose, or the one that the page is from', () => {
  expect(baseSource(BASE, 'light', ORIGIN).tiles).toEqual([BASE.tiles]);
  const own = { ...BASE, tiles: '/below/{z}/{x}/{y}.png' };
  expect(baseSource(own, 'light', ORIGIN).tiles).toEqual(['https://map.example/below/{z}/{x}/{y}.png']);
});

it('takes pictures for the dark where there are any, and dims the others', () => {
  const both = { ...BASE, darkTiles: 'https://tiles.example/dark/{z}/{x}/{y}.png' };
  expect(baseSource(both, 'dark', ORIGIN).tiles).toEqual([both.darkTiles]);
  expect(baseLayer(both, 'dark').paint).not.toHaveProperty('raster-brightness-max');
  expect(baseSource(BASE, 'dark', ORIGIN).tiles).toEqual([BASE.tiles]);
  expect(baseLayer(BASE, 'dark').paint).toHaveProperty('raster-brightness-max');
});
