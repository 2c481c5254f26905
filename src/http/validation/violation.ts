/**
 * Turns what ajv found into the error that a client gets.
 *
 * Invariants: it names the field, shows the value (shortened), and for an unknown name suggests the nearest one.
 */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { nearest, show } from '../../errors.js';
import { Problem } from '../problem.js';

/** A schema, as far as messages read it. */
interface Described {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** @param part what was checked as a whole, such as `body`; a field at its top is named without it */
export function violation(error: ErrorObject, part: string): Problem {
  const at = fieldAt(error.instancePath);
  const schema = (error.parentSchema ?? {}) as Described;
  if (error.keyword === 'additionalProperties') {
    const given = (error.params as { additionalProperty: string }).additionalProperty;
    const near = nearest(given, Object.keys(schema.properties ?? {}));
    return invalid(join(at, given), `is not known${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  if (error.keyword === 'required') {
    const { missingProperty } = error.params as { missingProperty: string };
    return invalid(join(at, missingProperty), 'is missing');
  }
  return invalid(
    at === '' ? part : at,
    `expected ${expected(schema)}, got ${shown(at, error.data)}${meant(schema, error)}`,
  );
}

/** Metadata may be secret, so only its kind is shown. */
function shown(at: string, value: unknown): string {
  if (!/(^|\.)metadata$/.test(at)) return show(value);
  if (Array.isArray(value)) return 'an array';
  return value === null ? 'null' : typeof value;
}

/** A field whose value is wrong. */
export function invalid(field: string, problem: string): Problem {
  const short = field.length > 200 ? `${field.slice(0, 199)}…` : field;
  return new Problem('REQUEST_INVALID', `${short}: ${problem}`, { field: short });
}

/** From `/steps/3/priority` to `steps[3].priority`. */
function fieldAt(pointer: string): string {
  const parts = pointer.split('/').slice(1);
  return parts.reduce((path, part) => join(path, part.replaceAll('~1', '/').replaceAll('~0', '~')), '');
}

function join(path: string, part: string): string {
  if (/^\d+$/.test(part)) return `${path}[${part}]`;
  return path === '' ? part : `${path}.${part}`;
}

function meant(schema: Described, { data }: ErrorObject): string {
  if (schema.enum === undefined || typeof data !== 'string') return '';
  const near = nearest(
    data,
    schema.enum.filter((word) => typeof word === 'string'),
  );
  return near === undefined ? '' : `; did you mean ${show(near)}?`;
}

function expected(schema: Described): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.map(show).join(', ')}`;
  switch (schema.type) {
    case 'integer':
      return `a whole number${range(schema.minimum, schema.maximum)}`;
    case 'number':
      return `a number${range(schema.minimum, schema.maximum)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${range(schema.minItems, schema.maxItems, ' of', ' items')}`;
    case 'object':
      return 'an object';
    default:
      return schema.format === 'date-time'
        ? 'an instant such as "2026-01-31T12:00:00Z", from 1970 on'
        : `text${range(schema.minLength, schema.maxLength, ' of', ' characters without control characters')}`;
  }
}

function range(least: number | undefined, most: number | undefined, of = '', unit = ''): string {
  if (least === undefined && most === undefined) return '';
  if (most === undefined) return `${of} at least ${least ?? 0}${unit}`;
  return of === '' ? ` from ${least ?? 0} to ${most}` : `${of} ${least ?? 0} to ${most}${unit}`;
}
