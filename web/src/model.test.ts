import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createApi } from './api';
import type { Ground } from './layers/theme';
import { createModel, preferredLanguage, type Address } from './model';

const REGION = {
  languages: ['en', 'ko'],
  bbox: [126, 37, 127, 38],
  synthetic: false,
  illustrative: {},
  edition: '0123456789abcdef',
  attributions: [],
};
/** An edition before it, which is still kept. */
const KEPT = 'fedcba9876543210';
const GRID = { kind: 'grid', years: [2022, 2023], sectors: ['buildings'], count: 9, title: { en: 'Grid' } };
const COLUMNS = ['id', 'area_ha', 'net_tco2e', 'buildings_tco2e'];

const SPREAD = {
  count: 9,
  nulls: 0,
  min: 1,
  max: 100,
  quantiles: Array.from({ length: 21 }, (_, k) => 1 + 4.95 * k),
};
const NO_SPREAD = { count: 0, nulls: 9, min: null, max: null, quantiles: [] };
const NOTHING = { ...NO_SPREAD, profile: [2022, 2023].map((year) => ({ year, ...NO_SPREAD })) };

const ANSWERS: Record<string, unknown> = {
  regions: [
    { ...REGION, id: 'demo', name: { en: 'Demo', ko: '데모' }, years: [2022, 2023] },
    { ...REGION, id: 'other', name: { en: 'Other' }, years: [2020] },
  ],
  collections: {
    collections: [
      { ...GRID, id: 'grid-1km', cell_size_m: 1000, columns: COLUMNS },
      { ...GRID, id: 'grid-100m', cell_size_m: 100, columns: [...COLUMNS, 'population'] },
    ],
  },
  distribution: { ...SPREAD, profile: [2022, 2023].map((year) => ({ year, ...SPREAD })) },
  WebMercatorQuad: { minzoom: 0, maxzoom: 14 },
};

/** @param less what the answer of how a difference is spread waits for */
function start(search: string, less: Promise<unknown> = Promise.resolve()) {
  const asked: string[] = [];
  const history: string[] = [search];
  let goBack: () => void = () => undefined;
  const address: Address = {
    read: () => history.at(-1) ?? '',
    push: (query) => history.push(query),
    replace: (query) => {
      history[history.length - 1] = query;
    },
    onReturn: (then) => {
      goBack = then;
    },
  };
  const api = createApi('https://map.example/api/', (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    asked.push(url.pathname.slice(5) + url.search);
    if (url.searchParams.get('column') === 'population' && search.includes('deserted')) {
      return Promise.resolve(Response.json(NOTHING));
    }
    if (url.searchParams.get('column') === 'net_tco2e' && search.includes('netless')) {
      return Promise.resolve(Response.json(NOTHING));
    }
    if (url.pathname.endsWith('/demo/')) {
      const edition = url.searchParams.get('edition');
      if (edition !== KEPT) return Promise.resolve(Response.json({ status: 404 }, { status: 404 }));
      return Promise.resolve(
        Response.json({ ...REGION, id: 'demo', name: { en: 'Demo' }, edition, years: [2021, 2022] }),
      );
    }
    const body = ANSWERS[url.pathname.split('/').at(-1) ?? ''] ?? { id: 'x', properties: {} };
    if (url.searchParams.has('less')) return less.then(() => Response.json(body));
    return Promise.resolve(Response.json(body));
  });
  const model = createModel({ api, address, languages: ['ko-KR'], ground: signal<Ground>('light') });
  const back = () => {
    history.pop();
    goBack();
  };
  return { model, asked, history, back };
}

