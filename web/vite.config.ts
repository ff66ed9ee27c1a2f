import { defineConfig } from 'vitest/config';
import { budget } from './budget.ts';

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
            { name: 'maplibre', test: /node_modules[\\/]maplibre-gl[\\/].*js$/ },
            { name: 'preact', test: /node_modules[\\/]@?preact[\\/].*js$/ },
          ],
        },
      },
    },
  },
  plugins: [budget()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: { proxy: { '/api': API } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
