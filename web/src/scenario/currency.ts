/** In which money a region counts: told by the language that its names are first in; else the reader is asked. */
const OF_LANGUAGE: Readonly<Record<string, string>> = { ko: 'KRW', uz: 'UZS' };

export function currencyOf(region: { readonly languages: readonly string[] } | null): string {
  return OF_LANGUAGE[region?.languages[0] ?? ''] ?? '';
}
