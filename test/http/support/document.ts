/**
 * Checks requests and answers against an OpenAPI document, as a client of another language would: from the document
 * alone, with a validator of its own.
 */
import formats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

type Json = Record<string, any>;

/** A request and its answer, as they went over the wire. */
export interface Exchanged {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** The value that was sent as JSON; `undefined` if none was. */
  readonly body: unknown;
  readonly status: number;
  readonly type: string;
  readonly answer: unknown;
}

export class DocumentCheck {
  readonly document: Json;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #compiled = new Map<unknown, ValidateFunction>();

  constructor(document: Json) {
    this.document = document;
    formats.default(this.#ajv);
    this.#ajv.addSchema({ $id: 'doc', $defs: absolute(document['components'].schemas) });
  }

  /** The operation that a request is for; `undefined` if the document has none. */
  operationOf(method: string, path: string): Json | undefined {
    const parts = pathOf(path).split('/');
    const verb = method.toLowerCase();
    const matching = Object.keys(this.document['paths']).filter((template) => {
      const wanted = template.split('/');
      const fits =
        wanted.length === parts.length && wanted.every((part, i) => part.startsWith('{') || part === parts[i]);
      return fits && verb in this.document['paths'][template];
    });
    const [best] = matching.sort((a, b) => Number(a.includes('{')) - Number(b.includes('{')));
    return best === undefined ? undefined : this.document['paths'][best][verb];
  }

  /** Fails the test unless the answer is as documented, and a request that breaks the document was refused. */
  check(exchanged: Exchanged): void {
    const { method, path, status, type, answer } = exchanged;
    const operation = this.operationOf(method === 'HEAD' ? 'GET' : method, path);
    if (method === 'HEAD' || method === 'OPTIONS') return;
    const where = `${method} ${path} → ${status}`;
    const response = operation?.['responses'][status];
    if (operation === undefined) expect([404, 405], where).toContain(status);
    else expect(response, `${where} is documented`).toBeDefined();
    const content: Json = response?.content ?? { 'application/problem+json': { schema: PROBLEM } };
    const schema = content[type.split(';')[0] ?? '']?.schema;
    expect(schema, `${where}: the type ${type} is documented`).toBeDefined();
    if (type.includes('json')) expect(this.errors(schema, answer), `${where}: ${JSON.stringify(answer)}`).toEqual([]);
    if (operation !== undefined && status < 400) expect(this.requestErrors(operation, exchanged), where).toEqual([]);
  }

  /** How a request breaks the document. */
  requestErrors(operation: Json, { path, body }: Pick<Exchanged, 'path' | 'body'>): unknown[] {
    const errors: unknown[] = [];
    const query = new URL(path, 'http://x').searchParams;
    const parameters: Json[] = operation['parameters'] ?? [];
    for (const name of query.keys())
      if (!parameters.some((each) => each['in'] === 'query' && each['name'] === name)) errors.push(`unknown: ${name}`);
    for (const { name, schema } of parameters.filter((each) => each['in'] === 'query'))
      if (query.has(name)) errors.push(...this.errors(schema, valueOf(query.getAll(name), schema)));
    const content = operation['requestBody']?.content['application/json'];
    if (content === undefined) return errors;
    if (body !== undefined) errors.push(...this.errors(content.schema, body));
    else if (operation['requestBody'].required) errors.push('no body');
    return errors;
  }

  /** How a value breaks a schema of the document. */
  errors(schema: unknown, value: unknown): unknown[] {
    let check = this.#compiled.get(schema);
    if (check === undefined) {
      check = this.#ajv.compile(absolute(schema) as Json);
      this.#compiled.set(schema, check);
    }
    return check(value) ? [] : [...(check.errors ?? [])];
  }
}

const PROBLEM = { $ref: '#/components/schemas/Problem' };

function pathOf(path: string): string {
  return path.replace(/\?.*$/, '').replace(/\/$/, '');
}

function valueOf(texts: readonly string[], schema: Json): unknown {
  if (schema['type'] === 'array') return texts;
  const [text = ''] = texts;
  return schema['type'] === 'integer' ? Number(text) : text;
}

function absolute(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/components/schemas/', '"doc#/$defs/'));
}
