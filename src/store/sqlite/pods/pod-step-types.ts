/**
 * The step types of each pod: the part of its `meta` that is long, and that rarely changes.
 *
 * Invariants:
 * - They are written only when they change, and read and parsed once for each incarnation. So a heartbeat costs the same
 *   with any number of types.
 * - The types of a pod that is final are deleted, at the latest by a prune.
 */
import type { Database, Statement } from 'better-sqlite3';
import { parseJson } from '../../../step/payload.js';
import type { Heartbeat } from '../../contract.js';
import { DROP_TYPES, PUT_TYPES, TYPES_AT } from './statements.js';

export class PodStepTypes {
  readonly #put: Statement<[string, string]>;
  readonly #drop: Statement<[string, string]>;
  readonly #at: Statement<[number], string>;
  /** The types that this process wrote last, by incarnation. */
  readonly #written = new Map<string, unknown>();
  /** The types that were read, by their `seq`. */
  readonly #read = new Map<number, unknown>();

  constructor(connection: Database) {
    this.#put = connection.prepare<[string, string]>(PUT_TYPES);
    this.#drop = connection.prepare<[string, string]>(DROP_TYPES);
    this.#at = connection.prepare<[number], string>(TYPES_AT).pluck();
  }

  /** Writes the types if they have changed; call it within a transaction. */
  put(incarnation: string, { types }: Heartbeat['meta']): void {
    if (types === undefined || this.#written.get(incarnation) === types) return;
    this.#put.run(JSON.stringify(types), incarnation);
    this.#written.set(incarnation, types);
  }

  /** Deletes the types of an incarnation that has become final. */
  drop(incarnation: string): void {
    this.#drop.run(incarnation, incarnation);
    this.#written.delete(incarnation);
  }

  /** `undefined`: the pod registered none. */
  of(incarnation: string, seq: number | null): unknown {
    if (seq === null) {
      this.#written.delete(incarnation); // the transaction that wrote them was rolled back
      return undefined;
    }
    if (!this.#read.has(seq)) this.#read.set(seq, parseJson(this.#at.get(seq) ?? null));
    return this.#read.get(seq);
  }

  /** Forgets the types of all other pods. */
  keep(seqs: ReadonlySet<number | null>): void {
    for (const seq of this.#read.keys()) if (!seqs.has(seq)) this.#read.delete(seq);
  }
}

/** The rest of a pod's `meta`, as JSON. */
export function withoutTypes(meta: Heartbeat['meta']): string {
  const { types: _, ...rest } = meta;
  return JSON.stringify(rest);
}
