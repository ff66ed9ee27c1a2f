import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loaded } from '../loading';
import { modelOfTwoRegions } from '../two_regions';
import { sessionOf } from './session';

async function start() {
  const { model, address } = modelOfTwoRegions('?region=demo&scenario=');
  const session = sessionOf(model);
  await vi.advanceTimersByTimeAsync(10);
  const name = (told: string) => {
    const scenario = session.scenario.value;
    if (!scenario) throw new Error('there is no scenario');
    session.change({ ...scenario, name: told });
  };
  return { model, session, name, address };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a scenario that is worked on', () => {
  it('is written into the address when it rests', async () => {
    const { model, name } = await start();
    name('Green');
    expect(model.view.value.scenarios).toEqual(['']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.view.value.scenarios).not.toEqual(['']);
  });

  it('stays closed, and is a new one when it is opened again', async () => {
    const { model, session, name, address } = await start();
    name('Green');
    model.update({ scenarios: null });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.view.value.scenarios).toBeNull();
    expect(address()).not.toContain('scenario');
    model.update({ scenarios: [''] });
    expect(session.scenario.value?.name).toBeUndefined();
  });

  it('is not written into another region, nor is its area', async () => {
    const { model, session, name } = await start();
    session.area.value = { kind: 'items', collection: 'zones', ids: ['1'] };
    name('Green');
    model.update({ region: 'other' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.view.value).toMatchObject({ region: 'other', scenarios: [''] });
    expect(session.scenario.value?.name).toBeUndefined();
    expect(session.area.value).toBeNull();
  });

  it('says on which edition it was saved, where that is another one', async () => {
    const { model, session } = await start();
    const scenario = session.scenario.value;
    if (!scenario) throw new Error('there is no scenario');
    const saved = { id: '0123456789abcdef', version: 1 };
    session.keep(saved, scenario, model.region.value?.edition ?? '');
    expect([session.kept.value, session.savedElsewhere.value]).toEqual([true, null]);
    session.keep({ ...saved, version: 2 }, scenario, 'fedcba9876543210');
    expect([session.kept.value, session.savedElsewhere.value]).toEqual([true, 'fedcba9876543210']);
  });

  it('ends what is drawn or picked for it when another comes into sight', async () => {
    const { model, session } = await start();
    const begin = () => {
      model.sketch.value = [];
      model.picking.value = { by: 'where', collection: 'zones', ids: ['1'] };
    };
    const steps = [
      () => {
        session.copy();
      },
      () => {
        session.choose(0);
      },
      () => {
        session.drop(1);
      },
      () => {
        session.open({ year: 2050, measures: [] });
      },
    ];
    for (const step of steps) {
      begin();
      step();
      expect([model.sketch.value, model.picking.value]).toEqual([null, null]);
    }
  });

  it('opens nothing that was closed while the server kept it', async () => {
    const { model, session } = await start();
    const scenario = session.scenario.value;
    model.update({ scenarios: null });
    if (scenario) session.keep({ id: '0123456789abcdef', version: 1 }, scenario, 'e');
    expect(model.view.value.scenarios).toBeNull();
  });
});

describe('what is told of measures', () => {
  /** A catalogue of one measure, in words of the language that it is asked in. */
  const catalogue = (language: string) => ({
    stages: [],
    measures: [
      {
        kind: 'retrofit',
        stage: 'efficiency',
        about: `in ${language}`,
        unit: 'm2',
        needs_process: false,
        parameters: [],
        scenario_parameters: [],
      },
    ],
    parameters: [],
    limits: { measures: 40 },
    stops: 0,
  });

  async function told() {
    const asked: string[] = [];
    /** What the server does from now on; null: it takes its time. */
    const server = { answers: true as boolean | null };
    const { model } = modelOfTwoRegions('?region=demo&scenario=', (path, _, language) => {
      if (!path.endsWith('/measures')) return null;
      asked.push(`${path.split('/')[2] ?? ''} ${language}`);
      if (server.answers === null) return new Promise(() => undefined);
      return server.answers
        ? Promise.resolve(Response.json(catalogue(language)))
        : Promise.reject(new TypeError('nobody answers'));
    });
    const session = sessionOf(model);
    await vi.advanceTimersByTimeAsync(10);
    const about = () => loaded(session.catalogue.value)?.kinds.retrofit?.about;
    const go = async (change: Parameters<typeof model.update>[0]) => {
      model.update(change);
      await vi.advanceTimersByTimeAsync(10);
    };
    return { model, session, asked, server, about, go };
  }

  it('is asked again in another language, and stays until it is there', async () => {
    const { asked, server, about, go } = await told();
    expect(about()).toBe('in en');
    server.answers = null;
    await go({ lang: 'ko' });
    expect(asked).toEqual(['demo en', 'demo ko']);
    expect(about()).toBe('in en');
    server.answers = true;
    await go({ lang: 'uz' });
    expect(about()).toBe('in uz');
    await go({ lang: 'en' });
    expect(about()).toBe('in en');
  });

  it('stays while nobody answers, and is asked once more when somebody does', async () => {
    const { model, server, about, go } = await told();
    server.answers = false;
    await go({ lang: 'ko' });
    expect(about()).toBe('in en');
    server.answers = true;
    model.connection.retry();
    await vi.advanceTimersByTimeAsync(10);
    expect(about()).toBe('in ko');
  });

  it('is none of another region meanwhile', async () => {
    const { session, asked, server, go } = await told();
    server.answers = null;
    await go({ region: 'other' });
    expect(asked.at(-1)).toBe('other en');
    expect(session.catalogue.value.state).toBe('loading');
  });
});
