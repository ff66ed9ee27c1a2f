/** How the map draws its numbers: the choices beside sector, year and unit, as part of the page's address. */
import { isOneOf } from './sectors';

/** How class breaks are found; `auto`: as suits the values. */
export const BREAKS = ['auto', 'quantile', 'jenks', 'equal', 'ratio'] as const;
export type Breaks = (typeof BREAKS)[number];

/** How places are drawn whose value is doubtful. */
export const DOUBTS = ['hatch', 'fade', 'off'] as const;
export type Doubt = (typeof DOUBTS)[number];

/** What makes a value doubtful: a wide interval, or little of it metered or counted. */
export const MARKS = ['interval', 'method'] as const;
export type Mark = (typeof MARKS)[number];

export const GROUNDS = ['auto', 'light', 'dark'] as const;
type GroundChoice = (typeof GROUNDS)[number];

/** Values from `low` to `high`, in the unit shown; null: open on that side. */
export interface Span {
  readonly low: number | null;
  readonly high: number | null;
}

export interface Look {
  /** One carrier, basis or method of the sector; null: all of it. */
  readonly part: string | null;
  readonly breaks: Breaks;
  readonly doubt: Doubt;
  readonly mark: Mark;
  /** Whether values stand up as columns. */
  readonly tall: boolean;
  /** Of the coloured places, in percent. */
  readonly opacity: number;
  readonly ground: GroundChoice;
  /** Whether the region's base map is drawn, if it has one. */
  readonly base: boolean;
  /** Only places within are drawn in full; null: all. */
  readonly only: Span | null;
}

export const LEAST_OPACITY = 10;

export const DEFAULT_LOOK: Look = {
  part: null,
  breaks: 'auto',
  doubt: 'hatch',
  mark: 'interval',
  tall: false,
  opacity: 85,
  ground: 'auto',
  base: true,
  only: null,
};

const PART = /^[a-z][a-z0-9_]{0,40}$/;

function parseBound(written: string | undefined): number | null {
  if (written === undefined || written === '') return null;
  const value = Number(written);
  return Number.isFinite(value) ? value : null;
}

function parseSpan(written: string | null): Span | null {
  const ends = written?.split('~') ?? [];
  if (ends.length !== 2) return null;
  const [low, high] = [parseBound(ends[0]), parseBound(ends[1])];
  if (low === null && high === null) return null;
  return low !== null && high !== null && low > high ? null : { low, high };
}

/** Read the look from an address's query; what is not understood falls back to its default. */
export function parseLook(query: URLSearchParams): Look {
  const part = query.get('part') ?? '';
  const breaks = query.get('breaks');
  const doubt = query.get('doubt');
  const mark = query.get('mark');
  const ground = query.get('ground');
  const opacity = /^\d{2,3}$/.test(query.get('opacity') ?? '') ? Number(query.get('opacity')) : Number.NaN;
  return {
    part: PART.test(part) ? part : null,
    breaks: isOneOf(BREAKS, breaks) ? breaks : DEFAULT_LOOK.breaks,
    doubt: isOneOf(DOUBTS, doubt) ? doubt : DEFAULT_LOOK.doubt,
    mark: isOneOf(MARKS, mark) ? mark : DEFAULT_LOOK.mark,
    tall: query.get('tall') === '1',
    opacity: opacity >= LEAST_OPACITY && opacity <= 100 ? opacity : DEFAULT_LOOK.opacity,
    ground: isOneOf(GROUNDS, ground) ? ground : DEFAULT_LOOK.ground,
    base: query.get('base') !== '0',
    only: parseSpan(query.get('only')),
  };
}

/** Write into a query what is not at its default. */
export function writeLook(look: Look, query: URLSearchParams): void {
  if (look.part !== null) query.set('part', look.part);
  if (look.breaks !== DEFAULT_LOOK.breaks) query.set('breaks', look.breaks);
  if (look.doubt !== DEFAULT_LOOK.doubt) query.set('doubt', look.doubt);
  if (look.mark !== DEFAULT_LOOK.mark) query.set('mark', look.mark);
  if (look.tall) query.set('tall', '1');
  if (look.opacity !== DEFAULT_LOOK.opacity) query.set('opacity', String(look.opacity));
  if (look.ground !== DEFAULT_LOOK.ground) query.set('ground', look.ground);
  if (!look.base) query.set('base', '0');
  if (look.only) query.set('only', `${look.only.low ?? ''}~${look.only.high ?? ''}`);
}
