/** docs/http-api.md: its reference is what the routes are, and its commands are requests that they take. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pageWithReference } from '../../scripts/http-reference.js';
import { HTTP_STATUS } from '../../src/http/problem.js';
import { openApiDocument } from '../../src/http/openapi.js';
import { routesOf } from '../../src/http/routes.js';
import { DocumentCheck } from './support/document.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/http-api.md', import.meta.url)), 'utf8');

test('the reference is up to date; npm run docs:http writes it', async () => {
  expect(await pageWithReference(page)).toBe(page);
});

test('each code of the API is explained', () => {
  const explained = page.slice(
    page.indexOf('These codes belong to the API'),
    page.indexOf('If the store fails in the middle of a batch'),
  );
  const named = [...explained.matchAll(/`([A-Z_]{4,})`/g)].map(([, code]) => code);
  expect(named.toSorted()).toEqual(Object.keys(HTTP_STATUS).toSorted());
});

test('each curl command is a request that the document has', () => {
  const check = new DocumentCheck(openApiDocument(routesOf({ maxSteps: 1_000, metrics: undefined }), ''));
  const commands = [...page.matchAll(/^curl .*$/gm)].map(([line]) => line);
  expect(commands.length).toBeGreaterThan(8);
  for (const command of commands) {
    const path = /"\$URL(\/[^"]*)"/.exec(command)?.[1] ?? '';
    const json = /--json '([^']*)'/.exec(command)?.[1];
    const method = json !== undefined || command.includes('-X POST') ? 'POST' : 'GET';
    const operation = check.operationOf(method, path);
    expect(operation, command).toBeDefined();
    const body: unknown = json === undefined ? undefined : JSON.parse(json);
    expect(check.requestErrors(operation ?? {}, { path, body }), command).toEqual([]);
  }
});
