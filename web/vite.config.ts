import { defineConfig } from 'vitest/config';

// `npm run dev` passes API calls on to a served edition: `carbonmap serve` on its usual port.
const API = 'http://127.0.0.1:8000';

export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    // MapLibre is one large module that every page view needs; splitting it would only delay the first map.
    chunkSizeWarningLimit: 1600,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: { proxy: { '/api': API } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