/** Answers arrive over a few turns of the event loop: each may ask the next. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

describe('the model', () => {
  it('loads what the address names, pinned to one edition', async () => {
    const { model, asked } = start('?region=demo&sector=buildings&unit=t&area=grid-100m&year=2022');
    await settled();
    expect(asked).toContain(
      'demo/collections/grid-100m/distribution?year=2023&edition=0123456789abcdef&column=buildings_tco2e&unit=t&quantiles=201&profile=true',
    );
    expect(model.picture.value).toMatchObject({ sector: 'buildings', unit: 't', key: { year: 2022 } });
  });

  it('is busy until the classes of a difference are known', async () => {
    let answer: (value: unknown) => void = () => undefined;
    const late = new Promise((resolve) => {
      answer = resolve;
    });
    const { model } = start('?region=demo&sector=buildings&vs=difference/year/2022', late);
    // The map itself has drawn all that it was given.
    model.mapBusy.value = false;
    await settled();
    expect([model.busy.value, model.picture.value]).toEqual([true, null]);
    answer(null);
    await settled();
    expect(model.busy.value).toBe(false);
    expect(model.picture.value?.difference).not.toBeNull();
  });

  it('falls back where the address names what is not there', async () => {
    const { model } = start('?region=atlantis&year=1850&area=gone&sel=gone/1');
    await settled();
    expect(model.region.value?.id).toBe('demo');
    expect(model.year.value).toBe(2023);
    expect(model.active.value?.id).toBe('grid-1km');
    expect(model.item.value.state).toBe('idle');
  });

  it('opens with the first sector that is known where net is not, but obeys who asks for net', async () => {
    const { model } = start('?region=netless');
    await settled();
    expect(model.sector.value).toBe('buildings');
    expect(model.picture.value?.sector).toBe('buildings');
    model.update({ sector: 'net' });
    await settled();
    expect(model.sector.value).toBe('net');
    expect(model.scale.value).toBeNull();
    expect(model.picture.value?.scale.classes).toEqual([]);
  });

  it('does not ask for a sector that the region does not have', async () => {
    const { model, asked } = start('?sector=forest');
    await settled();
    expect(model.sector.value).toBe('net');
    expect(asked.filter((path) => path.includes('forest_tco2e'))).toEqual([]);
  });

  it('offers numbers per person only where people are counted', async () => {
    const { model } = start('?unit=t_per_person&area=grid-1km');
    await settled();
    expect(model.units.value).not.toContain('t_per_person');
    expect(model.unit.value).toBe('t_per_ha');
    model.chooseArea('grid-100m');
    await settled();
    expect(model.unit.value).toBe('t_per_person');
  });

  it('does not offer them where the column of people is empty', async () => {
    const { model } = start('?region=deserted&unit=t_per_person&area=grid-100m');
    await settled();
    expect(model.unit.value).toBe('t_per_ha');
  });

  it('asks again only for what changed', async () => {
    const { model, asked } = start('?area=grid-1km');
    await settled();
    const before = asked.length;
    model.update({ sector: 'buildings' });
    await settled();
    expect(asked.slice(before).map((path) => path.replace('&edition=0123456789abcdef', ''))).toEqual([
      'demo/collections/grid-1km/distribution?year=2023&column=buildings_tco2e&unit=t_per_ha&quantiles=201&profile=true',
    ]);
  });

  it('has one scale for all years, so that colours compare, and asks nothing when the year changes', async () => {
    const { model, asked } = start('?area=grid-1km&year=2022');
    await settled();
    const [before, scale] = [asked.length, model.scale.value];
    model.update({ year: 2023 });
    await settled();
    expect(model.picture.value?.key.year).toBe(2023);
    expect(model.scale.value).toBe(scale);
    expect(asked).toHaveLength(before);
  });

  it('forgets the span of values when other values are shown', async () => {
    const { model } = start('?area=grid-1km&only=5~');
    await settled();
    expect(model.picture.value?.strengths.only).toEqual({ low: 5, high: null });
    model.update({ unit: 't' });
    expect(model.view.value.only).toBeNull();
  });

  it('shows a part where the columns tell it, else the whole', async () => {
    const { model } = start('?area=grid-1km&sector=buildings&part=coal');
    await settled();
    expect(model.part.value).toBeNull();
    expect(model.picture.value?.columns).toBeNull();
  });

  it('steps back through choices, not through camera moves', async () => {
    const { model, history, back } = start('');
    await settled();
    model.update({ camera: { zoom: 9, lat: 37, lon: 126 } });
    model.update({ sector: 'buildings' });
    model.update({ camera: { zoom: 10, lat: 37, lon: 126 } });
    expect(history).toHaveLength(2);
    back();
    expect(model.view.value).toMatchObject({ sector: null, camera: { zoom: 9 } });
  });

  it('leaves cell and camera behind when the region changes', async () => {
    const { model } = start('?sel=grid-1km/a&at=9/37/126');
    await settled();
    model.chooseRegion('other');
    expect(model.view.value).toMatchObject({ region: 'other', camera: null, selected: null });
  });
});

it("takes the first of the reader's languages that it speaks", () => {
  expect(preferredLanguage(['de-CH', 'ko-KR', 'en'])).toBe('ko');
  expect(preferredLanguage(['de'])).toBe('en');
});

describe('a comparison', () => {
  it('is not asked for until there is one', async () => {
    const { model, asked } = start('?sector=buildings&area=grid-1km');
    await settled();
    expect(model.otherPicture.value).toBeNull();
    expect(asked.some((path) => path.includes('less='))).toBe(false);
  });

  it('draws the other year in the classes of this one', async () => {
    const { model } = start('?sector=buildings&area=grid-1km&vs=swipe/year/2022');
    await settled();
    expect(model.otherPicture.value).toMatchObject({ sector: 'buildings', key: { year: 2022 } });
    expect(model.otherPicture.value?.scale).toBe(model.scale.value);
    expect(model.picture.value).toMatchObject({ key: { year: 2023 }, difference: null });
  });

  it('takes the other year off place by place', async () => {
    const { model, asked } = start('?sector=buildings&area=grid-1km&vs=difference/year/2022');
    await settled();
    expect(asked).toContain(
      'demo/collections/grid-1km/distribution?year=2023&edition=0123456789abcdef&column=buildings_tco2e&unit=t_per_ha&quantiles=201&less=2022',
    );
    expect(model.picture.value?.difference).toMatchObject({
      less: { key: { year: 2022 }, sector: 'buildings', uncertain: true },
      scale: model.differenceScale.value,
    });
    expect(model.otherPicture.value).toBeNull();
  });

  it('takes another sector off, of the same year', async () => {
    const { model, asked } = start('?sector=buildings&area=grid-1km&vs=difference/sector/net');
    await settled();
    const spread = asked.filter((path) => path.includes('less='));
    expect(spread).toHaveLength(1);
    expect(spread[0]).toMatch(/column=buildings_tco2e.*&less=2023&less_column=net_tco2e$/);
    expect(model.picture.value?.difference?.less).toMatchObject({ sector: 'net', key: { year: 2023 } });
  });

  it('takes another edition off, whose intervals say nothing of what was corrected', async () => {
    const { model, asked } = start('?sector=buildings&area=grid-1km&vs=difference/edition/fedcba9876543210');
    await settled();
    const spread = asked.filter((path) => path.includes('less='));
    expect(spread).toHaveLength(1);
    expect(spread[0]).toMatch(/edition=0123456789abcdef.*&less=2023&less_edition=fedcba9876543210$/);
    const less = model.picture.value?.difference?.less;
    expect(less).toMatchObject({ key: { edition: 'fedcba9876543210', year: 2023 }, uncertain: false });
    expect(model.picture.value?.key.edition).toBe('0123456789abcdef');
  });

  it('shows another sector in classes of its own', async () => {
    const { model } = start('?sector=buildings&area=grid-1km&vs=side/sector/net');
    await settled();
    expect(model.otherPicture.value?.sector).toBe('net');
    expect(model.otherPicture.value?.scale).not.toBe(model.scale.value);
  });

  it('asks another edition for its own tables', async () => {
    const { model, asked } = start('?sector=buildings&area=grid-1km&vs=side/edition/fedcba9876543210');
    await settled();
    expect(asked).toContain('demo/collections?edition=fedcba9876543210');
    expect(model.otherPicture.value?.key.edition).toBe('fedcba9876543210');
    expect(model.picture.value?.key.edition).toBe('0123456789abcdef');
  });

  it('is none with the edition that is shown', async () => {
    const { model, asked } = start(`?sector=buildings&area=grid-1km&vs=side/edition/${REGION.edition}`);
    await settled();
    expect([model.compare.value, model.otherPicture.value]).toEqual([null, null]);
    expect(asked.filter((path) => path.startsWith('demo/collections?'))).toHaveLength(1);
  });

  it('is none with what the region does not have', async () => {
    for (const vs of ['swipe/year/1999', 'difference/year/1999', 'side/sector/forest']) {
      const { model } = start(`?sector=buildings&area=grid-1km&vs=${vs}`);
      await settled();
      expect(model.compare.value, vs).toBeNull();
      expect(model.picture.value, vs).not.toBeNull();
    }
  });

  it('is a step of the back button, but moving its divider is none', async () => {
    const { model, history } = start('?sector=buildings&area=grid-1km');
    await settled();
    model.update({ compare: { how: 'swipe', by: 'year', other: '2022', cut: 50 } });
    model.update({ compare: { how: 'swipe', by: 'year', other: '2022', cut: 70 } });
    expect(history).toHaveLength(2);
    expect(history.at(-1)).toContain('cut=70');
  });
});

describe('a link', () => {
  it('says the year, the sector and the region, which may be others tomorrow', async () => {
    const { model } = start('?view=take');
    await settled();
    const query = new URLSearchParams(model.link.value);
    expect([query.get('region'), query.get('year'), query.get('view')]).toEqual(['demo', '2023', null]);
    expect(query.get('sector')).toBe(model.sector.value);
    expect(query.get('edition')).toBe(REGION.edition);
  });

  it('keeps to its edition after another was published, and says so', async () => {
    const { model, asked } = start(`?region=demo&edition=${KEPT}&area=grid-1km`);
    await settled();
    expect(model.region.value).toMatchObject({ edition: KEPT, years: [2021, 2022] });
    expect([model.year.value, model.picture.value?.key.edition]).toEqual([2022, KEPT]);
    expect(asked.filter((path) => path.includes(REGION.edition))).toEqual([]);
    expect([model.pinned.old.value, model.pinned.gone.value]).toEqual([true, null]);
    model.showPublished();
    await settled();
    expect(model.region.value?.edition).toBe(REGION.edition);
    expect(model.pinned.old.value).toBe(false);
    expect(model.view.value.edition).toBeNull();
  });

  it('says nothing of an edition that is the one published', async () => {
    const { model, asked } = start(`?region=demo&edition=${REGION.edition}`);
    await settled();
    expect(model.region.value?.edition).toBe(REGION.edition);
    expect([model.pinned.old.value, model.pinned.gone.value]).toEqual([false, null]);
    expect(asked.some((path) => path.startsWith('demo/?'))).toBe(false);
  });

  it('shows what is published where its edition is no longer kept', async () => {
    const { model } = start('?region=demo&edition=00000000deadbeef');
    await settled();
    expect(model.region.value?.edition).toBe(REGION.edition);
    expect([model.pinned.old.value, model.pinned.gone.value]).toEqual([false, '00000000deadbeef']);
    model.showPublished();
    await settled();
    expect(model.pinned.gone.value).toBeNull();
  });

  it('says so of what no edition can be called, without asking for it', async () => {
    const { model, asked } = start('?region=demo&edition=yesterday');
    await settled();
    expect(model.region.value?.edition).toBe(REGION.edition);
    expect([model.pinned.old.value, model.pinned.gone.value]).toEqual([false, 'yesterday']);
    expect(asked.some((path) => path.includes('yesterday'))).toBe(false);
    model.update({ edition: null });
    expect(model.pinned.gone.value).toBeNull();
  });

  it('leaves its edition behind when the region changes', async () => {
    const { model } = start(`?region=demo&edition=${KEPT}`);
    await settled();
    model.chooseRegion('other');
    await settled();
    expect(model.view.value.edition).toBeNull();
    expect(model.region.value?.id).toBe('other');
  });
});

describe('two places', () => {
  it('end when another place is chosen', async () => {
    const { model } = start('?sel=grid-1km/a&pair=b');
    await settled();
    expect(model.view.value.pair).toBe('b');
    model.update({ selected: { collection: 'grid-1km', id: 'c' } });
    expect(model.view.value.pair).toBeNull();
  });

  it('closes a question of a planner with its scenario, whatever closes that', () => {
    for (const close of [
      (model: ReturnType<typeof start>['model']) => {
        model.update({ scenarios: null });
      },
      (model: ReturnType<typeof start>['model']) => {
        model.chooseRegion('other');
      },
    ]) {
      const { model, history } = start('?region=demo&scenario=&plan=mix/0123456789abcdef');
      expect(model.view.value.plan).toEqual({ kind: 'mix', job: '0123456789abcdef' });
      close(model);
      expect(model.view.value.plan).toBeNull();
      model.update({ scenarios: [''] });
      expect(history.at(-1)).not.toContain('plan');
    }
  });

  it('ends a drawing with all that belongs to it', async () => {
    const { model } = start('?region=demo');
    await settled();
    const drawn: number[] = [];
    const draw = () => {
      model.drawnFor.value = { shape: 'area', then: (corners) => drawn.push(corners.length) };
      model.sketch.value = [
        [126.1, 37.1],
        [126.2, 37.1],
        [126.2, 37.2],
      ];
    };
    draw();
    model.endSketch();
    model.finishSketch();
    expect(drawn).toEqual([]);
    draw();
    model.chooseRegion('other');
    expect(model.sketch.value).toBeNull();
    expect(model.drawnFor.value).toBeNull();
    draw();
    model.finishSketch();
    expect(drawn).toEqual([3]);
    expect(model.view.value.measured).toBeNull();
  });

  it('makes nothing of fewer corners than the shape needs, and a line of two', async () => {
    const { model } = start('?region=demo');
    await settled();
    const drawn: string[] = [];
    for (const shape of ['area', 'line'] as const) {
      model.drawnFor.value = { shape, then: () => drawn.push(shape) };
      model.sketch.value = [
        [126.1, 37.1],
        [126.2, 37.1],
      ];
      model.finishSketch();
    }
    expect(drawn).toEqual(['line']);
  });
});
