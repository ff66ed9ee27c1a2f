/** Kinds of measures that the panel has controls for: what is moved, how far, and what a new one begins with. */
import { placesIn, type Measure } from './document';
import type { Catalogue, Parameter } from './questions';

export interface Knob {
  readonly field: string;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly start: number;
  /** share: 0 to 1, told as percent; signed: the same with its sign; number: as it is, in `unit` of the texts. */
  readonly as: 'share' | 'signed' | 'number';
}

const LEVEL: Knob = { field: 'level', low: 0, high: 1, step: 0.01, start: 0.3, as: 'share' };
const level = (start: number): Knob => ({ ...LEVEL, start });

/** By kind, the first being the one that is moved most. A kind without any is moved by a parameter. */
export const KNOBS = {
  growth: [
    { field: 'people', low: 0, high: 0, step: 100, start: 0, as: 'number' },
    { field: 'jobs', low: 0, high: 0, step: 100, start: 0, as: 'number' },
    { field: 'moved_people', low: 0, high: 0.5, step: 0.01, start: 0, as: 'share' },
    { field: 'moved_jobs', low: 0, high: 0.5, step: 0.01, start: 0, as: 'share' },
  ],
  streets: [{ field: 'change', low: -0.5, high: 1, step: 0.05, start: 0.2, as: 'signed' }],
  green_loss: [level(0.1)],
  modal_shift: [level(0.1)],
  freight: [level(0.2)],
  retrofit: [level(0.3)],
  speed: [
    { field: 'after_kmh', low: 10, high: 130, step: 5, start: 40, as: 'number' },
    { field: 'before_kmh', low: 10, high: 130, step: 5, start: 50, as: 'number' },
  ],
  heat_pump: [level(0.3)],
  electric_vehicles: [level(0.3)],
  electricity_factor: [],
  rooftop_pv: [level(0.3)],
  afforestation: [{ field: 'hectares', low: 1, high: 500, step: 1, start: 50, as: 'number' }],
  street_trees: [{ field: 'trees', low: 100, high: 50_000, step: 100, start: 5000, as: 'number' }],
  park: [{ field: 'hectares', low: 1, high: 200, step: 1, start: 20, as: 'number' }],
  car_free_area: [],
  road_closure: [],
  road_speed: [{ field: 'kmh', low: 5, high: 130, step: 5, start: 30, as: 'number' }],
  road_lanes: [{ field: 'lanes', low: -4, high: 4, step: 1, start: 1, as: 'number' }],
  new_road: [{ field: 'kmh', low: 5, high: 130, step: 5, start: 50, as: 'number' }],
  use_change: [level(0.2)],
  transit_stops: [{ field: 'spacing_m', low: 100, high: 2000, step: 50, start: 500, as: 'number' }],
} as const satisfies Record<string, readonly Knob[]>;

export type Kind = keyof typeof KNOBS;

export const FORMS = ['trend', 'compact', 'polycentric', 'sprawl'] as const;
export type Form = (typeof FORMS)[number];

/** A card is a kind of measure; people and jobs that come to one place are growth, too, with a name of their own. */
export type Card = Kind | 'density';

/** Under what heading a card is offered; growth of the whole city has buttons of its own. */
export const GROUPS = {
  buildings: ['retrofit', 'heat_pump', 'rooftop_pv', 'electricity_factor'],
  transport: ['modal_shift', 'electric_vehicles', 'speed', 'freight'],
  forest: ['street_trees', 'park', 'afforestation', 'green_loss'],
  roads: ['car_free_area', 'road_closure', 'road_speed', 'road_lanes', 'new_road'],
  form: ['density', 'use_change', 'streets', 'transit_stops'],
} as const satisfies Record<string, readonly Card[]>;

/** Kinds that hold in the whole region, or where they were drawn, whatever area is chosen. */
const WITHOUT_AREA: readonly string[] = ['electricity_factor', 'new_road', 'transit_stops'];
/** Kinds that may name roads. */
const NAMES_ROADS: readonly string[] = ['road_closure', 'road_speed', 'road_lanes'];
/** Uses that floor area has, told as `use_change` writes them. */
export const USES = ['residential', 'nonresidential'] as const;
const DENSITY = /^density-\d+$/;
/** Kinds whose parameters are asked by vehicle class. */
const VEHICLES = /^ev\.(car|lgv|hgv|bus)$/;
/** Forms of growth that read a parameter; the others read it in any form. */
const READ_IN: Readonly<Record<string, RegExp>> = {
  'forms.nearness': /centric$/,
  'forms.density_quantile': /compact|centric$/,
  'forms.sprawl_quantile': /sprawl/,
};

export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(KNOBS, kind);
}

