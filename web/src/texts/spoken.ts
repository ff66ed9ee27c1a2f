/** Texts by language, each of which comes by itself when somebody reads it: nobody reads four. */
import { signal } from '@preact/signals';
import type { Language } from '../sectors';

export interface Spoken<T> {
  /** Those read last while these are on their way, null at first; who reads this is told when they come. */
  in(language: Language): T | null;
  /** Ask for a language, and wait until it is there, or cannot be had for now. */
  bring(language: Language): Promise<void>;
}

const AGAIN_AFTER_MS = 2000;

export function spokenIn<T>(loaders: Readonly<Record<Language, () => Promise<T>>>): Spoken<T> {
  const known = signal<Readonly<Partial<Record<Language, T>>>>({});
  const coming = new Map<Language, Promise<void>>();
  let last: T | null = null;

  function bring(language: Language): Promise<void> {
    const there = coming.get(language);
    if (there) return there;
    const asked = loaders[language]().then(
      (texts) => {
        known.value = { ...known.peek(), [language]: texts };
      },
      () => {
        // The server is away: what is missing comes when it is back.
        setTimeout(() => {
          coming.delete(language);
          void bring(language);
        }, AGAIN_AFTER_MS);
      },
    );
    coming.set(language, asked);
    return asked;
  }

  return {
    bring,
    in(language) {
      const texts = known.value[language];
      if (texts) last = texts;
      else void bring(language);
      return last;
    },
  };
}
