import { createExpression } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, it } from 'vitest';
import type { Properties } from './api';
import { doubtColumns, doubtful, isDoubtful, type Doubted } from './doubt';

/** What the page and the map say of a place, which must be the same. */
function said(place: Properties, doubted: Doubted): boolean {
  const compiled = createExpression(doubtful(doubted), 'layers[0].filter');
  if (compiled.result === 'error') throw new Error(compiled.value.map(({ message }) => message).join());
  const known = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== null));
  const onMap: unknown = compiled.value.evaluate({ zoom: 12 }, { type: 'Polygon', properties: known });
  const onPage = isDoubtful(place, doubted);
  expect(onMap).toBe(onPage);
  return onPage;
}

describe('by interval', () => {
  const forest: Doubted = { by: 'interval', sector: 'forest', parts: ['forest'] };

  it('is what may be off by half, and of net what may be zero', () => {
    const net: Doubted = { by: 'interval', sector: 'net', parts: [] };
    expect(said({ forest_tco2e: -10, forest_sd_tco2e: 1 }, forest)).toBe(false);
    expect(said({ forest_tco2e: -10, forest_sd_tco2e: 4 }, forest)).toBe(true);
    expect(said({ net_tco2e: -10, net_sd_tco2e: 4 }, net)).toBe(false);
    expect(said({ net_tco2e: -10, net_sd_tco2e: 7 }, net)).toBe(true);
  });

  it('is nothing where nothing is known', () => {
    expect(said({}, forest)).toBe(false);
    expect(said({ forest_tco2e: null, forest_sd_tco2e: null }, forest)).toBe(false);
  });
});

describe('by method', () => {
  const buildings: Doubted = { by: 'method', sector: 'buildings', parts: ['buildings'] };
  const net: Doubted = { by: 'method', sector: 'net', parts: ['buildings', 'forest'] };

  it('is what is metered by less than half', () => {
    expect(said({ buildings_tco2e: 8, buildings_metered_share: 0.4 }, buildings)).toBe(true);
    expect(said({ buildings_tco2e: 8, buildings_metered_share: 0.5 }, buildings)).toBe(false);
  });

  it('is nothing where nothing is emitted, known or not', () => {
    expect(said({ buildings_tco2e: 0, buildings_metered_share: null }, buildings)).toBe(false);
    expect(said({ buildings_tco2e: null, buildings_metered_share: null }, buildings)).toBe(false);
  });

  it('of net weighs sectors by their size, removals too', () => {
    const place = { buildings_tco2e: 30, buildings_metered_share: 0.9, forest_metered_share: 0 };
    expect(said({ ...place, forest_tco2e: -20 }, net)).toBe(false);
    expect(said({ ...place, forest_tco2e: -30 }, net)).toBe(true);
  });
});

it('asks tiles for the columns that it needs and that there are', () => {
  const columns = ['net_tco2e', 'net_sd_tco2e', 'buildings_tco2e', 'buildings_metered_share', 'forest_tco2e'];
  const doubted: Doubted = { by: 'method', sector: 'net', parts: ['buildings', 'forest'] };
  expect(doubtColumns(doubted, columns).toSorted()).toEqual(columns.toSorted());
  expect(doubtColumns({ ...doubted, by: 'interval' }, columns)).toEqual(['net_tco2e', 'net_sd_tco2e']);
});
