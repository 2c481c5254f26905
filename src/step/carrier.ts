/**
 * The trace context that a step carries: a few short texts, such as `traceparent`, as the last key `trace` of its payload.
 *
 * Invariants:
 * - It is written only if a subscriber of the tracing channels sets it. Without it a payload is what it always was.
 * - It does not count when payloads are compared: a step that is submitted again from another trace is the same step.
 * - Reading accepts anything. A `trace` that is no carrier counts as none.
 */
import { isRecord, parseJson } from './payload.js';

/** Texts by name, as a propagator writes them: `traceparent`, `tracestate`, `baggage`. */
export type TraceCarrier = Readonly<Record<string, string>>;

/** The most names in a carrier. */
const MAX_CARRIER_KEYS = 8;
/** The longest carrier, in bytes of JSON. */
const MAX_CARRIER_BYTES = 1_024;

/** What header values are made of, so that every character is one byte. */
const PRINTABLE = /^[\x20-\x7e]*$/;

/** The JSON text of a carrier, `undefined` for an empty one, or what is wrong with it. */
export type EncodedCarrier = { readonly text: string | undefined } | { readonly problem: string };

/** Checks a carrier that a subscriber has set. Nothing here throws. */
export function encodeCarrier(given: unknown): EncodedCarrier {
  try {
    if (!isRecord(given)) return { problem: 'expected an object of texts' };
    const entries = Object.entries(given);
    if (entries.length === 0) return { text: undefined };
    if (entries.length > MAX_CARRIER_KEYS)
      return { problem: `expected at most ${MAX_CARRIER_KEYS} names, got ${entries.length}` };
    const wrong = entries.find((entry) => !entry.every((each) => typeof each === 'string' && PRINTABLE.test(each)));
    if (wrong !== undefined) return { problem: `expected printable ASCII text as ${JSON.stringify(wrong[0])}` };
    const text = JSON.stringify(Object.fromEntries(entries));
    if (text.length > MAX_CARRIER_BYTES)
      return { problem: `expected at most ${MAX_CARRIER_BYTES} bytes, got ${text.length}` };
    return { text };
  } catch {
    return { problem: 'it cannot be read' };
  }
}

/** The payload with a carrier. @param payload has none yet @param carrier the text that {@link encodeCarrier} made */
export function withCarrier(payload: string, carrier: string): string {
  return `${payload.slice(0, -1)},"trace":${carrier}}`;
}

const OPENING = ',"trace":{';
/** A flat object of texts as the last value of an object. A quote within a text is escaped, so this matches nothing else. */
const LAST_VALUE = /^,"trace":\{(?:"(?:[^"\\]|\\.)*":"(?:[^"\\]|\\.)*"(?:,(?=")|(?=\}\}$)))+\}\}$/;

/** The payload without the carrier that {@link withCarrier} put into it. Any other text is returned as it is. */
export function withoutCarrier(payload: string): string {
  if (!payload.endsWith('"}}')) return payload;
  const at = payload.lastIndexOf(OPENING);
  if (at === -1 || payload.length - at > MAX_CARRIER_BYTES + OPENING.length) return payload;
  return LAST_VALUE.test(payload.slice(at)) ? `${payload.slice(0, at)}}` : payload;
}

/** Whether two payloads are the same but for their carriers. */
export function samePayload(one: string | undefined, other: string): boolean {
  return one === other || (one !== undefined && withoutCarrier(one) === withoutCarrier(other));
}

/** The carrier of a payload, also of one that was written by hand. */
export function carrierOf(payload: string): TraceCarrier | undefined {
  if (!payload.includes('"trace"')) return undefined;
  const plain = withoutCarrier(payload);
  const text = plain === payload ? payload : `{${payload.slice(plain.length)}`; // a long payload need not be parsed again
  const parsed = parseJson(text);
  const carrier = isRecord(parsed) ? parsed['trace'] : undefined;
  return 'text' in encodeCarrier(carrier) && Object.keys(carrier as object).length > 0
    ? Object.freeze({ ...(carrier as TraceCarrier) })
    : undefined;
}
