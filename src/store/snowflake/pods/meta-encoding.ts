/**
 * What a pod says of itself, as its signs of life carry it.
 *
 * Invariants: the step types are long, and the same from beat to beat. They travel with the registration, and with a
 * heartbeat only where they are not those of the registration. A list that takes more than the bound is left out, and
 * `typesOmitted` says so.
 */
import type { Heartbeat, PodView } from '../../contract.js';
import { parseJson } from '../../../step/payload.js';

type Meta = Heartbeat['meta'];

/** Of the JSON of the list. A bind takes a megabyte, and JSON within JSON is escaped. */
const MOST_TYPES_BYTES = 200_000;

/** What is written with a registration. */
export function registeredMeta(meta: Meta): string {
  const { types, ...rest } = meta;
  if (types === undefined) return JSON.stringify(meta);
  const fits = Buffer.byteLength(JSON.stringify(types)) <= MOST_TYPES_BYTES;
  return JSON.stringify(fits ? meta : { ...rest, typesOmitted: true });
}

/** What is written with a heartbeat. @param registered the types of the registration; `undefined`: not known here */
export function heartbeatMeta(meta: Meta, registered: unknown): string {
  const { types, ...rest } = meta;
  return types !== undefined && types === registered
    ? JSON.stringify({ ...rest, typesAsRegistered: true })
    : registeredMeta(meta);
}

/** What was written, put together again. */
export function metaOf(newest: string | null, registered: string | null): PodView['meta'] {
  const { typesAsRegistered, ...rest } = record(newest);
  if (typesAsRegistered !== true) return record(newest);
  const { types, typesOmitted } = record(registered);
  return { ...rest, ...(types === undefined ? {} : { types }), ...(typesOmitted === true ? { typesOmitted } : {}) };
}

function record(text: string | null): PodView['meta'] {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? (value as PodView['meta']) : {};
}
