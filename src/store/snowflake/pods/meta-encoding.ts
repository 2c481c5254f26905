/**
 * Encodes the metadata of a pod for its signs of life, and decodes it.
 *
 * Invariants:
 * - The step types are long, and the same with each heartbeat. So they are written with the registration, and with a heartbeat
 *   only if they have changed since.
 * - A list of types above the limit is left out, and `typesOmitted` says so.
 */
import type { Heartbeat, PodView } from '../../contract.js';
import { parseJson } from '../../../step/payload.js';

type Meta = Heartbeat['meta'];

/** The limit of the list as JSON. A bind holds a megabyte, and JSON within JSON is escaped. */
const MOST_TYPES_BYTES = 200_000;

/** The text that is written with a registration. */
export function registeredMeta(meta: Meta): string {
  const { types, ...rest } = meta;
  if (types === undefined) return JSON.stringify(meta);
  const fits = Buffer.byteLength(JSON.stringify(types)) <= MOST_TYPES_BYTES;
  return JSON.stringify(fits ? meta : { ...rest, typesOmitted: true });
}

/** The text that is written with a heartbeat. @param registered the types of the registration; `undefined` if not known here */
export function heartbeatMeta(meta: Meta, registered: unknown): string {
  const { types, ...rest } = meta;
  return types !== undefined && types === registered
    ? JSON.stringify({ ...rest, typesAsRegistered: true })
    : registeredMeta(meta);
}

/** The metadata, from the newest text and the text of the registration. */
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
