import { defineConfig } from 'vitest/config';
import { budget } from './budget.ts';
import { firstFileOf, hints, LIBRARIES } from './chunks.ts';

// `npm run dev` passes API calls on to a served edition: `carbonmap serve` on its usual port.
const API = 'http://127.0.0.1:8000';

export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    // MapLibre is one large module that every page view needs: it stays whole, and cached when only our code changes.
    chunkSizeWarningLimit: 1600,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            ...Object.values(LIBRARIES),
            { name: firstFileOf, includeDependenciesRecursively: false },
            // One file for each large panel, or for several that are opened together: small files pack badly, and each is a request.
            {
              name: 'reports',
              test: /[\\/]src[\\/](report_|paper_map|scrolled|shapes|scenario[\\/]report|plan[\\/]plan_report)/,
              includeDependenciesRecursively: false,
            },
            {
              name: 'areas',
              test: /[\\/]src[\\/](measure_choice|measured_card|drawn_on_map|outlines|compare_bar|other_map)/,
              includeDependenciesRecursively: false,
            },
            {
              name: 'sheets',
              test: /[\\/]src[\\/](take_|about_sheet|assumptions|documents|sheet|shortcuts_sheet|table_|view_picture)/,
              includeDependenciesRecursively: false,
            },
            {
              name: 'card',
              test: /[\\/]src[\\/](card_body|trend|receipt|breakdown|chart|standings|pair_view)/,
              includeDependenciesRecursively: false,
            },
            {
              name: 'scenario',
              test: /[\\/]src[\\/](scenario[\\/](?!report)|plan[\\/]plan\.css|jobs|region_told|resting_pointer|texts[\\/]scenario\.ts)/,
              includeDependenciesRecursively: false,
            },
            {
              name: 'plan',
              test: /[\\/]src[\\/](plan[\\/](?!plan_report|plan\.css)|texts[\\/]plan\.ts)/,
              includeDependenciesRecursively: false,
            },
          ],
        },
      },
    },
  },
  plugins: [hints(), budget()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: { proxy: { '/api': API } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
