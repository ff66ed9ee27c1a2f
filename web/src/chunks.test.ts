import { expect, it } from 'vitest';
import { firstFileOf } from '../chunks';

/** Who imports whom, as the bundler tells it. */
const IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  '/web/src/main.ts': [],
  '/web/src/model.ts': ['/web/src/main.ts', '/web/src/app.tsx'],
  '/web/src/app.tsx': [],
  '/web/src/map.ts': ['/web/src/app.tsx'],
  '/web/src/format.ts': ['/web/src/table_sheet.tsx', '/web/src/map.ts'],
  '/web/src/table_sheet.tsx': [],
  '/web/src/rows.tsx': ['/web/src/table_sheet.tsx', '/web/src/cell.tsx'],
  '/web/src/cell.tsx': ['/web/src/rows.tsx'],
};
const GRAPH = { getModuleInfo: (id: string) => ({ importers: IMPORTERS[id] ?? [] }) };

it.each([
  ['main.ts', 'start'],
  ['model.ts', 'start'],
  ['app.tsx', 'page'],
  ['map.ts', 'page'],
  ['format.ts', 'page'],
  ['table_sheet.tsx', null],
  ['rows.tsx', null],
  ['cell.tsx', null],
])('%s comes first in the file: %s', (module, file) => {
  expect(firstFileOf(`/web/src/${module}`, GRAPH)).toBe(file);
});
