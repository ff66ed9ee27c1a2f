/** What the API tells about an edition as a whole: its files, factors, columns, layers and how to cite it. */
import type { Api, Result } from './api';
import {
  flag,
  list,
  localised,
  number,
  optional,
  fields,
  record,
  table,
  text,
  type Localised,
} from './decode';
import { decodeAssumption, type Assumption } from './questions';
import type { Wire } from './wire';

interface Of {
  readonly region: string;
  readonly edition: string;
}

const pathOf = ({ region, edition }: Of, what: string) =>
  `${encodeURIComponent(region)}/${what}?edition=${encodeURIComponent(edition)}`;

export interface DownloadFile {
  readonly name: string;
  readonly collection: string | null;
  /** Null: made when it is first asked for. */
  readonly bytes: number | null;
  readonly sha256: string | null;
}

export interface Downloads {
  readonly licences: readonly string[];
  /** One line for a list of references. */
  readonly citation: string;
  readonly files: readonly DownloadFile[];
}

export function askDownloads(api: Api, of: Of, signal: AbortSignal): Promise<Result<Downloads>> {
  return api.ask(
    pathOf(of, 'downloads'),
    (value, path) => {
      const given = fields<Wire['Downloads']>(value, path);
      return {
        licences: given('licences', list(text)),
        citation: given('citation', text),
        files: given(
          'files',
          list((entry, where) => {
            const file = fields<Wire['Download']>(entry, where);
            return {
              name: file('name', text),
              collection: file('collection', optional(text)),
              bytes: file('bytes', optional(number)),
              sha256: file('sha256', optional(text)),
            };
          }),
        ),
      };
    },
    signal,
  );
}

export interface Factor {
  readonly id: string;
  readonly activity: string;
  readonly carrier: string | null;
  readonly value: number | null;
  readonly unit: string | null;
  readonly period: string | null;
  readonly source: string | null;
  /** Half the 95 % interval, percent of the value. */
  readonly u95: number | null;
}

interface Foundations {
  readonly factors: readonly Factor[];
  readonly assumptions: readonly Assumption[];
}

export function askFoundations(api: Api, of: Of, signal: AbortSignal): Promise<Result<Foundations>> {
  return api.ask(
    pathOf(of, 'factors'),
    (value, path) => {
      const given = fields<Wire['FactorsOut']>(value, path);
      return {
        factors: given(
          'factors',
          list((entry, where) => {
            const factor = record(entry, where);
            return {
              id: text(factor.id, `${where}.id`),
              activity: text(factor.activity, `${where}.activity`),
              carrier: optional(text)(factor.carrier, `${where}.carrier`),
              value: typeof factor.value === 'number' ? factor.value : null,
              unit: optional(text)(factor.unit, `${where}.unit`),
              period: optional(text)(factor.period, `${where}.period`),
              source: optional(text)(factor.source, `${where}.source`),
              u95: optional(number)(factor.u95_percent, `${where}.u95_percent`),
            };
          }),
        ),
        assumptions: given('assumptions', list(decodeAssumption)),
      };
    },
    signal,
  );
}

interface ColumnMeaning {
  readonly name: string;
  readonly unit: string;
  readonly label: Localised;
  readonly meaning: Localised;
}

export function askColumns(api: Api, of: Of, signal: AbortSignal): Promise<Result<ColumnMeaning[]>> {
  return api.ask(
    pathOf(of, 'columns'),
    (value, path) =>
      list((entry, where) => {
        const column = fields<Wire['ColumnOut']>(entry, where);
        return {
          name: column('name', text),
          unit: column('unit', optional(text)) ?? '',
          label: column('label', localised),
          meaning: column('meaning', localised),
        };
      })(record<Wire['ColumnsOut']>(value, path).columns, `${path}.columns`),
    signal,
  );
}

/** A source as it was read. */
export interface LayerReport {
  readonly id: string;
  readonly sector: string;
  readonly open: boolean;
  /** Whether the source claims to hold everything within its coverage. */
  readonly complete: boolean;
  /** Counts of features by what became of them, as far as they are told. */
  readonly counts: Readonly<Partial<Record<'read' | 'kept' | 'outside' | 'duplicates' | 'refused', number>>>;
}

interface Manifest {
  readonly layers: readonly LayerReport[];
  /** Size and digest of a file behind a source that is not open are not told. */
  readonly inputs: readonly {
    readonly file: string;
    readonly bytes: number | null;
    readonly sha256: string | null;
  }[];
}

const COUNTS = ['read', 'kept', 'outside', 'duplicates', 'refused'] as const;

export function askManifest(api: Api, of: Of, signal: AbortSignal): Promise<Result<Manifest>> {
  return api.ask(
    pathOf(of, 'manifest'),
    (value, path) => {
      const given = fields(value, path);
      return {
        layers: given(
          'layers',
          list((entry, where) => {
            const layer = record(entry, where);
            const report = table((one: unknown) => one)(layer.report ?? {}, `${where}.report`);
            return {
              id: text(layer.id, `${where}.id`),
              sector: text(layer.sector, `${where}.sector`),
              open: flag(layer.open, `${where}.open`),
              complete: flag(layer.complete, `${where}.complete`),
              counts: Object.fromEntries(
                COUNTS.flatMap((name) => (typeof report[name] === 'number' ? [[name, report[name]]] : [])),
              ),
            };
          }),
        ),
        inputs: given(
          'inputs',
          list((entry, where) => {
            const input = fields(entry, where);
            return {
              file: input('file', text),
              bytes: input('bytes', optional(number)),
              sha256: input('sha256', optional(text)),
            };
          }),
        ),
      };
    },
    signal,
  );
}
