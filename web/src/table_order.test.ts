import { describe, expect, it } from 'vitest';
import type { Collection } from './api';
import { nextOrder, orderOf, tableColumns } from './table_order';

const ZONES: Collection = {
  id: 'gu',
  title: {},
  kind: 'zones',
  zoneKind: null,
  parent: null,
  cellSizeM: null,
  years: [2024],
  sectors: [],
  columns: ['id', 'name_en', 'name_ko', 'area_ha', 'net_tco2e', 'buildings_tco2e', 'population'],
  count: 3,
  minzoom: 0,
  maxzoom: 14,
  autoZooms: null,
};
const GRID: Collection = { ...ZONES, kind: 'grid', columns: ['id', 'area_ha', 'net_tco2e'] };

describe('the columns of a table', () => {
  it('are those that the collection has, the name in the language of the reader', () => {
    const names = tableColumns(ZONES, 'ko').map(({ name }) => name);
    expect(names).toEqual(['name_ko', 'net_tco2e', 'buildings_tco2e', 'area_ha', 'population']);
  });

  it('begin with the code where there are no names', () => {
    expect(tableColumns(GRID, 'en').map(({ name }) => name)).toEqual(['id', 'net_tco2e', 'area_ha']);
  });
});

describe('the order of a table', () => {
  const columns = tableColumns(ZONES, 'en');

  it('is the one asked for', () => {
    expect(orderOf('-area_ha', columns)).toBe('-area_ha');
    expect(orderOf('population', columns)).toBe('population');
  });

  it('follows the language of the names', () => {
    expect(orderOf('name_ko', columns)).toBe('name_en');
    expect(orderOf('-id', columns)).toBe('-name_en');
  });

  it('falls back where the table has no such column', () => {
    expect(orderOf('-forest_tco2e', columns)).toBe('-net_tco2e');
  });

  it('turns at the second click, numbers from the largest and names from A', () => {
    const [name, net] = columns;
    if (!name || !net) throw new Error('two columns');
    expect(nextOrder('-area_ha', net)).toBe('-net_tco2e');
    expect(nextOrder('-net_tco2e', net)).toBe('net_tco2e');
    expect(nextOrder('-net_tco2e', name)).toBe('name_en');
    expect(nextOrder('name_en', name)).toBe('-name_en');
  });
});
