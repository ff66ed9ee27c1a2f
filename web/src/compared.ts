/** What the view is compared with: a second picture to lay beside the first, or the difference of the two. */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Collection, Distribution, Result, TableKey } from './api';
import { differenceScale, leastTold, type Compare } from './compare';
import { deviationColumn } from './expressions';
import { THEMES } from './layers/themes';
import { loaded, resource, type Loadable } from './loading';
import { termsOf, writtenTerms } from './quantity';
import type { Scale } from './scale';
import { isOneOf, SECTORS, type Sector } from './sectors';
import { createShown, tileColumnsOf, type Known, type Less, type Picture, type Shown } from './shown';

export interface Compared {
  /** What is compared with, if this region can be. */
  readonly compare: ReadonlySignal<Compare | null>;
  /** What the other map draws; null: there is none, or it is not known yet. */
  readonly otherPicture: ReadonlySignal<Picture | null>;
  readonly otherSector: ReadonlySignal<Sector>;
  /** How the other side's values are spread; failed if that side cannot be had, as of an edition that is not kept. */
  readonly otherDistribution: ReadonlySignal<Loadable<Distribution>>;
  /** Classes of the difference shown; null: none is. */
  readonly differenceScale: ReadonlySignal<Scale | null>;
  /** How the difference is spread. */
  readonly differenceSpread: ReadonlySignal<Loadable<Distribution>>;
  /** Whether what makes a difference is still on its way. */
  readonly differenceWaiting: ReadonlySignal<boolean>;
  /** The picture, with a difference in it where one is asked for. */
  readonly picture: ReadonlySignal<Picture | null>;
  /** The other map says what it shows at a point; null while there is none. */
  readonly otherValueAt: Signal<((point: { x: number; y: number }) => number | null) | null>;
}

interface Difference {
  readonly spread: Distribution;
  /** The least change that a class of its own is made for. */
  readonly least: number;
}

/** How fine the spread of differences is asked for. */
const QUANTILES = 201;

