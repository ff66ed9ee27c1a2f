/** The receipt of a place: what stands behind its numbers, checked as it arrives. */
import type { Api, Result, TableKey } from './api';
import { flag, list, number, optional, fields, record, scalar, table, text } from './decode';
import { decodeAssumption, type Assumption } from './questions';
import { queryOf, type Wire } from './wire';

type ReceiptOf = '/api/{region}/receipts/{collection}/{item}';

export interface Reason {
  readonly code: string;
  readonly title: string;
  readonly text: string;
}

/** Emissions of one source that were worked out in one way. */
export interface ReceiptPart {
  readonly source: string;
  readonly method: string;
  readonly tco2e: number;
  readonly activity: number;
  readonly unit: string;
  readonly factors: readonly string[];
  readonly assumptions: readonly string[];
  /** How many features; null: not told. */
  readonly lines: number | null;
}

export interface ReceiptCarrier {
  readonly carrier: string;
  readonly basis: string;
  readonly title: string;
  /** Null: withheld, or not known. */
  readonly tco2e: number | null;
  readonly parts: readonly ReceiptPart[];
  /** Meters that are told as one sum only. */
  readonly closed: number | null;
  readonly closedFactors: readonly string[];
}

interface ReceiptSector {
  readonly sector: string;
  readonly tco2e: number | null;
  readonly reasons: readonly Reason[];
  readonly carriers: readonly ReceiptCarrier[];
  /** Carriers that are withheld, together. */
  readonly withheld: number | null;
}

/** A published value that activity is multiplied with. */
export interface Factor {
  readonly id: string;
  readonly value: number | null;
  readonly unit: string | null;
  readonly source: string | null;
  readonly period: string | null;
  /** How it was chosen among the values there are. */
  readonly chosen: string | null;
  readonly u95Percent: number | null;
}

interface InputFile {
  readonly file: string;
  /** Null of a file behind a source that is not open, as its digest is. */
  readonly bytes: number | null;
  readonly sha256: string | null;
}

export interface Receipt {
  readonly reasons: readonly Reason[];
  readonly sectors: readonly ReceiptSector[];
  readonly sources: readonly {
    readonly id: string;
    readonly open: boolean;
    readonly files: readonly string[];
  }[];
  readonly factors: readonly Factor[];
  readonly assumptions: readonly Assumption[];
  readonly inputs: readonly InputFile[];
}

function decodeReason(value: unknown, path: string): Reason {
  const given = fields<Wire['ReasonOut']>(value, path);
  return {
    code: given('code', text),
    title: given('title', text),
    text: given('text', text),
  };
}

function decodePart(value: unknown, path: string): ReceiptPart {
  const given = fields<Wire['PartOfCarrier']>(value, path);
  return {
    source: given('source', text),
    method: given('method', text),
    tco2e: given('tco2e', number),
    activity: given('activity', number),
    unit: given('activity_unit', text),
    factors: given('factors', list(text)),
    assumptions: given('assumptions', list(text)),
    lines: given('lines', optional(number)),
  };
}

function decodeCarrier(value: unknown, path: string): ReceiptCarrier {
  const given = fields<Wire['CarrierOut']>(value, path);
  return {
    carrier: given('carrier', text),
    basis: given('basis', text),
    title: given('title', text),
    tco2e: given('tco2e', optional(number)),
    parts: given('parts', list(decodePart)),
    closed: given('closed_tco2e', optional(number)),
    closedFactors: given('closed_factors', list(text)),
  };
}

function decodeSector(value: unknown, path: string): ReceiptSector {
  const given = fields<Wire['SectorReceiptOut']>(value, path);
  return {
    sector: given('sector', text),
    tco2e: given('tco2e', optional(number)),
    reasons: given('reasons', list(decodeReason)),
    carriers: given('carriers', list(decodeCarrier)),
    withheld: given('withheld_tco2e', optional(number)),
  };
}

function decodeFactor(value: unknown, path: string): Factor {
  const given = table(scalarOrNone)(value, path);
  const words = (key: string) => {
    const entry = given[key];
    return typeof entry === 'string' ? entry : null;
  };
  const amount = (key: string) => {
    const entry = given[key];
    return typeof entry === 'number' ? entry : null;
  };
  return {
    id: text(given.id, `${path}.id`),
    value: amount('value'),
    unit: words('unit'),
    source: words('source'),
    period: words('period'),
    chosen: words('chosen'),
    u95Percent: amount('u95_percent'),
  };
}

/** Records of factors have lists too, which this page does not show. */
function scalarOrNone(value: unknown, path: string): ReturnType<typeof scalar> {
  return typeof value === 'object' ? null : scalar(value, path);
}

function decodeReceipt(value: unknown, path: string): Receipt {
  const given = fields<Wire['ReceiptOut']>(value, path);
  return {
    reasons: given('reasons', list(decodeReason)),
    sectors: given('sectors', list(decodeSector)),
    sources: given(
      'sources',
      list((entry, at) => {
        const source = fields<Wire['SourceOut']>(entry, at);
        return {
          id: source('id', text),
          open: source('open', flag),
          files: source('files', list(text)),
        };
      }),
    ),
    factors: given('factors', list(decodeFactor)),
    assumptions: given('assumptions', list(decodeAssumption)),
    inputs: given(
      'inputs',
      list((entry, at) => {
        const file = record<Wire['PublicInput']>(entry, at);
        return {
          file: text(file.file, `${at}.file`),
          bytes: optional(number)(file.bytes, `${at}.bytes`),
          sha256: optional(text)(file.sha256, `${at}.sha256`),
        };
      }),
    ),
  };
}

/** Address of a receipt below `/api/`; `page`: to be read and printed by people. */
export function receiptPath(key: TableKey, id: string, page = false): string {
  const at = encodeURIComponent;
  const query = queryOf<ReceiptOf>({ year: key.year, edition: key.edition, ...(page ? { f: 'html' } : {}) });
  return `${at(key.region)}/receipts/${at(key.collection)}/${at(id)}?${query}`;
}

export function askReceipt(
  api: Api,
  key: TableKey,
  id: string,
  signal: AbortSignal,
): Promise<Result<Receipt>> {
  return api.ask(receiptPath(key, id), decodeReceipt, signal);
}

/** The assumptions that some sectors of a receipt rest on. */
export function assumptionsOf(receipt: Receipt, sectors: readonly string[]): Assumption[] {
  const named = new Set(
    receipt.sectors
      .filter(({ sector }) => sectors.includes(sector))
      .flatMap(({ carriers }) => carriers.flatMap(({ parts }) => parts.flatMap((part) => part.assumptions))),
  );
  return receipt.assumptions.filter(({ id }) => named.has(id));
}
