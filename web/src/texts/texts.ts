import type { Language } from '../sectors';
import type { Texts } from './en';
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
  en: async () => (await import('./en')).en,
  ko: async () => (await import('./ko')).ko,
  uz: async () => (await import('./uz')).uz,
  ru: async () => (await import('./ru')).ru,
  pseudo: async () => marked((await import('./en')).en),
});

/** What is said where no other text could be had. */
export const NO_TEXTS = 'Reload the page: it may be older than the server.';

/** Every text of a language; those read last while it is on its way. Nothing is drawn before the first are there. */
export function textsIn(language: Language): Texts {
  const texts = pageTexts.in(language);
  if (!texts) throw new Error(`texts in ${language} were read before any came: wait for pageTexts.bring`);
  return texts;
}
