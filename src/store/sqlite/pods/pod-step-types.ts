/**
 * The step types that pods handle: part of what they say of themselves, but long, and the same from beat to beat.
 *
 * Invariants: they are written only when they change, and read and parsed once for each incarnation. So a heartbeat costs
 * the same however many types there are. Those of a pod that is final or gone are removed, at the latest by a prune.
 */
import type { Database, Statement } from 'better-sqlite3';
import { parseJson } from '../../../step/payload.js';
import type { Heartbeat } from '../../contract.js';
import { DROP_TYPES, PUT_TYPES, TYPES_AT } from './statements.js';

export class PodStepTypes {
  readonly #put: Statement<[string, string]>;
  readonly #drop: Statement<[string, string]>;
  readonly #at: Statement<[number], string>;
  /** What was written here last, by incarnation. */
  readonly #written = new Map<string, unknown>();
  /** What was read, by its number in the table. */
  readonly #read = new Map<number, unknown>();

  constructor(connection: Database) {
    this.#put = connection.prepare<[string, string]>(PUT_TYPES);
    this.#drop = connection.prepare<[string, string]>(DROP_TYPES);
    this.#at = connection.prepare<[number], string>(TYPES_AT).pluck();
  }

  /** Writes the types where they have changed; call it within a transaction. */
  put(incarnation: string, { types }: Heartbeat['meta']): void {
    if (types === undefined || this.#written.get(incarnation) === types) return;
    this.#put.run(JSON.stringify(types), incarnation);
    this.#written.set(incarnation, types);
  }

  /** Of an incarnation that is final now nobody asks any more. */
  drop(incarnation: string): void {
    this.#drop.run(incarnation, incarnation);
    this.#written.delete(incarnation);
  }

  /** `undefined`: it told none. */
  of(incarnation: string, seq: number | null): unknown {
    if (seq === null) {
      this.#written.delete(incarnation); // a transaction was rolled back
      return undefined;
    }
    if (!this.#read.has(seq)) this.#read.set(seq, parseJson(this.#at.get(seq) ?? null));
    return this.#read.get(seq);
  }

  /** Forgets all others. */
  keep(seqs: ReadonlySet<number | null>): void {
    for (const seq of this.#read.keys()) if (!seqs.has(seq)) this.#read.delete(seq);
  }
}

/** The rest of what a pod says of itself, as JSON. */
export function withoutTypes(meta: Heartbeat['meta']): string {
  const { types: _, ...rest } = meta;
  return JSON.stringify(rest);
}
