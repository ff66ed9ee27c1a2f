import type { Language } from '../sectors';
import { en, type Texts } from './en';
import { ko } from './ko';
import { pseudoTexts } from './pseudo';
import { ru } from './ru';
import { uz } from './uz';

export type { Texts };

const SPOKEN: Readonly<Record<Exclude<Language, 'pseudo'>, Texts>> = { en, ko, uz, ru };

let pseudo: Texts | undefined;

/** Every text of a language. */
export function textsIn(language: Language): Texts {
  if (language !== 'pseudo') return SPOKEN[language];
  pseudo ??= pseudoTexts();
  return pseudo;
}
