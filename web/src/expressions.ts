/** Typed builders of MapLibre's style expressions, and the same arithmetic in TypeScript for what the page reads out. */
import type { ExpressionSpecification } from 'maplibre-gl';
import type { Properties } from './api';
import { indistinct } from './indistinct';
import type { Span } from './look';
import type { Term } from './quantity';
import type { Scale } from './scale';
import { emissionsColumn, type Language, type Sector, type Unit } from './sectors';

/** The column a value is divided by; null for totals. */
const DIVISORS: Readonly<Record<Unit, string | null>> = {
  t: null,
  t_per_ha: 'area_ha',
  t_per_person: 'population',
};

function totalOf(properties: Properties, terms: readonly Term[]): number | null {
  let total = 0;
  for (const { column, share } of terms) {
    const amount = properties[column];
    if (typeof amount !== 'number') return null;
    // What is nothing has no shares: they are null where the value is zero.
    const counted = share === null ? 1 : properties[share];
    total += amount * (typeof counted === 'number' ? counted : 0);
  }
  return total;
}

/** The value of a place in a unit, or null: unknown stays unknown, and nothing is divided by zero. */
export function valueOf(properties: Properties, terms: readonly Term[], unit: Unit): number | null {
  const total = totalOf(properties, terms);
  if (total === null) return null;
  const divisor = DIVISORS[unit];
  if (divisor === null) return total;
  const by = properties[divisor];
  return typeof by === 'number' && by > 0 ? total / by : null;
}

function termValue({ column, share }: Term): ExpressionSpecification {
  return share === null ? ['get', column] : ['*', ['get', column], ['coalesce', ['get', share], 0]];
}

export function value(terms: readonly Term[], unit: Unit): ExpressionSpecification {
  const [first, ...others] = terms.map(termValue);
  const total: ExpressionSpecification =
    first === undefined ? ['literal', 0] : others.length === 0 ? first : ['+', first, ...others];
  const divisor = DIVISORS[unit];
  return divisor === null ? total : ['/', total, ['get', divisor]];
}

/** Whether a place has a value: a null of the table is an absent property in a tile. */
export function known(terms: readonly Term[], unit: Unit): ExpressionSpecification {
  const divisor = DIVISORS[unit];
  return [
    'all',
    ...terms.map(({ column }): ExpressionSpecification => ['has', column]),
    ...(divisor === null
      ? []
      : ([
          ['has', divisor],
          ['>', ['coalesce', ['get', divisor], 0], 0],
        ] satisfies ExpressionSpecification[])),
  ];
}

/** Fill colour of a quantity by its scale, with a colour of its own for what is not known. */
export function fillColour(
  terms: readonly Term[],
  unit: Unit,
  scale: Scale,
  unknown: string,
): ExpressionSpecification {
  return [
    'case',
    ['!', known(terms, unit)],
    unknown,
    ...stepsOf(value(terms, unit), scale, unknown),
  ] as unknown as ExpressionSpecification;
}

/** The end of a `case`: the colour of exactly zero, and of any other amount by its class. */
function stepsOf(amount: ExpressionSpecification, scale: Scale, unknown: string): unknown[] {
  const [first, ...others] = scale.classes;
  const zero = scale.zero ?? first?.colour ?? unknown;
  if (!first) return [zero];
  const steps: ExpressionSpecification | string =
    others.length === 0
      ? first.colour
      : // The style specification types a step's stops as a tuple of pairs, which a spread cannot show.
        ([
          'step',
          amount,
          first.colour,
          ...others.flatMap(({ from, colour }) => [from ?? 0, colour]),
        ] as unknown as ExpressionSpecification);
  return [['==', amount, 0], zero, steps];
}

/** The column of a sector's standard deviations. */
export function deviationColumn(sector: Sector): string {
  return `${sector}_sd_tco2e`;
}

/** Whether a value lies in a span, its ends included. */
export function isWithin(amount: number | null, { low, high }: Span): boolean {
  return amount !== null && (low === null || amount >= low) && (high === null || amount <= high);
}

/** The same for the map. */
export function within(terms: readonly Term[], unit: Unit, { low, high }: Span): ExpressionSpecification {
  const amount = value(terms, unit);
  return [
    'all',
    known(terms, unit),
    ...(low === null ? [] : [['>=', amount, low] satisfies ExpressionSpecification]),
    ...(high === null ? [] : [['<=', amount, high] satisfies ExpressionSpecification]),
  ];
}

