/**
 * Encodes and decodes the payload: a step's `{ type, args, metadata }` as one JSON text.
 *
 * Invariants:
 * - The text is made once, when the step is submitted, and stored exactly.
 * - Absent args are left out, so that a handler without args gets `undefined`.
 */
import { ValidationError } from '../errors.js';
import { excessOf, jsonText } from './json.js';
import type { Metadata } from './step.js';

/** The values of a payload. */
export interface Payload {
  readonly args: unknown;
  readonly metadata: Metadata;
}

/** Args to be encoded, or their JSON text. */
export type PayloadArgs = { readonly value: unknown } | { readonly text: string };

const NO_METADATA: Metadata = Object.freeze({});

/**
 * The payload's text.
 *
 * @param field path of the step in error messages, `''` for a single one
 * @throws ValidationError `PAYLOAD_UNSERIALIZABLE`, `PAYLOAD_TOO_LARGE`
 */
export function encodePayload(
  type: string,
  args: PayloadArgs | undefined,
  metadata: unknown,
  maxBytes: number,
  field = '',
): string {
  const code = 'PAYLOAD_UNSERIALIZABLE';
  let text = `{"type":${JSON.stringify(type)}`;
  if (args !== undefined) {
    const argsText = 'text' in args ? args.text : jsonText(args.value, { field: `${field}args`, code });
    text += `,"args":${argsText}`;
  }
  if (metadata !== undefined) text += `,"metadata":${jsonText(metadata, { field: `${field}metadata`, code })}`;
  text += '}';
  const excess = excessOf(text, maxBytes);
  if (excess !== undefined) throw new ValidationError('PAYLOAD_TOO_LARGE', `${field}args`, `the payload ${excess}`);
  return text;
}

/** The values of a payload's text. A text that is no payload (written by hand) has no args. */
export function decodePayload(text: string): Payload {
  return payloadOf(parseJson(text));
}

/** The values of a payload that has been parsed. */
export function payloadOf(parsed: unknown): Payload {
  if (typeof parsed !== 'object' || parsed === null) return { args: undefined, metadata: NO_METADATA };
  const { args, metadata } = parsed as { args?: unknown; metadata?: unknown };
  return { args, metadata: isRecord(metadata) ? metadata : NO_METADATA };
}

/** Whether nothing in it can be changed, so that it can be shared. */
export function isImmutable({ args, metadata }: Payload): boolean {
  return (typeof args !== 'object' || args === null) && metadata === NO_METADATA;
}

/** A JSON text's value; `undefined` if there is no text, or it is no JSON. */
export function parseJson(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a parsed JSON value is an object, and no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
