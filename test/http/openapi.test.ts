/** The OpenAPI document: whether it is valid, and whether it is what the routes do. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { createHandler, type HttpOptions } from 'fleet-q/http';
import { ACTIONS, type Action } from '../../src/http/action.js';
import { STATUS_OF } from '../../src/http/problem.js';
import { routesOf } from '../../src/http/routes.js';
import { SCHEMAS } from '../../src/http/schemas.js';
import { newQueue } from '../support/queues.js';
import { TOKEN } from './support/api.js';
import { DocumentCheck } from './support/document.js';

const METRICS = { contentType: 'text/plain; version=0.0.4', metrics: () => 'up 1\n' };
const ALL = { maxSteps: 1_000, metrics: METRICS };

async function documentOf(options: HttpOptions = {}): Promise<Record<string, any>> {
  const handler = createHandler(newQueue(), { auth: TOKEN, ...options });
  const url = `http://pod${options.basePath ?? ''}/openapi.json`;
  const response = await handler(new Request(url, { headers: { authorization: `Bearer ${TOKEN}` } }));
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, any>;
}

/** Every operation, with its method and path. */
function operationsOf(document: Record<string, any>): { name: string; operation: Record<string, any> }[] {
  return Object.entries(document['paths']).flatMap(([path, methods]) =>
    Object.entries(methods as object).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation: operation as Record<string, any>,
    })),
  );
}

describe('the document', () => {
  test('is valid OpenAPI 3.1, by a validator of others', async () => {
    const result = await new Validator().validate(await documentOf({ metrics: METRICS, basePath: '/queue' }));
    expect(result).toEqual({ valid: true });
  });

  test('has every route, and no other', async () => {
    const document = await documentOf({ metrics: METRICS });
    const routes = routesOf(ALL).map(({ method, path }) => `${method} ${path}`);
    expect(
      operationsOf(document)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...routes].sort());
  });

  test('has /metrics if there are metrics only, and names the base path', async () => {
    const document = await documentOf({ basePath: '/ops/queue' });
    expect(Object.keys(document['paths'])).not.toContain('/metrics');
    expect(document['servers']).toEqual([{ url: '/ops/queue' }]);
  });

  test('names each operation once, and sorts each into a group', async () => {
    const operations = operationsOf(await documentOf({ metrics: METRICS }));
    const ids = operations.map(({ operation }) => operation['operationId'] as string);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, operation } of operations) {
      expect(operation['tags'], name).toHaveLength(1);
      expect(operation['summary'], name).toMatch(/^[A-Z].*[^.]$/);
    }
  });

  test('asks for a token everywhere but at the probes, and names the action', async () => {
    const document = await documentOf({ metrics: METRICS });
    expect(document['security']).toEqual([{ token: [] }]);
    for (const { name, operation } of operationsOf(document)) {
      const isProbe = operation['tags'][0] === 'Probes' || name === 'GET /health';
      expect(operation['security'], name).toEqual(isProbe ? [] : undefined);
      if (!isProbe) expect(ACTIONS, name).toContain(operation['x-action']);
    }
  });

  test('lists the errors of every operation', async () => {
    for (const { name, operation } of operationsOf(await documentOf({ metrics: METRICS }))) {
      const statuses = Object.keys(operation['responses']);
      expect(statuses, name).toEqual(expect.arrayContaining(['500']));
      if (operation['security'] !== undefined) continue;
      expect(statuses, name).toEqual(expect.arrayContaining(['400', '401', '403', '500', '503']));
      if (operation['requestBody'] !== undefined)
        expect(statuses, name).toEqual(expect.arrayContaining(['413', '415']));
      if (name.includes('{step_id}')) expect(statuses, name).toContain('404');
    }
  });

  test('shows the bound of a batch', async () => {
    const document = await documentOf({ maxSteps: 7 });
    const schema = document['paths']['/api/steps/batch'].post.requestBody.content['application/json'].schema;
    expect(schema.properties.steps.maxItems).toBe(7);
  });

  test('has examples that match their schemas', async () => {
    const document = await documentOf({ metrics: METRICS });
    const check = new DocumentCheck(document);
    for (const { name, operation } of operationsOf(document)) {
      const content = operation['requestBody']?.content['application/json'];
      if (content === undefined) continue;
      expect(check.requestErrors(operation, { path: '/', body: content.example }), name).toEqual([]);
    }
    const examples = Object.entries(SCHEMAS).flatMap(([name, schema]) =>
      ((schema as { examples?: unknown[] }).examples ?? []).map((example) => [name, example] as const),
    );
    expect(examples.map(([name]) => name)).toEqual(expect.arrayContaining(['Problem', 'Step', 'NewStep']));
    for (const [name, example] of examples)
      expect(check.errors({ $ref: `#/components/schemas/${name}` }, example), name).toEqual([]);
  });

  test('has named schemas that are all used, and describes each field', async () => {
    const text = JSON.stringify(await documentOf({ metrics: METRICS }));
    for (const name of Object.keys(SCHEMAS)) expect(text).toContain(`"#/components/schemas/${name}"`);
    const undescribed = [...text.matchAll(/"description":""/g)];
    expect(undescribed).toEqual([]);
  });
});

describe('the table of routes', () => {
  test('has an action for every route but the probes, and uses every action', () => {
    const routes = routesOf(ALL);
    const used = new Set<Action | undefined>(routes.flatMap(({ action, moreFor }) => [action, moreFor]));
    for (const action of ACTIONS) expect(used).toContain(action);
    for (const { path, action, tag } of routes) expect(action === undefined, path).toBe(tag === 'Probes');
  });

  test('has a status for every code', () => {
    for (const [code, status] of Object.entries(STATUS_OF)) {
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(status, code).toBeLessThan(600);
    }
  });
});
