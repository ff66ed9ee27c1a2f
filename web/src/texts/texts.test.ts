import { describe, expect, it } from 'vitest';
import { LANGUAGES, type Language } from '../sectors';
import { en } from './en';
import { ko } from './ko';
import { planEn } from './plan_en';
import { planKo } from './plan_ko';
import { planRu } from './plan_ru';
import { planUz } from './plan_uz';
import { marked } from './pseudo';
import { scenarioEn } from './scenario_en';
import { scenarioKo } from './scenario_ko';
import { scenarioRu } from './scenario_ru';
import { scenarioUz } from './scenario_uz';
import { ru } from './ru';
import { uz } from './uz';

/** Every text by its path; functions are called with something that can be found again. */
function plain(value: unknown, path: string, found: Map<string, string>): Map<string, string> {
  if (typeof value === 'string') found.set(path, value);
  else if (typeof value === 'function') {
    const written = value as (...given: string[]) => string;
    found.set(path, written('2001', '2002'));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) plain(entry, `${path}.${key}`, found);
  }
  return found;
}

const PAGE = { en, ko, uz, ru, pseudo: marked(en) } satisfies Record<Language, unknown>;
const SCENARIOS = {
  en: scenarioEn,
  ko: scenarioKo,
  uz: scenarioUz,
  ru: scenarioRu,
  pseudo: marked(scenarioEn),
} satisfies Record<Language, unknown>;

const PLANS = {
  en: planEn,
  ko: planKo,
  uz: planUz,
  ru: planRu,
  pseudo: marked(planEn),
} satisfies Record<Language, unknown>;

/** Those of the page, those that come with the scenario panel, and those of the questions within it. */
function textsOf(language: Language): Map<string, string> {
  const found = plain(PAGE[language], '', new Map<string, string>());
  plain(SCENARIOS[language], '.scenarios', found);
  return plain(PLANS[language], '.plans', found);
}

/** The same as in English on purpose: signs, and words that two languages share. */
const SAME: Readonly<Record<string, RegExp>> = {
  ko: /^(units|cellSize)/,
  uz: /^(sectors|scenarios\.groups)\.transport$/,
  ru: /^$/,
};

describe.each(LANGUAGES)('%s', (language) => {
  it('has the same words as English, none of them empty', () => {
    expect([...textsOf(language).keys()].sort()).toEqual([...textsOf('en').keys()].sort());
    for (const [path, text] of textsOf(language)) expect(text.trim(), path).not.toBe('');
  });

  it('says everything that English says: what is put in comes out', () => {
    for (const [path, english] of textsOf('en')) {
      for (const given of ['2001', '2002']) {
        if (!english.includes(given)) continue;
        expect(textsOf(language).get(path) ?? '', path).toContain(given);
      }
    }
  });
});

describe.each(LANGUAGES.filter((language) => language !== 'en'))('%s is translated', (language) => {
  it('has no sentence left in English', () => {
    for (const [path, english] of textsOf('en')) {
      if (/[A-Za-z]{4}/.test(english) && !SAME[language]?.test(path.slice(1))) {
        expect(textsOf(language).get(path), path).not.toBe(english);
      }
    }
  });

  it('is written in its own letters', () => {
    const letters = { en: /[A-Za-z]/, ko: /[가-힣]/, ru: /[а-яё]/i, uz: /[A-Za-z]/ }[language];
    for (const [path, text] of textsOf(language)) {
      if (/[A-Za-z]{4}/.test(text)) expect(text, path).toMatch(letters);
      // Oʻ and gʻ are written with the turned comma, as the alphabet of 1995 says; never with a quotation or a typewriter's mark.
      if (language === 'uz') expect(text, path).not.toMatch(/[og]'|[‘’`]|[а-яё]/i);
    }
  });
});

it('has a language for tests that marks every text', () => {
  for (const [path, text] of textsOf('pseudo')) {
    expect(text, path).toMatch(/^⟦.*⟧$/s);
  }
});
