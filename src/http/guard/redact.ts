/**
 * Hides what steps carry, by type.
 *
 * Invariants:
 * - Every answer that shows a step asks `hides` for each of its values: a listing, a search, a single step, an error.
 * - An error may quote what a handler was given or computed. If anything of a type is hidden, its errors are hidden too,
 *   but for their name and code.
 * - Ids, counts and times are never hidden: a step is found and counted by them.
 */
import { ValidationError } from '../../index.js';

/** What of a step type is hidden. */
export type Hidden = 'args' | 'result' | 'both';

/** What is hidden, by step type. `*` stands for every type without an entry of its own. */
export type Redact = Readonly<Record<string, Hidden>>;

/** The values of a step that come from users. */
export type StepValue = 'args' | 'metadata' | 'result' | 'error';

export interface Redaction {
  /** Whether answers hide this value of the steps of this type. */
  hides(type: string, value: StepValue): boolean;
}

const HIDES: Readonly<Record<Hidden, readonly StepValue[]>> = {
  args: ['args', 'metadata', 'error'],
  result: ['result', 'error'],
  both: ['args', 'metadata', 'result', 'error'],
};

/** @throws ValidationError `OPTION_INVALID`, naming the entry */
export function redaction(redact: unknown): Redaction {
  if (redact === undefined) return { hides: () => false };
  if (typeof redact !== 'object' || redact === null || Array.isArray(redact))
    throw new ValidationError(
      'OPTION_INVALID',
      'redact',
      `expected an object from step type to 'args', 'result' or 'both', got ${kindOf(redact)}`,
    );
  const hidden = new Map(Object.entries(redact).map(([type, what]) => [type, hiddenBy(type, what)]));
  const others = hidden.get('*') ?? [];
  return { hides: (type, value) => (hidden.get(type) ?? others).includes(value) };
}

function hiddenBy(type: string, what: unknown): readonly StepValue[] {
  if (type === '')
    throw new ValidationError('OPTION_INVALID', 'redact', "expected step types or '*', got an empty name");
  if (typeof what === 'string' && Object.hasOwn(HIDES, what)) return HIDES[what as Hidden];
  throw new ValidationError(
    'OPTION_INVALID',
    `redact.${type.slice(0, 80)}`,
    `expected 'args', 'result' or 'both', got ${typeof what === 'string' ? JSON.stringify(what.slice(0, 80)) : kindOf(what)}`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value;
}
