/** Checks what a client sent against the schemas of its route. */
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { Problem } from '../problem.js';
import type { Properties, Route } from '../route.js';
import { object } from '../schemas/parts.js';
import { compile } from './compiler.js';
import { readQuery } from './query.js';
import { violation } from './violation.js';

/** Routes are made once, so their schemas are compiled once. */
const compiled = new WeakMap<Route, Validator>();

export function validatorOf(route: Route): Validator {
  const known = compiled.get(route);
  if (known !== undefined) return known;
  const validator = new Validator(route);
  compiled.set(route, validator);
  return validator;
}

export class Validator {
  readonly #query: Properties;
  readonly #checks: Readonly<Record<'path' | 'query', ValidateFunction>>;
  readonly #body: ValidateFunction | undefined;
  readonly #bodyRequired: boolean;

  constructor({ params = {}, query = {}, body }: Route) {
    this.#query = query;
    this.#checks = { path: compile(object(params)), query: compile(object(query, Object.keys(query))) };
    this.#body = body === undefined ? undefined : compile(body.schema);
    this.#bodyRequired = body?.required ?? false;
  }

  /** @throws Problem `REQUEST_INVALID` */
  path(params: Record<string, string>): Record<string, string> {
    return passed(params, this.#checks.path, 'path');
  }

  /** @throws Problem `REQUEST_INVALID` */
  query(params: URLSearchParams): Record<string, unknown> {
    return passed(readQuery(params, this.#query), this.#checks.query, 'query');
  }

  /** @throws Problem `REQUEST_INVALID` */
  body(value: unknown): unknown {
    if (this.#body === undefined) return undefined;
    if (value === undefined && this.#bodyRequired)
      throw new Problem('REQUEST_INVALID', 'the body is missing; send JSON', { field: 'body' });
    return passed(value === undefined ? {} : value, this.#body, 'body');
  }
}

function passed<T>(value: T, check: ValidateFunction, part: string): T {
  if (check(value)) return value;
  const [error] = check.errors ?? [];
  throw error === undefined ? new Problem('REQUEST_INVALID', `the ${part} is not valid`) : violation(error, part);
}
