import type { Language } from '../sectors';
import { en, type Texts } from './en';
import { marked } from './pseudo';
import { spokenIn } from './spoken';

export type { Texts };

/** What languages call themselves, in full and in short. */
export const LANGUAGE_NAMES: Readonly<Record<Exclude<Language, 'pseudo'>, readonly [string, string]>> = {
  en: ['English', 'EN'],
  ko: ['한국어', '한'],
  uz: ['Oʻzbekcha', 'UZ'],
  ru: ['Русский', 'RU'],
};

/** Texts of the page. */
export const pageTexts = spokenIn<Texts>({
  en: () => Promise.resolve(en),
  ko: async () => (await import('./ko')).ko,
  uz: async () => (await import('./uz')).uz,
  ru: async () => (await import('./ru')).ru,
  pseudo: () => Promise.resolve(marked(en)),
});

/** Every text of a language; those read last while it is on its way, and English at first. */
export function textsIn(language: Language): Texts {
  return pageTexts.in(language) ?? en;
}
