import { describe, expect, it } from 'vitest';
import type { Collection } from './api';
import { mapZones, reportGrid, reportZones, wholeZones } from './report_choice';

const zones = (id: string, count: number, zoneKind = 'administrative'): Collection => ({
  id,
  title: { en: id },
  kind: 'zones',
  zoneKind,
  parent: null,
  cellSizeM: null,
  years: [2023],
  sectors: ['buildings'],
  columns: ['id'],
  count,
  minzoom: 0,
  maxzoom: 14,
  autoZooms: null,
});
const grid = (cellSizeM: number): Collection => ({
  ...zones(`grid-${cellSizeM}`, 1000),
  kind: 'grid',
  zoneKind: null,
  cellSizeM,
});

describe('a report', () => {
  it('speaks of the finest administrative zones that fit a table', () => {
    const all = [zones('city', 1), zones('district', 25), zones('dong', 180), zones('use', 12, 'land_use')];
    expect(reportZones(all, 'auto')?.id).toBe('district');
    expect(reportZones([zones('dong', 180), zones('city', 1)], 'auto')?.id).toBe('city');
    expect(reportZones([zones('use', 12, 'land_use')], 'auto')?.id).toBe('use');
  });

  it('speaks of the zones that the link asks for, if they can be added up', () => {
    const all = [zones('district', 25), zones('dong', 180), zones('block', 9000)];
    expect(reportZones(all, 'dong')?.id).toBe('dong');
    expect(reportZones(all, 'block')?.id).toBe('district');
    expect(reportZones([grid(100), zones('block', 9000)], 'auto')).toBeNull();
  });

  it('adds up the fewest zones there are', () => {
    const all = [
      zones('dong', 180),
      zones('district', 25),
      zones('use', 3, 'land_use'),
      zones('block', 9000),
    ];
    expect(wholeZones(all)?.id).toBe('district');
    expect(wholeZones([grid(100)])).toBeNull();
  });

  it('draws the finest administrative zones that fit a small map', () => {
    const all = [zones('city', 1), zones('dong', 180), zones('use', 190, 'land_use'), zones('block', 9000)];
    expect(mapZones(all)?.id).toBe('dong');
    expect(mapZones([grid(500), zones('use', 12, 'land_use')])?.id).toBe('use');
    expect(mapZones([grid(100), zones('block', 9000)])).toBeNull();
  });

  it('names hot spots in cells of a neighbourhood', () => {
    expect(reportGrid([grid(1000), grid(500), grid(100)])?.cellSizeM).toBe(500);
    expect(reportGrid([grid(100), grid(1000)])?.cellSizeM).toBe(1000);
    expect(reportGrid([zones('district', 25)])).toBeNull();
  });
});
