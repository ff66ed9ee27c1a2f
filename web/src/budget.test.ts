import { describe, expect, it } from 'vitest';
import { faultsOf, MOST_FIRST, weightsOf, type Built } from '../budget';

/** A file that gzip cannot make much smaller. */
function file(name: string, bytes: number, more: Partial<Built> = {}): Built {
  let seed = 7;
  const content = Uint8Array.from({ length: bytes }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed >> 16;
  });
  return { name, content, needs: [], modules: [], entry: false, ...more };
}

describe('the weight of a build', () => {
  const built = [
    file('index.html', 1000),
    file('index.js', 20_000, {
      entry: true,
      needs: ['maplibre-1.js', 'preact-4.js', 'shared.js', 'index.css', 'maplibre-3.css'],
    }),
    file('shared.js', 3000, { needs: ['index.js'] }),
    file('index.css', 5000),
    file('maplibre-1.js', 250_000),
    file('maplibre-3.css', 10_000),
    file('preact-4.js', 8000),
    file('maplibre-gl-worker-2.js', 160_000),
    file('table_sheet.js', 7000, { needs: ['shared.js'], modules: ['/web/src/table_sheet.tsx'] }),
    file('icon.svg', 90_000),
  ];

  it('counts once what loads first, with MapLibre and its worker, all of ours, and libraries apart', async () => {
    const { own, libraries, first, early } = await weightsOf(built);
    expect(first / 457_000).toBeCloseTo(1, 1);
    expect(own / 36_000).toBeCloseTo(1, 1);
    // Styles as scripts, and the worker with them.
    expect(libraries.MapLibre / 420_000).toBeCloseTo(1, 1);
    expect(libraries.Preact / 8000).toBeCloseTo(1, 1);
    expect(early).toEqual([]);
    expect(faultsOf({ own, first, early })).toEqual([]);
  });

  it('counts of texts in one file per language the longest, of each set of texts', async () => {
    const texts = (name: string, bytes: number) =>
      file(`${name}-x1.js`, bytes, { modules: [`/web/src/texts/${name}.ts`] });
    const spoken = [
      texts('ko', 6000),
      texts('uz', 5000),
      texts('scenario_en', 4000),
      texts('scenario_ru', 4500),
    ];
    const [{ first }, more] = [await weightsOf(built), await weightsOf([...built, ...spoken])];
    expect(more.own / 46_500).toBeCloseTo(1, 1);
    // The map is not drawn before its own texts are there; those of a panel come with that.
    expect((more.first - first) / 6000).toBeCloseTo(1, 1);
  });

  it('fails where a panel loads with the map, or too much does', async () => {
    const heavy = [
      file('index.js', 190_000, { entry: true, needs: ['table_sheet.js'] }),
      ...built.filter(({ name }) => name !== 'index.js'),
      file('maplibre-3.js', MOST_FIRST, { entry: true }),
    ];
    const faults = faultsOf(await weightsOf(heavy));
    expect(faults).toHaveLength(3);
    expect(faults.join()).toMatch(/our own code is 2\d\d kB.*first load is 9\d\d kB.*table_sheet would load/);
  });
});
