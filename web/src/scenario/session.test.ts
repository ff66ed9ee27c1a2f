import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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
