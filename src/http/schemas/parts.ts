/** Small schemas that others are made of. */
import type { Properties, Schema } from '../route.js';

/** A reference to a named schema. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** An object of exactly these fields, all of which are there except those named in `optional`. */
export function object(properties: Properties, optional: readonly string[] = [], more: object = {}): Schema {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: 'object', properties, required, additionalProperties: false, ...more };
}

export function text(description: string, more: object = {}): Schema {
  return { type: 'string', description, ...more };
}

export function textOrNull(description: string): Schema {
  return { type: ['string', 'null'], description };
}

export function count(description: string, more: object = {}): Schema {
  return { type: 'integer', minimum: 0, description, ...more };
}

/** A number of ms that was measured, so it may have a fraction. */
export function duration(description: string): Schema {
  return { type: 'number', minimum: 0, description };
}

export function flag(description: string, more: object = {}): Schema {
  return { type: 'boolean', description, ...more };
}

export function listOf(items: Schema, description: string, more: object = {}): Schema {
  return { type: 'array', items, description, ...more };
}

export function instant(description: string): Schema {
  return { type: 'string', format: 'date-time', description };
}

/** Text that every store keeps as it is. */
export function name(maxLength: number, description: string): Schema {
  return { type: 'string', minLength: 1, maxLength, pattern: '^[^\\p{Cc}\\p{Cs}]*$', description };
}

export const STEP_ID = name(255, 'The id of a step.');

/** Of a list that is bounded: how many there are in all. */
export function total(of: string): Schema {
  return count(`How many ${of} there are. The list holds the first of them.`);
}