export function knobsOf(kind: string): readonly Knob[] {
  return isKind(kind) ? KNOBS[kind] : [];
}

export function kindOf(card: Card): Kind {
  return card === 'density' ? 'growth' : card;
}

export function cardOf({ id, kind }: { readonly id: string; readonly kind: string }): Card | null {
  if (kind === 'growth' && DENSITY.test(id)) return 'density';
  return isKind(kind) ? kind : null;
}

export function takesArea(kind: string): boolean {
  return !WITHOUT_AREA.includes(kind);
}

export function namesRoads(kind: string): boolean {
  return NAMES_ROADS.includes(kind);
}

/** What a card has to be told before there is a measure: an area or zones, roads or an area, a line, or stops. */
export function needOf(card: Card): 'area' | 'roads' | 'line' | 'stops' | null {
  if (card === 'new_road') return 'line';
  if (card === 'transit_stops') return 'stops';
  if (card === 'density' || card === 'car_free_area') return 'area';
  return namesRoads(card) ? 'roads' : null;
}

/** A new measure of a card, as it stands before anybody moved anything. */
export function fresh(card: Card, id: string, area: Measure['area']): Measure {
  const kind = kindOf(card);
  return {
    id,
    kind,
    ...Object.fromEntries(knobsOf(kind).map(({ field, start }) => [field, start])),
    ...(card === 'density' ? { form: 'trend' } : {}),
    ...(card === 'use_change' ? { source: USES[1], target: USES[0] } : {}),
    ...(area && takesArea(kind) ? { area } : {}),
  };
}

/** The sliders of a measure: stops that were set one by one have no distance. */
export function movedIn(measure: Measure): readonly Knob[] {
  return measure.kind === 'transit_stops' && placesIn(measure.line).length === 0 ? [] : knobsOf(measure.kind);
}

/** The parameters that a measure asks, as far as its own choices need them. */
export function parametersOf(measure: Measure, catalogue: Catalogue): Parameter[] {
  const asked = catalogue.kinds[measure.kind]?.parameters ?? [];
  const vehicles = Array.isArray(measure.vehicles) ? (measure.vehicles as unknown[]) : ['car'];
  return asked.flatMap((id) => {
    const vehicle = VEHICLES.exec(id)?.[1];
    const found = catalogue.parameters[id];
    const read = READ_IN[id]?.test(String(measure.form)) ?? true;
    return found && read && (vehicle === undefined || vehicles.includes(vehicle)) ? [found] : [];
  });
}

/** The parameters that measures rest on and that hold for the whole scenario, each once. */
export function sharedBy(measures: readonly Measure[], catalogue: Catalogue): Parameter[] {
  const ids = new Set(measures.flatMap(({ kind }) => catalogue.kinds[kind]?.shared ?? []));
  return [...ids].flatMap((id) => catalogue.parameters[id] ?? []);
}

/** Parameters without a value that the reader has to give before the measure can be worked out. */
export function gapsOf(measure: Measure, catalogue: Catalogue, shared: Measure['parameters']): Parameter[] {
  return parametersOf(measure, catalogue).filter(
    ({ id, value }) => value === null && measure.parameters?.[id] === undefined && shared?.[id] === undefined,
  );
}

/** Measures in the order in which the engine applies them. */
export function inOrder(measures: readonly Measure[], catalogue: Catalogue | null): readonly Measure[] {
  if (!catalogue) return measures;
  const place = ({ kind }: Measure) => catalogue.stages.indexOf(catalogue.kinds[kind]?.stage ?? '');
  return measures.toSorted((a, b) => place(a) - place(b));
}

/** People or jobs that come, in steps that read well: about a hundredth of those there are. */
export function roundStep(there: number): number {
  const size = Math.max(there, 1) / 200;
  const scale = 10 ** Math.floor(Math.log10(size));
  return Math.max(1, ([1, 2, 5].find((round) => round * scale >= size) ?? 10) * scale);
}

/** A part of those there are, in such steps. */
export function roundedPart(there: number | null | undefined, part: number): number {
  const step = roundStep(there ?? 0);
  return Math.round(((there ?? 0) * part) / step) * step;
}

/** A knob as wide as the place needs: of growth up to half of who is there; of any as far as the value given. */
export function fitted(knob: Knob, value: number, there: number | null): Knob {
  const step = knob.high === 0 && there !== null ? roundStep(there) : knob.step;
  const high = knob.high === 0 && there !== null ? Math.ceil(there / 2 / step) * step : knob.high;
  return { ...knob, step, low: Math.min(knob.low, value), high: Math.max(high, value, knob.low + step) };
}

export function amountOf(measure: Measure, { field, start }: Knob): number {
  const value = measure[field];
  return typeof value === 'number' ? value : start;
}
