/**
 * Checks the fields of an object that a user passed.
 *
 * Invariants: an error names the field and shows its value. For an unknown field it suggests the one that was probably
 * meant, by meaning or by spelling.
 */
import { types } from 'node:util';
import { nearest, show, ValidationError, type ErrorCode } from '../errors.js';
import { belongsElsewhere, synonymOf } from './field-synonyms.js';
import { isThenable } from './thenable.js';

/** Checks one value. @throws ValidationError with the table's code */
export type FieldCheck = (value: unknown, field: string, code: ErrorCode) => void;
export type FieldChecks = Readonly<Record<string, FieldCheck>>;

/** A check that passes where `test` returns true. @param expected completes "expected …" */
export function expecting(expected: string, test: (value: unknown) => boolean): FieldCheck {
  return (value, field, code) => {
    if (!test(value)) throw new ValidationError(code, field, `expected ${expected}, got ${show(value)}`);
  };
}

/** A check for one of a few words. The error suggests the nearest one. */
export function oneOfWords(...known: readonly string[]): FieldCheck {
  const expected = known.map((each) => `'${each}'`).join(' or ');
  return (value, field, code) => {
    if (known.some((each) => each === value)) return;
    const near = typeof value === 'string' ? nearest(value, known) : undefined;
    const hint = near === undefined ? '' : `; did you mean '${near}'?`;
    throw new ValidationError(code, field, `expected ${expected}, got ${show(value)}${hint}`);
  };
}

export function integer(least: number, most: number): FieldCheck {
  return expecting(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

/** The longest duration that is taken: a hundred years of ms. */
export const MAX_DURATION_MS = 3_155_760_000_000;

/** A duration in ms, 0 or more. */
export const milliseconds: FieldCheck = expecting(
  `milliseconds from 0 to ${MAX_DURATION_MS}`,
  (value) => typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS,
);

/** A duration in ms, 1 or more. */
export const positiveMilliseconds: FieldCheck = expecting(
  `milliseconds from 1 to ${MAX_DURATION_MS}`,
  (value) => typeof value === 'number' && value >= 1 && value <= MAX_DURATION_MS,
);

/** The same, or `null` for none. */
export const positiveMillisecondsOrNull: FieldCheck = expecting(
  `milliseconds from 1 to ${MAX_DURATION_MS}, or null`,
  (value) => value === null || (typeof value === 'number' && value >= 1 && value <= MAX_DURATION_MS),
);

/** The last instant that a `Date` can name. */
const MAX_INSTANT = 8_640_000_000_000_000;

/** An instant, from 1970 on. */
export const instant: FieldCheck = expecting('a valid Date or epoch milliseconds', (value) => {
  const ms: unknown = types.isDate(value) ? value.getTime() : value;
  return typeof ms === 'number' && ms >= 0 && ms <= MAX_INSTANT;
});

export const boolean: FieldCheck = expecting('true or false', (value) => typeof value === 'boolean');

/** @param items what it holds, such as 'steps' */
export function iterableOf(items: string): FieldCheck {
  return expecting(
    `an iterable of ${items}`,
    (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
  );
}

/** Text that every store keeps as it is: no control characters and no half surrogates. */
export function name(maxLength: number): FieldCheck {
  return expecting(
    `text of 1 to ${maxLength} characters without control characters`,
    (value) =>
      typeof value === 'string' && value.length > 0 && value.length <= maxLength && !/[\p{Cc}\p{Cs}]/u.test(value),
  );
}

/** The id of a step, wherever one is asked for. @throws ValidationError `STEP_INVALID` */
export function checkStepId(stepId: unknown): void {
  stepIdCheck(stepId, 'stepId', 'STEP_INVALID');
}

const stepIdCheck = name(255);

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object of named values. A promise, a `Map`, a `Set` or a `Date` has none: what it holds would be ignored. */
export const record: FieldCheck = (value, field, code) => {
  const thenable = readable(() => isObject(value) && isThenable(value));
  const other = thenable || types.isDate(value) || readable(() => isObject(value) && Symbol.iterator in value);
  if (isObject(value) && !other) return;
  throw new ValidationError(code, field, `expected an object, got ${show(value)}${thenable ? '; await it first' : ''}`);
};

/** The test's answer; `false` if a getter or a trap of the value throws. */
function readable(test: () => boolean): boolean {
  try {
    return test();
  } catch {
    return false;
  }
}

/**
 * Checks every field of `value` that is not `undefined`.
 *
 * @param prefix the path in front of the field's name; `''` for none
 * @throws ValidationError
 */
export function checkFields(value: unknown, checks: FieldChecks, code: ErrorCode, prefix: string): void {
  const keys = isObject(value) ? Object.keys(value) : [];
  if (keys.length === 0) record(value, prefix === '' ? 'step' : prefix, code);
  for (const key of keys) {
    if (!Object.hasOwn(checks, key)) throw unknownField(key, pathOf(prefix, key), checks, code);
  }
  // By the table, not by the object's own keys: what is inherited (a getter of a class) is read too. `in`, because it
  // makes nothing: every submitted step comes through here. It also visits what a host put on `Object.prototype`, which
  // is no field.
  // eslint-disable-next-line no-restricted-syntax
  for (const key in checks) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined && Object.hasOwn(checks, key)) checks[key]?.(field, pathOf(prefix, key), code);
  }
}

const pathOf = (prefix: string, key: string): string => (prefix === '' ? key : `${prefix}.${key}`);

function unknownField(key: string, path: string, checks: FieldChecks, code: ErrorCode): ValidationError {
  const known = Object.keys(checks);
  const synonym = synonymOf(key, known);
  const elsewhere = synonym === undefined ? belongsElsewhere(key, known) : undefined;
  if (elsewhere !== undefined) return new ValidationError(code, path, `is not known; ${elsewhere}`);
  const meant = synonym ?? nearest(key, known);
  return new ValidationError(code, path, `is not known${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}
