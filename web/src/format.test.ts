import { describe, expect, it } from 'vitest';
import { interval90, nameOf, numbersIn, textIn, unitText } from './format';

describe('numbers', () => {
  const en = numbersIn('en');
  const ko = numbersIn('ko');

  it('claims no more than three digits of an emission', () => {
    expect(en.amount(12345.678)).toBe('12,300');
    expect(en.amount(0.0012345)).toBe('0.00123');
    expect(ko.amount(12345.678)).toBe('12,300');
  });

  it('writes the last zeros of an amount, so that a column of them reads alike', () => {
    expect([16.64, 18.96, 0.5402, 4].map((value) => en.amount(value))).toEqual([
      '16.6',
      '19.0',
      '0.540',
      '4',
    ]);
    expect(ko.amount(7.196)).toBe('7.20');
  });

  it('writes a true minus, and no minus before zero', () => {
    expect(en.amount(-8.4)).toBe('−8.40');
    expect(en.amount(-0)).toBe('0');
    expect(en.exact(-120)).toBe('−120');
  });

  it('does not round a share to nothing or to all', () => {
    expect(en.percent(0.62)).toBe('62%');
    expect(en.percent(0.004)).toBe('0.4%');
    expect(en.percent(0.996)).toBe('99.6%');
    expect(en.percent(1)).toBe('100%');
    expect(en.percent(0)).toBe('0%');
  });

  it('writes areas and counts', () => {
    expect(en.area(1)).toBe('1');
    expect(en.area(16051.4)).toBe('16,051');
    expect(en.count(1234567.2)).toBe('1,234,567');
  });

  it('writes the ticks of an axis alike, and large amounts in groups', () => {
    const ko = numbersIn('ko');
    expect([90_000, 100_000].map((tick) => ko.short(tick, 100_000))).toEqual(['9만', '10만']);
    expect([ko.short(90_000), ko.short(120e9)]).toEqual(['90,000', '1,200억']);
  });

  it('writes units of the API', () => {
    expect(['m2', 'tCO2/ha/yr', 'kWp'].map(unitText)).toEqual(['m²', 'tCO₂/ha/yr', 'kWp']);
  });
});

describe('names', () => {
  it('come in the language, else English, else any', () => {
    expect(textIn({ en: 'Net', ko: '순' }, 'ko')).toBe('순');
    expect(textIn({ en: 'Net' }, 'ko')).toBe('Net');
    expect(textIn({ uz: 'Jizzax' }, 'ko')).toBe('Jizzax');
    expect(textIn({}, 'en')).toBe('');
  });

  it('of a place fall back to its id', () => {
    expect(nameOf({ name_ko: '한빛', name_en: 'Hanbit' }, '7', 'ko')).toBe('한빛');
    expect(nameOf({ name_en: null, name_uz: 'Jizzax' }, '7', 'en')).toBe('Jizzax');
    expect(nameOf({ name_en: '' }, '다사6443', 'en')).toBe('다사6443');
  });
});

it('gives the 90 % interval', () => {
  const [low, high] = interval90(100, 10);
  expect(low).toBeCloseTo(83.55);
  expect(high).toBeCloseTo(116.45);
});
