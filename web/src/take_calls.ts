/** The questions to the API that give what is in view: as an address, for a shell and for Python. */
import type { Collection } from './api';
import type { BBox } from './decode';
import { deviationColumn } from './expressions';
import { columnsOf, type Term } from './quantity';
import type { Sector } from './sectors';

/** Rows that one answer holds at most. */
export const MOST_ROWS = 10_000;

export interface Wanted {
  readonly region: string;
  readonly edition: string;
  readonly collection: Collection;
  readonly year: number;
  readonly sector: Sector;
  readonly terms: readonly Term[];
  /** What places must meet; null: all of the collection. */
  readonly bbox: BBox | null;
}

export type Form = 'csv' | 'geojson';

/** Columns that say what is shown, of whom, and how sure it is. */
export function columnsFor({ collection, sector, terms }: Wanted): string[] {
  const names = collection.columns.filter((name) => name.startsWith('name_'));
  const about = ['area_ha', 'population', 'held', ...columnsOf(terms), deviationColumn(sector)];
  return [...new Set([...names, ...about])].filter((name) => collection.columns.includes(name));
}

/** The path of the items in view, below `/api/`. */
export function itemsPath(wanted: Wanted, form: Form): string {
  const { region, edition, collection, year, bbox } = wanted;
  const query = [
    `edition=${encodeURIComponent(edition)}`,
    `year=${year}`,
    // Five decimals of a degree are about a metre.
    ...(bbox ? [`bbox=${bbox.map((degree) => degree.toFixed(5)).join(',')}`] : []),
    `properties=${columnsFor(wanted).map(encodeURIComponent).join(',')}`,
    `limit=${MOST_ROWS}`,
    `f=${form}`,
  ];
  return `${encodeURIComponent(region)}/collections/${encodeURIComponent(collection.id)}/items?${query.join('&')}`;
}

/** A line for a shell. Addresses of ours hold no quote: the parts are escaped. */
export function curlLine(address: string, file: string): string {
  return `curl --fail --compressed --output '${file}' '${address}'`;
}

/** A few lines of Python that give a GeoDataFrame. */
export function pythonLines(address: string): string {
  return `import geopandas\n\nplaces = geopandas.read_file("${address}")`;
}
