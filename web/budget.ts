/**
 * What a reader must fetch before the first map, and how much of it is our own: every build is weighed, and one that is
 * too heavy fails. What opens later must come later.
 */
import type { Plugin } from 'vitest/config';
import { FIRST, LIBRARIES } from './chunks.ts';

/** In bytes as they are sent, gzip. */
const MOST_OWN = 150_000;
export const MOST_FIRST = 600_000;

/** Source files that must not be among what loads first: each belongs to a panel, a page or a tool. */
const LATER: readonly string[] = [
  'about_sheet',
  'breakdown_rows',
  'card_body',
  'compare_bar',
  'drawn_on_map',
  'measured_card',
  'other_map',
  'pair_view',
  'plan/plan_panel',
  'plan/plan_map',
  'plan/plan_legend',
  'plan/plan_report',
  'receipt_view',
  'report_page',
  'scenario/panel',
  'scenario/map_view',
  'scenario/legend',
  'scenario/pick_on_map',
  'scenario/report',
  'scenario/roads',
  'texts/plan_en',
  'texts/scenario_en',
  'table_sheet',
  'take_sheet',
  'trend',
  'view_picture',
];

/** A file of the build, as far as it is weighed. */
export interface Built {
  readonly name: string;
  readonly content: string | Uint8Array<ArrayBuffer>;
  /** Of scripts: names of those that they cannot run without, and of style sheets; what was put into them. */
  readonly needs: readonly string[];
  readonly modules: readonly string[];
  readonly entry: boolean;
}

interface Weights {
  /**
   * All scripts and styles but those of libraries' chunks, whenever they load; of texts that come in one file per
   * language the longest, since a reader fetches one.
   */
  readonly own: number;
  /** Libraries' scripts and styles. */
  readonly libraries: Readonly<Record<Library, number>>;
  /** Page, scripts, styles, MapLibre's worker, and the page's texts in the longest language. */
  readonly first: number;
  /** Modules of `LATER` that load first nevertheless. */
  readonly early: readonly string[];
}

type Library = keyof typeof LIBRARIES;

/** Whether a file is a library's: it, or its worker, is called by the library's name. */
function isOf(library: Library, file: string): boolean {
  return (file.split('/').at(-1) ?? '').startsWith(`${LIBRARIES[library].name}-`);
}

function isOwn(name: string): boolean {
  return !isOf('MapLibre', name) && !isOf('Preact', name);
}

const WEIGHED = /\.(js|css|html)$/;

/** Files that the entries need before anything can be drawn. */
function firstOf(files: readonly Built[]): Set<string> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const found = new Set<string>();
  const take = (name: string): void => {
    const file = byName.get(name);
    if (!file || found.has(name)) return;
    found.add(name);
    file.needs.forEach(take);
  };
  for (const { name, entry, modules } of files) {
    // What draws is asked for at once, though the entry could start without it.
    const draws = modules.some((module) => module.endsWith(FIRST.page));
    if (entry || draws || name.includes('maplibre-gl-worker') || name.endsWith('.html')) take(name);
  }
  return found;
}

async function sentBytes({ content }: Built): Promise<number> {
  const sent = new Blob([content]).stream().pipeThrough(new CompressionStream('gzip'));
  return (await new Response(sent).arrayBuffer()).byteLength;
}

export async function weightsOf(files: readonly Built[]): Promise<Weights> {
  const first = firstOf(files);
  const sizes = await Promise.all(
    files
      .filter(({ name }) => WEIGHED.test(name))
      .map(async (file) => ({ name: file.name, bytes: await sentBytes(file) })),
  );
  const language = (file: Built) =>
    file.modules.length === 1
      ? /\/src\/texts\/(\w*?)_?(?:en|ko|ru|uz)\.ts$/.exec(file.modules[0] ?? '')?.[1]
      : undefined;
  const spoken = new Map<string, string>();
  for (const file of files) {
    const texts = language(file);
    if (texts !== undefined) spoken.set(file.name, texts);
  }
  const unread = [...new Set(spoken.values())].flatMap((texts) =>
    sizes
      .filter(({ name }) => spoken.get(name) === texts)
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(1)
      .map(({ name }) => name),
  );
  const weight = (wanted: (name: string) => boolean) =>
    sizes.reduce((sum, { name, bytes }) => (wanted(name) ? sum + bytes : sum), 0);
  const loaded = files.filter(({ name }) => first.has(name)).flatMap(({ modules }) => modules);
  return {
    own: weight((name) => isOwn(name) && !unread.includes(name)),
    libraries: {
      MapLibre: weight((name) => isOf('MapLibre', name)),
      Preact: weight((name) => isOf('Preact', name)),
    },
    first:
      weight((name) => first.has(name)) +
      Math.max(0, ...sizes.map(({ name, bytes }) => (spoken.get(name) === '' ? bytes : 0))),
    early: LATER.filter((name) => loaded.some((module) => new RegExp(`/src/${name}\\.tsx?$`).test(module))),
  };
}

/** What is wrong with a build's weights, in words; none if they are within what is allowed. */
export function faultsOf({ own, first, early }: Omit<Weights, 'libraries'>): string[] {
  const kilo = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB gzip`;
  return [
    ...(own > MOST_OWN ? [`our own code is ${kilo(own)}, expected ${kilo(MOST_OWN)} at most`] : []),
    ...(first > MOST_FIRST ? [`the first load is ${kilo(first)}, expected ${kilo(MOST_FIRST)} at most`] : []),
    ...(early.length > 0
      ? [`${early.join(', ')} would load with the map: import them with lazily() or import()`]
      : []),
  ];
}

/** Weighs each build, says what it found, and fails it where that is too much. */
export function budget(): Plugin {
  return {
    name: 'carbonmap-budget',
    apply: 'build',
    async writeBundle(_, bundle) {
      const weights = await weightsOf(
        Object.values(bundle).map((file) =>
          file.type === 'asset'
            ? {
                name: file.fileName,
                content: typeof file.source === 'string' ? file.source : Uint8Array.from(file.source),
                needs: [],
                modules: [],
                entry: false,
              }
            : {
                name: file.fileName,
                content: file.code,
                needs: [...file.imports, ...(file.viteMetadata?.importedCss ?? [])],
                modules: file.moduleIds,
                entry: file.isEntry,
              },
        ),
      );
      const faults = faultsOf(weights);
      if (faults.length > 0) this.error(faults.join('; '));
      const told = {
        'own code': weights.own,
        ...weights.libraries,
        'first load': weights.first,
      };
      this.info(
        `gzip, kB: ${Object.entries(told)
          .map(([what, bytes]) => `${what} ${(bytes / 1000).toFixed(1)}`)
          .join(', ')}`,
      );
    },
  };
}
