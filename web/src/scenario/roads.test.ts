import { describe, expect, it } from 'vitest';
import { modelOfTwoRegions } from '../two_regions';
import { roadsOf } from './roads';
import { sessionOf } from './session';

const ROAD = {
  id: 'r1',
  geometry: { type: 'LineString', coordinates: [] },
  properties: { km: 1.5, kmh: 50, aadt: null },
};

/** Answers arrive over a few turns of the event loop: each may ask the next. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Somebody picks roads; each question waits until it is answered. */
async function start() {
  const waiting: ((answer: Response) => void)[] = [];
  const { model } = modelOfTwoRegions('?region=demo&scenario=', (path) =>
    path.endsWith('/scenarios/roads') ? new Promise((resolve) => waiting.push(resolve)) : null,
  );
  await settled();
  const roads = roadsOf(model, sessionOf(model).asking);
  const pickFor = (by: string) => {
    model.picking.value = { by, collection: null, ids: [] };
  };
  const answer = async (features: readonly unknown[], status = 200) => {
    waiting.shift()?.(Response.json({ features }, { status }));
    await settled();
  };
  pickFor('one');
  return { model, roads, waiting, pickFor, answer };
}

describe('a road that is picked', () => {
  it('is told to whom picked it', async () => {
    const { model, roads, answer } = await start();
    roads.pick(127, 37, 10);
    expect(roads.looking.value).toBe(true);
    await answer([ROAD]);
    expect(model.picking.value).toMatchObject({ by: 'one', ids: ['r1'] });
    expect([roads.looking.value, roads.known.value.get('r1')?.km]).toEqual([false, 1.5]);
  });

  it('is not told to who picks after them', async () => {
    const { model, roads, pickFor, answer } = await start();
    roads.pick(127, 37, 10);
    pickFor('other');
    expect(roads.looking.value).toBe(false);
    await answer([ROAD]);
    expect(model.picking.value).toMatchObject({ by: 'other', ids: [] });
  });

  it('that was not found is forgotten when picking ends', async () => {
    const { model, roads, answer } = await start();
    roads.pick(127, 37, 10);
    await answer([]);
    expect(roads.told.value).toBe('nothing');
    model.picking.value = null;
    expect(roads.told.value).toBeNull();
  });
});

describe('roads that measures name', () => {
  it('are asked for once, and again only where the answer failed', async () => {
    const { roads, waiting, answer } = await start();
    roads.bring(['r1']);
    roads.bring(['r1']);
    expect(waiting).toHaveLength(1);
    await answer([], 503);
    roads.bring(['r1']);
    expect(waiting).toHaveLength(1);
    await answer([ROAD]);
    roads.bring(['r1']);
    expect(waiting).toEqual([]);
    expect(roads.known.value.has('r1')).toBe(true);
  });
});