const BEFORE: ExpressionSpecification = ['number', ['feature-state', 'before'], 0];

function comparable(terms: readonly Term[], unit: Unit): ExpressionSpecification {
  return ['all', known(terms, unit), ['==', ['typeof', ['feature-state', 'before']], 'number']];
}

/** Fill colour of what a value has changed by since the state `before` (`before_on_map.ts`). */
export function differenceColour(
  terms: readonly Term[],
  unit: Unit,
  scale: Scale,
  unknown: string,
): ExpressionSpecification {
  const change: ExpressionSpecification = ['-', value(terms, unit), BEFORE];
  return [
    'case',
    ['!', comparable(terms, unit)],
    unknown,
    ...stepsOf(change, scale, unknown),
  ] as unknown as ExpressionSpecification;
}

/** Whether a sector's total cannot be told from the one taken off. */
function overlapping(sector: Sector): ExpressionSpecification {
  const deviation = deviationColumn(sector);
  return indistinct(
    {
      value: ['coalesce', ['get', emissionsColumn(sector)], 0],
      sd: ['coalesce', ['get', deviation], 0],
      known: ['has', deviation],
    },
    {
      value: ['number', ['feature-state', 'total'], 0],
      sd: ['number', ['feature-state', 'sd'], 0],
      known: ['==', ['typeof', ['feature-state', 'sd']], 'number'],
    },
  );
}

/** Strength of the marks: 1 where there is a change that cannot be told from chance, else 0. A filter knows no states. */
export function indistinctMark(terms: readonly Term[], unit: Unit, sector: Sector): ExpressionSpecification {
  return [
    'case',
    ['all', comparable(terms, unit), ['!=', value(terms, unit), BEFORE], overlapping(sector)],
    1,
    0,
  ];
}

/** Weak where a change cannot be told from chance, if it is to be; thin where nothing changed. */
export function differenceOpacity(
  terms: readonly Term[],
  unit: Unit,
  { full, zero }: Strengths,
  /** Null: the quantity has no intervals, or they are not to be told by strength. */
  doubt: { readonly sector: Sector; readonly part: number } | null,
): ExpressionSpecification {
  return [
    'case',
    ['!', comparable(terms, unit)],
    full,
    ['==', value(terms, unit), BEFORE],
    zero,
    ...(doubt === null ? [] : [overlapping(doubt.sector), full * doubt.part]),
    full,
  ] as unknown as ExpressionSpecification;
}

/** How strongly places are drawn. */
export interface Strengths {
  /** Where something is known that is not zero, and where nothing is known. */
  readonly full: number;
  /** Zero is drawn thin, so that the ground can be seen where nothing is emitted or removed. */
  readonly zero: number;
  /** Of the full strength, where a value is doubtful; null: as any other. */
  readonly doubt: { readonly where: ExpressionSpecification; readonly part: number } | null;
  /** Places outside are only just seen. */
  readonly only: Span | null;
}

const OUTSIDE = 0.07;

export function fillOpacity(
  terms: readonly Term[],
  unit: Unit,
  { full, zero, doubt, only }: Strengths,
): ExpressionSpecification {
  // Typed by hand: a spread of pairs into `case` is beyond the specification's types.
  return [
    'case',
    ...(only === null ? [] : [['!', within(terms, unit, only)], OUTSIDE]),
    ['!', known(terms, unit)],
    full,
    ['==', value(terms, unit), 0],
    zero,
    ...(doubt === null ? [] : [doubt.where, full * doubt.part]),
    full,
  ] as unknown as ExpressionSpecification;
}

/** Height of a place's column, m: by magnitude, at most twice `tallest` where a value exceeds `largest`. */
export function columnHeight(
  terms: readonly Term[],
  unit: Unit,
  largest: number,
  tallest: number,
): ExpressionSpecification {
  return [
    'case',
    known(terms, unit),
    ['*', tallest, ['min', 2, ['/', ['abs', value(terms, unit)], largest]]],
    0,
  ];
}

/** A place's name in the reader's language, else as it is written there. */
export function nameIn(language: Language): ExpressionSpecification {
  return ['coalesce', ['get', `name_${language}`], ['get', 'name'], ['get', 'name_en'], ''];
}

/** A number that grows with the zoom between two stops, exponentially like the map itself. */
export function growing(
  fromZoom: number,
  small: number,
  toZoom: number,
  large: number,
): ExpressionSpecification {
  return ['interpolate', ['exponential', 1.6], ['zoom'], fromZoom, small, toZoom, large];
}
