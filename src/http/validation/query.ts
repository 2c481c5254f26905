/**
 * Reads the query parameters of a request by their schemas.
 *
 * Invariants: a text that is no number or no boolean stays a text, so that its schema refuses it and shows it.
 */
import type { Properties, Schema } from '../route.js';
import { invalid } from './violation.js';

interface Typed {
  readonly type?: unknown;
  readonly format?: unknown;
}

/** @throws Problem `REQUEST_INVALID` if a parameter that has one value is given twice */
export function readQuery(params: URLSearchParams, schemas: Properties): Record<string, unknown> {
  const values = new Map<string, unknown>();
  for (const name of new Set(params.keys())) {
    const schema = typed(Object.hasOwn(schemas, name) ? schemas[name] : undefined);
    const texts = params.getAll(name);
    if (schema.type === 'array') values.set(name, texts);
    else if (texts.length > 1) throw invalid(name, `expected one value, got ${texts.length}`);
    else values.set(name, typedValue(texts[0] ?? '', schema));
  }
  return Object.fromEntries(values);
}

const typed = (schema: Schema | undefined): Typed => (typeof schema === 'object' ? schema : {});

function typedValue(text: string, { type, format }: Typed): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  // In a query `+` is a space: the offset of an instant that was not escaped.
  return format === 'date-time' ? text.replace(/ (?=\d\d:\d\d$)/, '+') : text;
}
