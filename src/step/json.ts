/**
 * Checks that a value can travel as JSON, for the compiler and at run time.
 *
 * Invariants: no value changes silently. A value that `JSON.stringify` would drop or change (a function, NaN, a
 * Map, a Date) is refused, with its path. Only a property that is `undefined` is left out, as everywhere in JSON.
 */
import { types } from 'node:util';
import { asError, isA, isError, show, ValidationError, type ErrorCode } from '../errors.js';

type Refused =
  | bigint
  | symbol
  | Date
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | RegExp
  | ((...args: never) => unknown);

type Plain = string | number | boolean | null | undefined | void;

/** `T` with `never` in the place of each part that JSON cannot carry; mapped lazily, so that types may be recursive. */
type Carried<T> = unknown extends T
  ? T
  : T extends Plain
    ? T
    : T extends Refused
      ? never
      : { [K in keyof T]: Carried<T[K]> };

/** `true` if every value of `T` survives JSON. `unknown` passes; the run-time check decides. */
export type IsJson<T> = [T] extends [Carried<T>] ? true : false;

/** Intersected with a parameter's type: `unknown` if `T` is JSON, otherwise a type whose name says what cannot travel. */
export type JsonGuard<T, What extends string> =
  false extends IsJson<T> ? { [K in `${What} cannot travel as JSON`]: never } : unknown;

/** What the error says of a value that JSON cannot carry. */
export interface JsonTextOptions {
  /** The path of the value in messages. */
  readonly field: string;
  readonly code: ErrorCode;
}

/**
 * The JSON text of `value`.
 *
 * @throws ValidationError that names the path of what JSON cannot carry: `undefined` at the top or in an array, a
 * bigint, a function, a symbol, NaN or an infinity, a cycle, a Date, Map, Set or RegExp, a `toJSON` or getter that throws
 */
export function jsonText(value: unknown, options: JsonTextOptions): string {
  try {
    check(value, options.field, []);
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return text; // a `toJSON` may return undefined
  } catch (error) {
    if (isA(error, Refusal)) throw new ValidationError(options.code, error.path, error.message);
    throw new ValidationError(options.code, options.field, `JSON cannot carry it: ${asError(error).message}`, {
      cause: error,
    });
  }
  throw new ValidationError(options.code, options.field, `JSON cannot carry ${show(value)}`);
}

/** Why a JSON text is too long, if it has more than `maxBytes` bytes of UTF-8. */
export function excessOf(text: string, maxBytes: number): string | undefined {
  // One UTF-16 unit is at most three bytes of UTF-8, so only a long text is measured.
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = Buffer.byteLength(text);
  return bytes > maxBytes ? `has ${bytes} bytes of JSON, at most ${maxBytes} are allowed` : undefined;
}

class Refusal extends Error {
  readonly path: string;
  constructor(path: string, value: unknown, why = 'JSON cannot carry it') {
    super(`${why}, got ${show(value)}`);
    this.path = path;
  }
}

/** Most values are plain: nothing to look into, and no path to build for a message. */
function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || value === null || Number.isFinite(value);
}

function check(value: unknown, path: string, above: object[]): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (Number.isFinite(value)) return;
      throw new Refusal(path, value, 'expected a finite number');
    case 'object':
      if (value === null) return;
      return checkObject(value, path, above);
    default:
      throw new Refusal(path, value);
  }
}

const MAX_DEPTH = 200;

/**
 * JSON would keep nothing of these, or something else, unless they have a `toJSON` of their own. They are not recognized by
 * `instanceof`: a value may come from another realm, whose `Map` is another class.
 */
const CHANGED: readonly ((value: object) => boolean)[] = [
  types.isMap,
  types.isSet,
  types.isWeakMap,
  types.isWeakSet,
  types.isRegExp,
  types.isPromise,
  isError,
  types.isAnyArrayBuffer,
  types.isBoxedPrimitive,
  (value) => Object.prototype.toString.call(value) === '[object WeakRef]',
];

/** Most objects are arrays and plain objects, which need no further check. */
function mayChange(value: object): boolean {
  return !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype;
}

function checkObject(value: object, path: string, above: object[], spoken = false): void {
  if (above.includes(value)) throw new Refusal(path, value, 'expected no cycle');
  if (above.length >= MAX_DEPTH) throw new Refusal(path, value, `expected at most ${MAX_DEPTH} levels`);
  if (types.isDate(value)) throw new Refusal(path, value, 'JSON has no dates: pass toISOString() or getTime()');
  if (ArrayBuffer.isView(value)) throw new Refusal(path, value);
  if (!spoken && speaks(value)) return checkSpoken(value.toJSON(''), path, above);
  if (mayChange(value) && CHANGED.some((isOf) => isOf(value))) throw new Refusal(path, value);
  above.push(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i])) check(value[i], `${path}[${i}]`, above);
  } else {
    for (const key of Object.keys(value)) {
      const child: unknown = (value as Record<string, unknown>)[key];
      if (child !== undefined && !isPlain(child)) check(child, `${path}.${key}`, above);
    }
  }
  above.pop();
}

function speaks(value: object): value is { toJSON(key: string): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** JSON does not call the `toJSON` of a value that a `toJSON` returned. */
function checkSpoken(answer: unknown, path: string, above: object[]): void {
  if (typeof answer === 'object' && answer !== null) checkObject(answer, path, above, true);
  else check(answer, path, above);
}
