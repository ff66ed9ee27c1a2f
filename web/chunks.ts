/**
 * Which file of the build a module goes to: few files, so that the first map waits for few questions. The page asks the
 * API as soon as its own first file is there; what draws comes at the same time, in a second one.
 */
import type { Plugin } from 'vitest/config';

/** Others' code, each library whole in a file that stays cached when only ours changes. */
export const LIBRARIES = {
  MapLibre: { name: 'maplibre', test: /node_modules[\\/]maplibre-gl[\\/].*js$/ },
  Preact: { name: 'preact', test: /node_modules[\\/]@?preact[\\/].*js$/ },
} as const;

/** The files of our own that come first, by the module that each begins with. */
export const FIRST = { start: '/src/main.ts', page: '/src/app.tsx' } as const;

interface Graph {
  getModuleInfo(id: string): { readonly importers: readonly string[] } | null;
}

/** Whether a module cannot do without another, straight or through others. */
function isNeededBy(root: string, id: string, graph: Graph, seen = new Set<string>()): boolean {
  if (id.endsWith(root)) return true;
  if (seen.has(id)) return false;
  seen.add(id);
  return (graph.getModuleInfo(id)?.importers ?? []).some((one) => isNeededBy(root, one, graph, seen));
}

/** The file that one of our modules comes first in; null: it comes later, in a file of its panel. */
export function firstFileOf(id: string, graph: Graph): string | null {
  return Object.entries(FIRST).find(([, root]) => isNeededBy(root, id, graph))?.[0] ?? null;
}

/** Names the second file and its libraries in the page, so that nobody waits for the first one to ask for them. */
export function hints(): Plugin {
  return {
    name: 'carbonmap-hints',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
        const page = chunks.find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(FIRST.page)));
        if (!page) return html;
        const needed = [...page.imports, page.fileName].filter((name) => !html.includes(name));
        const styles = [page, ...chunks.filter(({ fileName }) => page.imports.includes(fileName))]
          .toReversed()
          .flatMap((chunk) => [...(chunk.viteMetadata?.importedCss ?? [])]);
        return [
          ...needed.map((name) => ({
            tag: 'link',
            attrs: { rel: 'modulepreload', crossorigin: true, href: `./${name}` },
            injectTo: 'head' as const,
          })),
          ...[...new Set(styles)].map((name) => ({
            tag: 'link',
            attrs: { rel: 'stylesheet', crossorigin: true, href: `./${name}` },
            injectTo: 'head' as const,
          })),
        ];
      },
    },
  };
}
