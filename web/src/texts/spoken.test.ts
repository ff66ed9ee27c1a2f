import { expect, it } from 'vitest';
import type { Language } from '../sectors';
import { spokenIn } from './spoken';

it('keeps the words read last until others are there, so that no panel goes while its language comes', async () => {
  const words = (language: Language) => () => Promise.resolve(language);
  const spoken = spokenIn<string>({
    en: words('en'),
    ko: words('ko'),
    uz: words('uz'),
    ru: words('ru'),
    pseudo: words('pseudo'),
  });
  expect(spoken.in('en')).toBeNull();
  await spoken.bring('en');
  expect(spoken.in('en')).toBe('en');
  expect(spoken.in('ko')).toBe('en');
  await spoken.bring('ko');
  expect(spoken.in('ko')).toBe('ko');
});
