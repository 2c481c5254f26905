/**
 * Compiles the schemas of the routes with ajv.
 *
 * Invariants: the checks and the document use the same schemas, and the same named ones.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Schema } from '../route.js';
import { SCHEMAS } from '../schemas.js';
import { isInstant } from './instant.js';

/** The base of references, so that a schema finds the named ones from anywhere. */
const BASE = 'fleet-q';

const ajv = new Ajv2020({ useDefaults: true, verbose: true, strictTypes: false });
ajv.addFormat('date-time', { type: 'string', validate: isInstant });
ajv.addSchema({ $id: BASE, $defs: absolute(SCHEMAS) });

/** A function that checks a value, and fills in defaults. */
export function compile(schema: Schema): ValidateFunction {
  return ajv.compile(absolute(schema) as object | boolean);
}

/** The same schema with references that do not depend on where it stands. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      key === '$ref' && typeof part === 'string'
        ? part.replace('#/components/schemas', `${BASE}#/$defs`)
        : absolute(part),
    ]),
  );
}
