/** Which values are marked: those whose interval is wide, or those that rest mostly on models and defaults. */
import type { ExpressionSpecification } from 'maplibre-gl';
import type { Properties } from './api';
import { deviationColumn } from './expressions';
import { Z_90 } from './format';
import type { Mark } from './look';
import { emissionsColumn, type Part, type Sector } from './sectors';
import type { Texts } from './texts/texts';

/** What makes a place doubtful. */
export interface Doubted {
  readonly by: Mark;
  readonly sector: Sector;
  /** Sectors that the sector is the sum of. */
  readonly parts: readonly Part[];
}

/**
 * By interval, a value is doubtful if half its 90 % interval is wider than this part of it. Net is a difference, near
 * zero in many places: there the question is whether it is a source or a sink at all.
 */
function widest(sector: Sector): number {
  return sector === 'net' ? 1 : 0.5;
}

/** By method, it is doubtful if less than this share of all that is emitted and removed is metered or counted. */
const LEAST_METERED = 0.5;

function meteredColumn(part: Part): string {
  return `${part}_metered_share`;
}

/** Columns that tiles must carry for the marks, of those that a collection has. */
export function doubtColumns({ by, sector, parts }: Doubted, columns: readonly string[]): string[] {
  const wanted = [
    emissionsColumn(sector),
    deviationColumn(sector),
    ...(by === 'method' ? parts.flatMap((part) => [emissionsColumn(part), meteredColumn(part)]) : []),
  ];
  return [...new Set(wanted)].filter((column) => columns.includes(column));
}

function isWide(properties: Properties, sector: Sector): boolean {
  const total = properties[emissionsColumn(sector)];
  const sd = properties[deviationColumn(sector)];
  return typeof total === 'number' && typeof sd === 'number' && Z_90 * sd > widest(sector) * Math.abs(total);
}

function isMostlyModelled(properties: Properties, parts: readonly Part[]): boolean {
  const amount = (column: string) => {
    const found = properties[column];
    return typeof found === 'number' ? found : 0;
  };
  let [all, metered] = [0, 0];
  for (const part of parts) {
    const size = Math.abs(amount(emissionsColumn(part)));
    all += size;
    metered += size * amount(meteredColumn(part));
  }
  return all > 0 && metered < LEAST_METERED * all;
}

/** Whether the value of a place is to be marked. */
export function isDoubtful(properties: Properties, { by, sector, parts }: Doubted): boolean {
  return by === 'method' ? isMostlyModelled(properties, parts) : isWide(properties, sector);
}

/** A column's amount; nothing where it is not known. */
function amountOf(column: string): ExpressionSpecification {
  return ['coalesce', ['get', column], 0];
}

/** The same for the map. */
export function doubtful({ by, sector, parts }: Doubted): ExpressionSpecification {
  if (by === 'method') {
    const sizes = parts.map((part): ExpressionSpecification => ['abs', amountOf(emissionsColumn(part))]);
    const metered = parts.map((part, index): ExpressionSpecification => [
      '*',
      sizes[index] ?? 0,
      amountOf(meteredColumn(part)),
    ]);
    const all: ExpressionSpecification = ['+', 0, ...sizes];
    return ['all', ['>', all, 0], ['<', ['+', 0, ...metered], ['*', LEAST_METERED, all]]];
  }
  const total = emissionsColumn(sector);
  const sd = deviationColumn(sector);
  return [
    'all',
    ['has', total],
    ['has', sd],
    ['>', ['*', Z_90, amountOf(sd)], ['*', widest(sector), ['abs', amountOf(total)]]],
  ];
}

/** What a mark on the map means. */
export function doubtLabel({ by, sector }: Pick<Doubted, 'by' | 'sector'>, t: Texts): string {
  if (by === 'method') return t.explore.mostlyModelled;
  return sector === 'net' ? t.explore.doubtfulSign : t.explore.doubtful;
}
