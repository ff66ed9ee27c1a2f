import { describe, expect, it } from 'vitest';
import type { Collection } from './api';
import { columnsFor, curlLine, itemsPath, pythonLines, type Wanted } from './take_calls';
import { barLength } from './scale_bar';
import { brokenText } from './view_picture';

const collection: Collection = {
  id: 'sigungu',
  title: { en: 'District' },
  kind: 'zones',
  zoneKind: 'administrative',
  parent: null,
  cellSizeM: null,
  years: [2023],
  sectors: ['buildings'],
  columns: ['id', 'name_en', 'area_ha', 'held', 'net_tco2e', 'buildings_tco2e', 'buildings_sd_tco2e'],
  count: 3,
  minzoom: 0,
  maxzoom: 14,
  autoZooms: null,
};
const wanted: Wanted = {
  region: 'a b',
  edition: '3f2e18ab7a0594e6',
  collection,
  year: 2023,
  sector: 'buildings',
  terms: [{ column: 'buildings_tco2e', share: null }],
  bbox: [127.0480481, 37.1, 127.2, 37.3],
};

describe('the data in view', () => {
  it('has the columns of what is shown that the collection has, each once', () => {
    expect(columnsFor(wanted)).toEqual([
      'name_en',
      'area_ha',
      'held',
      'buildings_tco2e',
      'buildings_sd_tco2e',
    ]);
  });

  it('is asked of one edition, one year and one box', () => {
    const url = new URL(itemsPath(wanted, 'csv'), 'http://host/api/');
    expect(url.pathname).toBe('/api/a%20b/collections/sigungu/items');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      edition: '3f2e18ab7a0594e6',
      year: '2023',
      bbox: '127.04805,37.10000,127.20000,37.30000',
      properties: 'name_en,area_ha,held,buildings_tco2e,buildings_sd_tco2e',
      limit: '10000',
      f: 'csv',
    });
    expect(itemsPath({ ...wanted, bbox: null }, 'geojson')).not.toContain('bbox');
  });

  it('can be asked from a shell and from Python', () => {
    expect(curlLine('http://host/x?a=1&b=2', 'x.csv')).toBe(
      "curl --fail --compressed --output 'x.csv' 'http://host/x?a=1&b=2'",
    );
    expect(pythonLines('http://host/x')).toContain('read_file("http://host/x")');
  });
});

describe('the picture of a view', () => {
  it('has a scale bar of a round length that fits', () => {
    expect(barLength(10, 130)).toBe(1000);
    expect(barLength(3.7, 130)).toBe(200);
    expect(barLength(0.5, 130)).toBe(50);
  });

  it('breaks lines where they are too long, words too if they must be', () => {
    const measure = (text: string) => text.length;
    expect(brokenText('one two three', 7, measure)).toEqual(['one two', 'three']);
    expect(brokenText('abcdefghij k', 4, measure)).toEqual(['abcd', 'efgh', 'ij k']);
    expect(brokenText('', 4, measure)).toEqual([]);
  });
});
