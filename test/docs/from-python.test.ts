/** The pages for those who are new: the routes of the Python FLEET-Q, and the length of Getting started. */
import { expect, test } from 'vitest';
import { routesOf } from '../../src/http/routes.js';
import { quoted, read, section, table } from './markdown.js';

const text = read('docs/from-python.md');

test('has every route of the Python FLEET-Q, as the table of routes has them', () => {
  const rows = table(section(text, '## Routes'));
  const documented = rows.map(({ Route }) => quoted(Route)[0] ?? '');
  const ours = /^\/(api|livez|readyz|startupz|metrics|openapi)/;
  const kept = routesOf({ maxSteps: 1, metrics: undefined }).filter(({ path }) => !ours.test(path));
  expect(documented.toSorted()).toEqual(kept.map(({ method, path }) => `${method} ${path}`).toSorted());
  expect(documented).toHaveLength(7);
});

test('Getting started fits in 400 words, code included', () => {
  const [, , page = ''] = read('docs/quick-start.md').split('---\n');
  const words = page.split(/\s+/).filter((word) => /\w/.test(word));
  expect(words.length).toBeLessThanOrEqual(400);
  expect(words.length).toBeGreaterThan(200);
});
