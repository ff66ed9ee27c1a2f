/** Typed builders of MapLibre's style expressions, and the same arithmetic in TypeScript for what the page reads out. */
import type { ExpressionSpecification } from 'maplibre-gl';
import type { Properties } from './api';
import type { Scale } from './scale';
import { emissionsColumn, type Language, type Sector, type Unit } from './sectors';

/** The column a value is divided by; null for totals. */
const DIVISORS: Readonly<Record<Unit, string | null>> = {
  t: null,
  t_per_ha: 'area_ha',
  t_per_person: 'population',
};

/** The value of a place in a unit, or null: unknown stays unknown, and nothing is divided by zero. */
export function valueOf(properties: Properties, column: string, unit: Unit): number | null {
  const total = properties[column];
  if (typeof total !== 'number') return null;
  const divisor = DIVISORS[unit];
  if (divisor === null) return total;
  const by = properties[divisor];
  return typeof by === 'number' && by > 0 ? total / by : null;
}

export function value(column: string, unit: Unit): ExpressionSpecification {
  const divisor = DIVISORS[unit];
  return divisor === null ? ['get', column] : ['/', ['get', column], ['get', divisor]];
}

/** Whether a place has a value: a null of the table is an absent property in a tile. */
export function known(column: string, unit: Unit): ExpressionSpecification {
  const divisor = DIVISORS[unit];
  if (divisor === null) return ['has', column];
  return ['all', ['has', column], ['has', divisor], ['>', ['coalesce', ['get', divisor], 0], 0]];
}

/** Fill colour of a sector by its scale, with a colour of its own for what is not known. */
export function fillColour(
  sector: Sector,
  unit: Unit,
  scale: Scale,
  unknown: string,
): ExpressionSpecification {
  const column = emissionsColumn(sector);
  const [first, ...others] = scale.classes;
  const zero = scale.zero ?? first?.colour ?? unknown;
  if (!first) return ['case', known(column, unit), zero, unknown];
  const amount = value(column, unit);
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
  return ['case', ['!', known(column, unit)], unknown, ['==', amount, 0], zero, steps];
}

/** Zero is drawn thin, so that the ground can be seen where nothing is emitted or removed. */
export function fillOpacity(sector: Sector, unit: Unit, full: number, thin: number): ExpressionSpecification {
  const column = emissionsColumn(sector);
  return ['case', ['!', known(column, unit)], full, ['==', value(column, unit), 0], thin, full];
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
