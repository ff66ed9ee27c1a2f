import { describe, expect, it } from 'vitest';
import { decodeHot } from './hot_question';

const ANSWER = {
  edition: '0123456789abcdef',
  of: 'district',
  baseline_year: 2024,
  sector: 'emissions',
  counts: { hot: 0 },
  stability: { bands_m: [], years: [], band_agreement: null, year_agreement: null },
  cells: { features: [] },
  zones: { features: [] },
  savings_illustrative: true,
  savings_notes: [{ code: 'jobs', text: 'of the programme' }],
  notes: { hot: 'of the search' },
};

describe('where to act', () => {
  it('says that savings rest on assumptions, and what to know of them', () => {
    expect(decodeHot(ANSWER, 'answer')).toMatchObject({
      edition: '0123456789abcdef',
      year: 2024,
      savingsIllustrative: true,
      notes: ['of the search', 'of the programme'],
    });
  });

  it('is no answer without that word, nor without its edition', () => {
    expect(() => decodeHot({ ...ANSWER, savings_illustrative: undefined }, 'answer')).toThrow();
    expect(() => decodeHot({ ...ANSWER, edition: undefined }, 'answer')).toThrow();
  });
});
