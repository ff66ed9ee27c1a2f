/** Numbers, years and names in the reader's language. */
import type { Properties } from './api';
import type { Localised } from './decode';
import type { Language } from './sectors';

const LOCALES: Readonly<Record<Language, string>> = {
  en: 'en-GB',
  ko: 'ko-KR',
  uz: 'uz-Latn-UZ',
  ru: 'ru-RU',
  pseudo: 'en-GB',
};

/** z of a two-sided 90 % interval. */
export const Z_90 = 1.645;

function formatter(language: Language, options: Intl.NumberFormatOptions): (value: number) => string {
  const format = new Intl.NumberFormat(LOCALES[language], options);
  // A true minus sign: the hyphen that Intl writes is lost beside a dash of a range.
  return (value) => format.format(Object.is(value, -0) ? 0 : value).replaceAll('-', '−');
}

export interface Numbers {
  /** An emission: three significant digits, zeros too, since more would claim what the methods do not know. */
  amount(value: number): string;
  /** A break of a legend: as it is, up to six digits. */
  exact(value: number): string;
  /** A share of 0 to 1. */
  percent(share: number): string;
  count(value: number): string;
  area(hectares: number): string;
  /** Where room is scarce; a tick of an axis as the longest of its ticks, `among`, is written. */
  short(value: number, among?: number): string;
  /** A difference, with its sign. */
  signed(value: number): string;
  /** A relative change, with its sign. */
  signedPercent(share: number): string;
}

export function numbersIn(language: Language): Numbers {
  const small = formatter(language, { maximumSignificantDigits: 3 });
  const three = formatter(language, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
  const exact = formatter(language, { maximumSignificantDigits: 6 });
  const percent = formatter(language, { style: 'percent', maximumFractionDigits: 0 });
  const finePercent = formatter(language, { style: 'percent', maximumFractionDigits: 1 });
  const count = formatter(language, { maximumFractionDigits: 0 });
  const compact = formatter(language, {
    notation: 'compact',
    maximumSignificantDigits: 3,
    useGrouping: true,
  });
  return {
    // Beside 16.6 stands 19.0, not 19; what is a whole number stays one.
    amount: (value) => (Number.isInteger(value) ? small(value) : three(value)),
    exact,
    // Between 0 and 1 %, or between 99 and 100 %, rounding would claim nothing or everything.
    percent: (share) =>
      (share > 0 && share < 0.01) || (share > 0.99 && share < 1) ? finePercent(share) : percent(share),
    count,
    area: (hectares) => (hectares < 100 ? small(hectares) : count(hectares)),
    short: (value, among = value) => (Math.abs(among) >= 100_000 ? compact(value) : small(value)),
    signed: formatter(language, { maximumSignificantDigits: 3, signDisplay: 'exceptZero' }),
    signedPercent: formatter(language, {
      style: 'percent',
      maximumFractionDigits: 1,
      signDisplay: 'exceptZero',
    }),
  };
}

/** A unit of the API as it is written: `m2` is m². */
export function unitText(unit: string): string {
  return unit.replaceAll('m2', 'm²').replaceAll('CO2', 'CO₂');
}

/** Text in a language, else English, else the first there is. */
export function textIn(names: Localised, language: Language): string {
  return names[language] ?? names.en ?? Object.values(names)[0] ?? '';
}

/** Name of a zone from its properties, else its id. */
export function nameOf(properties: Properties, id: string, language: Language): string {
  for (const key of [
    `name_${language}`,
    'name_en',
    'name',
    ...Object.keys(properties).filter((k) => k.startsWith('name_')),
  ]) {
    const name = properties[key];
    if (typeof name === 'string' && name !== '') return name;
  }
  return id;
}

/** Bounds of the 90 % interval of a value with standard deviation `sd`, in the value's own unit. */
export function interval90(value: number, sd: number): readonly [low: number, high: number] {
  return [value - Z_90 * sd, value + Z_90 * sd];
}

/** The day by the reader's own clock, `2026-03-09`. */
export function localDay(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
