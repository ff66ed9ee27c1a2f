import type { Language } from '../sectors';
import { en, type Texts } from './en';
import { ko } from './ko';

export type { Texts };

export const TEXTS: Readonly<Record<Language, Texts>> = { en, ko };
