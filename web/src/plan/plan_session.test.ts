import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loaded } from '../loading';
import { labelledAs } from '../region_told';
import { modelOfTwoRegions, REGION } from '../two_regions';
import { planOf } from './plan_session';

const JOB = 'abcdefghijklmnop';
const HOT = {
  edition: '0123456789abcdef',
  of: 'zones',
  baseline_year: 2023,
  sector: 'emissions',
  counts: {},
  stability: { bands_m: [], years: [] },
  notes: {},
  savings_illustrative: false,
  savings_notes: [],
  cells: { type: 'FeatureCollection', features: [] },
  zones: { type: 'FeatureCollection', features: [] },
};

const ELSEWHERE = 'fedcba9876543210';

/** @param edition that the answer is of; null as `kept`: the server keeps it no more */
async function start(edition = REGION.edition, kept: object | null = REGION) {
  const search = '?region=demo&scenario=&plan=where';
  /** Lets the server say which job it made. */
  let made: () => void = () => undefined;
  let status = 'running';
  let executions = 0;
  const { model, address } = modelOfTwoRegions(search, (path, method, language) => {
    const job = { jobID: JOB, status, progress: 5 };
    if (path === '/api/demo/' && kept)
      return Promise.resolve(Response.json({ ...kept, id: 'demo', name: { en: 'demo' }, edition }));
    if (path.endsWith('/execution')) {
      executions += 1;
      return new Promise((resolve) => {
        made = () => {
          resolve(Response.json(job, { status: 201 }));
        };
      });
    }
    if (path.endsWith('/results'))
      return Promise.resolve(
        status === 'dismissed'
          ? Response.json({ detail: 'gone' }, { status: 410 })
          : Response.json({ ...HOT, edition, notes: { only: `in ${language}` } }),
      );
    if (path.endsWith(`/jobs/${JOB}`)) {
      if (method === 'DELETE') status = 'dismissed';
      return Promise.resolve(Response.json({ ...job, status }));
    }
    return null;
  });
  const plan = planOf(model);
  await vi.advanceTimersByTimeAsync(10);
  return {
    model,
    plan,
    address,
    executions: () => executions,
    make: async () => {
      made();
      await vi.advanceTimersByTimeAsync(10);
    },
    end: async () => {
      status = 'successful';
      await vi.advanceTimersByTimeAsync(10_000);
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a question that a job answers', () => {
  it('is followed though its reader left before the server named the job', async () => {
    const { model, plan, make, end, address } = await start();
    plan.hot.ask({});
    model.update({ plan: null });
    await make();
    expect(model.view.value.plan).toBeNull();
    expect(plan.hot.job.value?.id).toBe(JOB);
    await end();
    expect(plan.hot.job.value).toBeNull();
    model.update({ plan: { kind: 'where', job: null } });
    expect(model.view.value.plan).toEqual({ kind: 'where', job: JOB });
    expect(address()).toContain(`plan=where/${JOB}`);
  });

  it('is in the address again when its answer is looked at again', async () => {
    const { model, plan, make, end } = await start();
    plan.hot.ask({});
    await make();
    await end();
    model.update({ scenarios: null });
    model.update({ scenarios: [''] });
    model.update({ plan: { kind: 'where', job: null } });
    expect(model.view.value.plan?.job).toBe(JOB);
    // The other question has none.
    model.update({ plan: { kind: 'mix', job: null } });
    expect(model.view.value.plan?.job).toBeNull();
  });

  it('can be asked again once it was stopped', async () => {
    const { model, plan, make } = await start();
    plan.hot.ask({});
    await make();
    plan.hot.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(plan.hot.job.value).toBeNull();
    expect(plan.hot.problem.value).toBeNull();
    model.update({ plan: null });
    model.update({ plan: { kind: 'where', job: null } });
    expect(model.view.value.plan?.job).toBeNull();
  });

  it('is told again in another language, and not worked out again', async () => {
    const { model, plan, make, end, executions } = await start();
    plan.hot.ask({});
    await make();
    await end();
    expect(plan.hot.found.value?.notes).toEqual(['in en']);
    for (const lang of ['ko', 'en'] as const) {
      model.update({ lang });
      await vi.advanceTimersByTimeAsync(10);
      expect(plan.hot.found.value?.notes).toEqual([`in ${lang}`]);
    }
    expect(executions()).toBe(1);
  });

  it('is labelled as the edition is that it was worked out on', async () => {
    const label = { synthetic: true, attributions: [{ text: 'Counts of that year' }] };
    const { model, plan, make, end } = await start(ELSEWHERE, { ...REGION, ...label });
    plan.hot.ask({});
    await make();
    expect(loaded(plan.told.value)).toMatchObject({ edition: REGION.edition, synthetic: false });
    await end();
    expect(plan.answered.value).toMatchObject({ edition: ELSEWHERE, year: 2023 });
    expect(loaded(plan.told.value)).toMatchObject({ edition: ELSEWHERE, ...label });
    const shown = model.region.value;
    expect(labelledAs(plan.told.value, shown)).toMatchObject({ edition: ELSEWHERE, synthetic: true });
    expect(labelledAs({ state: 'loading' }, shown)).toMatchObject({ edition: REGION.edition });
  });

  it('has no sources and no labels once the server keeps its edition no more', async () => {
    const { model, plan, make, end } = await start(ELSEWHERE, null);
    plan.hot.ask({});
    await make();
    await end();
    expect(plan.told.value).toMatchObject({ state: 'failed', problem: { status: 404 } });
    expect(labelledAs(plan.told.value, model.region.value)).toBeNull();
  });

  it('is none of another region, whose form is a fresh one', async () => {
    const { model, plan, make } = await start();
    plan.hotForm.value = { ...plan.hotForm.value, zones: 'elsewhere' };
    plan.mixForm.value = { ...plan.mixForm.value, places: 'elsewhere' };
    plan.hot.ask({});
    model.chooseRegion('other');
    await make();
    expect(plan.hot.job.value).toBeNull();
    expect(plan.hotForm.value.zones).not.toBe('elsewhere');
    expect(plan.mixForm.value.places).not.toBe('elsewhere');
    model.update({ scenarios: [''], plan: { kind: 'where', job: null } });
    expect(model.view.value.plan?.job).toBeNull();
  });
});
