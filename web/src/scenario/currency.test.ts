import { expect, it } from 'vitest';
import { currencyOf } from './currency';

it('is the one of the country whose language comes first, and asked for elsewhere', () => {
  expect(currencyOf({ languages: ['ko', 'en'] })).toBe('KRW');
  expect(currencyOf({ languages: ['uz', 'ru', 'en', 'ko'] })).toBe('UZS');
  expect(currencyOf({ languages: ['en', 'ko'] })).toBe('');
  expect(currencyOf(null)).toBe('');
});
