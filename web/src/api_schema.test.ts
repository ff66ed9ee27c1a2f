import openapiTS, { astToString } from 'openapi-typescript';
import { expect, it } from 'vitest';
import definition from '../openapi.json';
import schema from './api_schema.ts?raw';

it('is what the definition of the API says: run `npm run api` where it is not', async () => {
  const generated = astToString(await openapiTS(definition));
  expect(schema).toContain(generated.trim());
});
