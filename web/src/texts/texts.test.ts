import { expect, it } from 'vitest';
import { TEXTS } from './texts';

function plain(value: unknown, path: string, found: Map<string, string>): Map<string, string> {
  if (typeof value === 'string') found.set(path, value);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) plain(entry, `${path}.${key}`, found);
  }
  return found;
}

it('has the same words in every language, none of them empty', () => {
  const en = plain(TEXTS.en, '', new Map());
  const ko = plain(TEXTS.ko, '', new Map());
  expect([...ko.keys()].sort()).toEqual([...en.keys()].sort());
  for (const words of [en, ko]) for (const [path, text] of words) expect(text.trim(), path).not.toBe('');
});

it('is translated: Korean sentences hold Hangul', () => {
  for (const [path, text] of plain(TEXTS.ko, '', new Map())) {
    if (/[A-Za-z]{4}/.test(text)) expect(text, path).toMatch(/[가-힣]|tCO₂e/);
  }
});
