/**
 * Ids that are made from the content of a step, so that the same step has the same id in every process.
 *
 * Invariants: an id is a UUID of version 5 (RFC 9562 §5.5). The namespaces never change: a change would let the same step
 * be submitted twice.
 */
import { createHash } from 'node:crypto';
import type { IdSource } from './id-source.js';
import { jsonText } from './json.js';

/** Of ids that are made from an idempotency key. */
const KEYED = Buffer.from('5c1f4c6e2f3b5a5d9f0b6f0e7d1c2a38', 'hex');
/** Of ids of steps that a handler submits. */
const CHILD = Buffer.from('b0e3a1d47c0f5e1b8a9d2f6c4e7b1905', 'hex');

/** The id of the one step of this type and key. */
export function idempotentId(type: string, key: string): string {
  return uuid(KEYED, JSON.stringify([type, key]));
}

/** The id of a step that the handler of `parentId` submits: the same in every run of that handler. */
export function childId(parentId: string, type: string, source: IdSource): string {
  const key = 'name' in source ? ['name', source.name] : ['args', source.argsText];
  return uuid(CHILD, JSON.stringify([parentId, type, ...key]));
}

/**
 * The same JSON text for the same args, whatever the order of their keys; `''` if they are `undefined`.
 *
 * @param field path of the args in error messages
 * @throws ValidationError `PAYLOAD_UNSERIALIZABLE` if JSON cannot carry the args
 */
export function canonicalArgs(args: unknown, field: string): string {
  if (args === undefined) return '';
  const text = jsonText(args, { field, code: 'PAYLOAD_UNSERIALIZABLE' });
  return JSON.stringify(JSON.parse(text, (_, value: unknown) => sorted(value)));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function uuid(namespace: Buffer, text: string): string {
  const hash = createHash('sha1').update(namespace).update(text).digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
