/** What the table shows of a collection, and in which order. */
import type { Collection } from './api';
import { emissionsColumn, SECTORS, type Language, type Sector } from './sectors';

export interface Column {
  readonly name: string;
  readonly kind: 'name' | 'emissions' | 'area' | 'people';
  readonly sector: Sector | null;
}

/** Columns of the table, those that the collection has. */
export function tableColumns(collection: Collection, language: Language): Column[] {
  const named = [`name_${language}`, 'name_en'].find((name) => collection.columns.includes(name)) ?? 'id';
  const wanted: Column[] = [
    { name: named, kind: 'name', sector: null },
    ...SECTORS.map((sector) => ({ name: emissionsColumn(sector), kind: 'emissions' as const, sector })),
    { name: 'area_ha', kind: 'area', sector: null },
    { name: 'population', kind: 'people', sector: null },
  ];
  return wanted.filter(({ name }) => name === 'id' || collection.columns.includes(name));
}

/** The order to ask for: the one in the address if the table has that column, else by net, else by name. */
export function orderOf(asked: string, columns: readonly Column[]): string {
  const plain = asked.replace(/^-/, '');
  if (columns.some(({ name }) => name === plain)) return asked;
  // The name column is called otherwise in another language.
  const [first] = columns;
  if (first && /^(name_|id$)/.test(plain)) return asked.startsWith('-') ? `-${first.name}` : first.name;
  const net = columns.find(({ kind }) => kind === 'emissions');
  return net ? `-${net.name}` : (first?.name ?? 'id');
}

/** The order after a click on a column's head: numbers fall first, names rise first. */
export function nextOrder(order: string, { name, kind }: Column): string {
  if (order === `-${name}`) return name;
  if (order === name) return `-${name}`;
  return kind === 'name' ? name : `-${name}`;
}