export function createCompared(known: Known, shown: Shown): Compared {
  const { api, view, ground, region, year, active, attempt, note } = known;

  const compare = computed<Compare | null>(() => {
    const asked = view.value.compare;
    const here = region.value;
    if (!asked || !here) return null;
    // A table may have fewer years than the region.
    const years = active.value?.years ?? here.years;
    if (asked.by === 'year') return years.includes(Number(asked.other)) ? asked : null;
    if (asked.by === 'edition') return asked.other === here.edition ? null : asked;
    const there = asked.other === 'net' || (active.value?.sectors ?? []).includes(asked.other);
    return there ? asked : null;
  });
  // Each by itself: moving the cut must not ask or draw anything anew.
  const by = computed(() => compare.value?.by ?? null);
  const other = computed(() => compare.value?.other ?? '');
  const beside = computed(() => compare.value !== null && compare.value.how !== 'difference');

  const otherRegion = computed(() => {
    const here = region.value;
    if (!here || !beside.value) return null;
    return by.value === 'edition' ? { ...here, edition: other.value } : here;
  });
  const otherCollections = resource(
    () =>
      region.value && beside.value && by.value === 'edition'
        ? { region: region.value.id, edition: other.value }
        : null,
    (key, cancel) => api.collections(key.region, key.edition, cancel),
    attempt,
    note,
  );
  const otherShown = createShown({
    ...known,
    view: computed(() => {
      const sector = other.value;
      if (by.value !== 'sector' || !isOneOf(SECTORS, sector)) return view.value;
      return { ...view.value, sector, part: null };
    }),
    region: otherRegion,
    year: computed(() => (by.value === 'year' ? Number(other.value) : year.value)),
    active: computed<Collection | null>(() =>
      by.value === 'edition'
        ? ((loaded(otherCollections.value) ?? []).find(({ id }) => id === active.value?.id) ?? null)
        : active.value,
    ),
  });
  const otherPicture = computed<Picture | null>(() => {
    const picture = otherShown.picture.value;
    if (!beside.value || !picture) return null;
    const same = picture.sector === shown.sector.value && otherShown.part.value === shown.part.value;
    // Two editions, or two years, in the same classes: a colour means the same on both sides.
    return same && shown.scale.value ? { ...picture, scale: shown.scale.value } : picture;
  });

  const less = computed<Less | null>(() => {
    const asked = compare.value;
    const here = region.value;
    const collection = active.value;
    if (asked?.how !== 'difference' || !here || !collection || year.value === null) return null;
    const key = { region: here.id, edition: here.edition, collection: collection.id, year: year.value };
    const { sector, part, terms } = shown;
    const whole = {
      key,
      sector: sector.value,
      terms: terms.value,
      columns: part.value === null ? null : tileColumnsOf(collection.columns, terms.value),
      uncertain: part.value === null,
    };
    if (asked.by === 'year') {
      const before = Number(asked.other);
      return collection.years.includes(before) ? { ...whole, key: { ...key, year: before } } : null;
    }
    // Two editions of one year share what is uncertain: where they differ, something was corrected.
    if (asked.by === 'edition') return { ...whole, key: { ...key, edition: asked.other }, uncertain: false };
    if (!isOneOf(SECTORS, asked.other)) return null;
    const taken = termsOf(asked.other, null, collection.columns) ?? [];
    return { ...whole, sector: asked.other, terms: taken, columns: null };
  });
  const differing = resource(
    () => {
      const off = less.value;
      if (!off || !(active.value?.years ?? []).includes(year.value ?? 0)) return null;
      const table = { ...off.key, edition: region.value?.edition ?? '', year: year.value ?? 0 };
      const column = writtenTerms(shown.terms.value);
      const columns = active.value?.columns ?? [];
      const deviation = deviationColumn(shown.sector.value);
      const taken = writtenTerms(off.terms);
      return {
        table,
        column,
        unit: shown.unit.value,
        deviations:
          off.uncertain && columns.includes(deviation) && columns.includes(deviationColumn(off.sector))
            ? ([
                [table, deviation],
                [off.key, deviationColumn(off.sector)],
              ] as const)
            : null,
        less: {
          less: off.key.year,
          ...(taken === column ? {} : { less_column: taken }),
          ...(off.key.edition === table.edition ? {} : { less_edition: off.key.edition }),
        },
      };
    },
    async ({ table, column, unit, less: taken, deviations }, cancel): Promise<Result<Difference>> => {
      const of = (key: TableKey, name: string) => api.distribution(key, name, unit, cancel, QUANTILES);
      const [spread, now, before] = await Promise.all([
        api.distribution(table, column, unit, cancel, QUANTILES, taken),
        ...(deviations ?? []).map(([key, name]) => of(key, name)),
      ]);
      if (!spread.ok) return spread;
      // Without the intervals there are still classes, only finer ones than need be.
      const least = now?.ok && before?.ok ? leastTold(now.value, before.value) : 0;
      return { ok: true, value: { spread: spread.value, least } };
    },
    attempt,
    note,
  );
  const differenceSpread = computed<Loadable<Distribution>>(() => {
    const found = differing.value;
    return found.state === 'ready' ? { state: 'ready', value: found.value.spread } : found;
  });
  const scale = computed(() => {
    const found = loaded(differing.value);
    // Of every sector a rise is brown and a fall is blue: it is the same news whichever sector brings it.
    return found && differenceScale(found.spread, THEMES.net.ramps[ground.value], found.least);
  });

  return {
    compare,
    otherPicture,
    otherSector: otherShown.sector,
    otherDistribution: computed(() => {
      const listed = otherCollections.value;
      return listed.state === 'failed' ? listed : otherShown.distribution.value;
    }),
    differenceScale: scale,
    differenceSpread,
    differenceWaiting: computed(() => differing.value.state === 'loading'),
    picture: computed(() => {
      const picture = shown.picture.value;
      if (!picture || compare.value?.how !== 'difference') return picture;
      if (!less.value || !scale.value) return null;
      return { ...picture, tall: null, difference: { less: less.value, scale: scale.value } };
    }),
    otherValueAt: signal(null),
  };
}
