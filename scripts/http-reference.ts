/**
 * Writes the reference of docs/http-api.md from the table of routes.
 *
 * Invariants: it shows what `/openapi.json` says, because it is made from that document alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { STATUS_OF } from '../src/http/problem.js';
import { openApiDocument } from '../src/http/openapi.js';
import { routesOf } from '../src/http/routes.js';

const PAGE = fileURLToPath(new URL('../docs/http-api.md', import.meta.url));
const BEGIN = '<!-- The rest of this page is written by `npm run docs:http`. -->';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

interface Operation {
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  readonly 'x-action'?: string;
  readonly parameters: readonly { name: string; in: string; description?: string; schema: Schema }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: { readonly 'application/json': { readonly schema: Schema; readonly example: unknown } };
  };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Record<string, { schema?: Schema }>; headers?: object }>
  >;
}

interface Document {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The page with its reference as the table of routes has it. */
export async function pageWithReference(page: string): Promise<string> {
  const start = page.indexOf(BEGIN);
  if (start === -1) throw new Error(`docs/http-api.md has no line ${BEGIN}`);
  const metrics = { contentType: 'text/plain', metrics: () => '' };
  const document = openApiDocument(routesOf({ maxSteps: 1_000, metrics }), '') as unknown as Document;
  const text = `${page.slice(0, start)}${BEGIN}\n\n${reference(document)}`;
  return format(text, { ...(await resolveConfig(PAGE)), filepath: PAGE });
}

function reference(document: Document): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
  const groups = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags[0] === name);
    return `### ${name}\n\n${own.map((each) => operationText(each.name, each.operation)).join('\n')}`;
  });
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => schemaText(name, schema));
  const codes = Object.entries(STATUS_OF)
    .filter(([code, status]) => status !== 500 || code === 'INTERNAL')
    .sort(([, a], [, b]) => a - b)
    .map(([code, status]) => `| \`${code}\` | ${status} |`);
  return [
    `## Routes\n\n${groups.join('\n')}`,
    `## Objects\n\n${schemas.join('\n')}`,
    `## Codes of errors\n\n| Code | Status |\n| --- | --- |\n${codes.join('\n')}\n`,
  ].join('\n');
}

function operationText(name: string, operation: Operation): string {
  const { summary, description, parameters, requestBody, responses } = operation;
  const action = operation['x-action'];
  const lines = [`#### ${name}`, '', `${summary}.${description === undefined ? '' : ` ${description}`}`, ''];
  if (action !== undefined) lines.push(`- Action: \`${action}\``);
  for (const each of parameters)
    lines.push(`- ${each.in === 'path' ? 'Path' : 'Query'} ${field(each.name, each.schema, each.description)}`);
  if (requestBody !== undefined) {
    const { schema } = requestBody.content['application/json'];
    lines.push(`- Body${requestBody.required ? '' : ' (may be absent)'}: ${typeOf(schema)}`, ...fields(schema, '  '));
  }
  const failures: string[] = [];
  for (const [status, { description: text, content = {} }] of Object.entries(responses)) {
    const schema = content['application/json']?.schema;
    if ('application/problem+json' in content) failures.push(status);
    else
      lines.push(
        `- ${status}: ${text}${schema === undefined ? '' : ` ${typeOf(schema)}`}`,
        ...fields(schema ?? {}, '  '),
      );
  }
  lines.push(`- Errors: ${failures.join(', ')}`, '');
  return lines.join('\n');
}

function schemaText(name: string, schema: Schema): string {
  const lines = [`### ${name}`, '', ...(schema.description === undefined ? [] : [schema.description, ''])];
  if (schema.properties === undefined) lines.push(`- ${typeOf(schema)}`);
  else lines.push(...fields(schema, ''));
  return `${lines.join('\n')}\n`;
}

function fields({ properties = {}, required = [] }: Schema, indent: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const optional = required.includes(name) ? '' : ' (optional)';
    const line = `${indent}- ${field(name, schema, schema.description, optional)}`;
    return schema.properties === undefined ? [line] : [line, ...fields(schema, `${indent}  `)];
  });
}

function field(name: string, schema: Schema, description = '', optional = ''): string {
  const fallback = schema.default === undefined ? '' : ` Default \`${JSON.stringify(schema.default)}\`.`;
  return `\`${name}\`${optional}: ${typeOf(schema)}. ${description}${fallback}`.trimEnd();
}

/** The type of a value, in words. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace(/^.*\//, '');
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.format === 'date-time') return Array.isArray(schema.type) ? 'instant or null' : 'instant';
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeOf({ ...schema, type: String(type) })).join(' or ');
  return simpleType(schema);
}

function simpleType({ type, items, minimum, maximum, maxItems, properties, additionalProperties }: Schema): string {
  switch (type) {
    case 'array':
      return `list of ${items === undefined ? 'values' : typeOf(items)}${maxItems === undefined ? '' : `, at most ${maxItems}`}`;
    case 'object':
      return properties === undefined && typeof additionalProperties === 'object'
        ? `object of ${typeOf(additionalProperties)}`
        : 'object';
    case 'string':
      return 'text';
    case 'integer':
    case 'number': {
      const range = maximum === undefined ? '' : ` from ${minimum ?? 0} to ${maximum}`;
      return `${type === 'integer' ? 'whole number' : 'number'}${range}`;
    }
    case undefined:
      return 'any JSON value';
    default:
      return String(type);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, await pageWithReference(page));
}
