/**
 * A language that nobody speaks: every text between brackets and with accents. Whatever on the page is without them was
 * written into the code, or is data; what does not fit will not fit in German either.
 */
const ACCENTS: Readonly<Record<string, string>> = { a: 'å', e: 'é', i: 'ï', o: 'ö', u: 'ü', n: 'ñ', c: 'ç' };
const OPEN = '⟦';
const CLOSE = '⟧';

function accented(text: string): string {
  const strange = text.replaceAll(/[aeiounc]/g, (letter) => ACCENTS[letter] ?? letter);
  return `${OPEN}${strange}${CLOSE}`;
}

function pseudo(value: unknown): unknown {
  if (typeof value === 'string') return accented(value);
  if (typeof value === 'function') {
    const written = value as (...given: unknown[]) => string;
    return (...given: unknown[]) => `${OPEN}${written(...given)}${CLOSE}`;
  }
  if (Array.isArray(value)) return value.map(pseudo);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, pseudo(entry)]));
}

/** Texts in which every one is marked. */
export function marked<T>(texts: T): T {
  return pseudo(texts) as T;
}
