/** The receipt of a place: what stands behind its numbers, checked as it arrives. */
import type { Api, Result, TableKey } from './api';
import { flag, list, number, optional, record, scalar, table, text } from './decode';
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
  const given = record<Wire['ReasonOut']>(value, path);
  return {
    code: text(given.code, `${path}.code`),
    title: text(given.title, `${path}.title`),
    text: text(given.text, `${path}.text`),
  };
}

function decodePart(value: unknown, path: string): ReceiptPart {
  const given = record<Wire['PartOfCarrier']>(value, path);
  return {
    source: text(given.source, `${path}.source`),
    method: text(given.method, `${path}.method`),
    tco2e: number(given.tco2e, `${path}.tco2e`),
    activity: number(given.activity, `${path}.activity`),
    unit: text(given.activity_unit, `${path}.activity_unit`),
    factors: list(text)(given.factors, `${path}.factors`),
    assumptions: list(text)(given.assumptions, `${path}.assumptions`),
    lines: optional(number)(given.lines, `${path}.lines`),
  };
}

function decodeCarrier(value: unknown, path: string): ReceiptCarrier {
  const given = record<Wire['CarrierOut']>(value, path);
  return {
    carrier: text(given.carrier, `${path}.carrier`),
    basis: text(given.basis, `${path}.basis`),
    title: text(given.title, `${path}.title`),
    tco2e: optional(number)(given.tco2e, `${path}.tco2e`),
    parts: list(decodePart)(given.parts, `${path}.parts`),
    closed: optional(number)(given.closed_tco2e, `${path}.closed_tco2e`),
    closedFactors: list(text)(given.closed_factors, `${path}.closed_factors`),
  };
}

function decodeSector(value: unknown, path: string): ReceiptSector {
  const given = record<Wire['SectorReceiptOut']>(value, path);
  return {
    sector: text(given.sector, `${path}.sector`),
    tco2e: optional(number)(given.tco2e, `${path}.tco2e`),
    reasons: list(decodeReason)(given.reasons, `${path}.reasons`),
    carriers: list(decodeCarrier)(given.carriers, `${path}.carriers`),
    withheld: optional(number)(given.withheld_tco2e, `${path}.withheld_tco2e`),
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
  const given = record<Wire['ReceiptOut']>(value, path);
  return {
    reasons: list(decodeReason)(given.reasons, `${path}.reasons`),
    sectors: list(decodeSector)(given.sectors, `${path}.sectors`),
    sources: list((entry, at) => {
      const source = record<Wire['SourceOut']>(entry, at);
      return {
        id: text(source.id, `${at}.id`),
        open: flag(source.open, `${at}.open`),
        files: list(text)(source.files, `${at}.files`),
      };
    })(given.sources, `${path}.sources`),
    factors: list(decodeFactor)(given.factors, `${path}.factors`),
    assumptions: list(decodeAssumption)(given.assumptions, `${path}.assumptions`),
    inputs: list((entry, at) => {
      const file = record<Wire['PublicInput']>(entry, at);
      return {
        file: text(file.file, `${at}.file`),
        bytes: optional(number)(file.bytes, `${at}.bytes`),
        sha256: optional(text)(file.sha256, `${at}.sha256`),
      };
    })(given.inputs, `${path}.inputs`),
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
