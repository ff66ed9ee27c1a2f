import { describe, expect, it } from 'vitest';
import { candidate, decodeMix, freshMixForm, mixInputs } from './mix_question';
import { curveCorners } from './plan_charts';

const SCENARIO = { year: 2040, measures: [] };
const costs = { capital_per_unit: 200 };

describe('what is asked of the optimiser', () => {
  it('is a third, two thirds and all of the most, without the amount itself, in one currency', () => {
    const form = {
      ...freshMixForm(),
      currency: 'CHF',
      candidates: [{ ...candidate('retrofit', undefined), costs }],
    };
    expect(mixInputs(form, SCENARIO, 'district', 2024)).toMatchObject({
      year: 2040,
      baseline_year: 2024,
      zones: 'district',
      target_share: 0.05,
      candidates: [
        {
          measure: { id: 'retrofit', kind: 'retrofit', costs: { capital_per_unit: 200, currency: 'CHF' } },
          levels: [0.2, 0.4, 0.6],
        },
      ],
    });
    expect(JSON.stringify(mixInputs(form, SCENARIO, 'district', 2024))).not.toContain('"level"');
  });

  it('has either a target or a budget, and asks for samples of a target only', () => {
    const form = { ...freshMixForm(), goal: 'budget' as const, budget: 7, sure: true };
    const asked = mixInputs(form, SCENARIO, 'district', 2024);
    expect(asked).toMatchObject({ budget: 7 });
    expect(asked).not.toHaveProperty('target_share');
    expect(asked).not.toHaveProperty('robust');
    expect(mixInputs({ ...form, goal: 'target' }, SCENARIO, 'district', 2024)).toHaveProperty('robust', {
      share: 0.9,
    });
  });

  it('names what must not change: places by id, or ground', () => {
    const still = { kind: 'items', collection: 'district', ids: ['a', 'b'] } as const;
    expect(mixInputs({ ...freshMixForm(), still }, SCENARIO, 'district', 2024)).toHaveProperty('unchanged', [
      'a',
      'b',
    ]);
  });

  it('takes over costs and start that the scenario has for a measure', () => {
    const known = { id: 'r', kind: 'retrofit', level: 0.1, start: 2030, costs };
    expect(candidate('retrofit', known)).toEqual({
      id: 'retrofit',
      kind: 'retrofit',
      level: 0.6,
      start: 2030,
      costs,
    });
  });
});

describe('what the optimiser answers', () => {
  const portfolio = {
    saved_tco2e: 10,
    cost: 500,
    cost_unit: 'CHF a year',
    estimated_tco2e: 10,
    difference: 0,
    agrees: true,
    gap: 0,
    stopped: 'gap',
  };
  const answer = (more: object) => ({
    edition: '0123456789abcdef',
    year: 2040,
    baseline_year: 2024,
    zones: 'district',
    result_illustrative: false,
    goal: { target_tco2e: 10 },
    portfolio: { ...portfolio, ...more },
    measures: [],
    places: { type: 'FeatureCollection', features: [] },
    curve: [],
    frontier: [],
    robust: null,
    scenario: SCENARIO,
    notes: {},
  });

  it('is in its currency, also where it was kept from before that had a field of its own', () => {
    expect(decodeMix(answer({ currency: 'EUR' }), 'answer').currency).toBe('EUR');
    expect(decodeMix(answer({}), 'answer').currency).toBe('CHF');
    expect(decodeMix(answer({ cost_unit: 'currency units a year' }), 'answer').currency).toBe(
      'currency units',
    );
  });

  it('is no answer where nothing tells what its costs are in', () => {
    expect(() => decodeMix(answer({ cost_unit: undefined }), 'answer')).toThrow('portfolio.cost_unit');
  });
});

describe('the marginal curve', () => {
  it('rises by steps as wide as what each saves', () => {
    const steps = [
      { saved: 10, unitCost: 5 },
      { saved: 20, unitCost: 8 },
    ];
    expect(curveCorners(steps)).toEqual([
      { x: 0, y: 5 },
      { x: 10, y: 5 },
      { x: 10, y: 8 },
      { x: 30, y: 8 },
    ]);
  });

  it('of thousands of steps keeps both ends', () => {
    const steps = Array.from({ length: 5000 }, (_, index) => ({ saved: 1, unitCost: index }));
    const corners = curveCorners(steps);
    expect(corners.length).toBeLessThan(1300);
    expect(corners[0]).toEqual({ x: 0, y: 0 });
    expect(corners.at(-1)).toEqual({ x: 5000, y: 4999 });
  });
});
