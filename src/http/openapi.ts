/** The OpenAPI 3.1 document of a table of routes. */
import { VERSION } from '../index.js';
import type { AnswerSpec, Properties, Route } from './route.js';
import { SCHEMAS } from './schemas.js';
import { ref } from './schemas/parts.js';

/** Errors that every route but a probe may answer. */
const COMMON_PROBLEMS = [400, 401, 403, 500, 503];

const DESCRIPTION_OF: Readonly<Record<number, string>> = {
  400: 'The request is not valid; `field` names what is wrong.',
  401: 'The token is missing or wrong.',
  403: 'This is not allowed, or the request came from a foreign origin.',
  404: 'There is no such step.',
  405: 'There is no such method here; `Allow` names those there are.',
  409: 'The state of the step or of the pod does not allow it.',
  413: 'The body, or a payload in it, is too large.',
  415: 'The body is not JSON.',
  422: 'The store cannot hold a value of the request.',
  500: 'An unexpected error. The log of the pod has it.',
  503: 'The store does not answer, or the pod is stopping.',
};

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>;

export function openApiDocument(routes: readonly Route[], basePath: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'FLEET-Q',
      version: VERSION,
      description: 'A pod of FLEET-Q, a brokerless, durable task queue.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The token of the option `auth`.' } },
    },
    security: [{ token: [] }],
  };
}

function operation(route: Route): Json {
  const { tag, operationId, summary, description, action, body } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(action === undefined ? { security: [] } : { 'x-action': action }),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.required,
            content: { 'application/json': { schema: body.schema, example: body.example } },
          },
        }),
    responses: responses(route),
  };
}

function parameters(properties: Properties | undefined, place: 'path' | 'query'): Json[] {
  return Object.entries(properties ?? {}).map(([name, schema]) => {
    const { description, ...rest } = typeof schema === 'object' ? schema : {};
    return { name, in: place, required: place === 'path', description, schema: rest };
  });
}

function responses({ answers, problems = [], action, body }: Route): Json {
  const own = Object.entries(answers).map(([status, spec]): [string, Json] => [status, response(spec)]);
  const bodies = body === undefined ? [] : [413, 415];
  const errors = action === undefined ? [500] : [...COMMON_PROBLEMS, ...bodies, ...problems];
  const content = { 'application/problem+json': { schema: ref('Problem') } };
  const failed = errors.map((status): [string, Json] => [
    String(status),
    { description: DESCRIPTION_OF[status] ?? 'An error.', content },
  ]);
  return Object.fromEntries([...failed, ...own].sort(([a], [b]) => Number(a) - Number(b)));
}

function response({ description, schema, mediaType = 'application/json', headers, example }: AnswerSpec): Json {
  const shown = {
    ...(schema === undefined ? { schema: { type: 'string' } } : { schema }),
    ...(example === undefined ? {} : { example }),
  };
  return {
    description,
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, { schema: each }])) }),
    content: { [mediaType]: shown },
  };
}
