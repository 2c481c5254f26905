/** What is measured: one interface for FLEET-Q, its peers and the floor. */
import type { Place } from '../support/places.js';

/** The args of each step. */
export interface Args {
  readonly n: number;
  /** When it was submitted, by the host's clock. */
  readonly sentAt?: number;
}

export interface Subject {
  /** Submits one step; resolves when it is stored. */
  submit(args: Args): unknown;
  /** Submits this many steps with the subject's bulk API. */
  submitMany(count: number): unknown;
  /** Processes all steps, also later ones, with a handler that only calls `onStart`. */
  work(onStart: (args: Args) => void): unknown;
  /** How many have been settled. Called after the last handler has run. */
  settled(): number | Promise<number>;
  close(): unknown;
}

export type Open = (place: Place) => Subject | Promise<Subject>;

/** The description of a subject, before it runs. */
export interface Entry {
  readonly name: string;
  /** The module that exports `open`, from this folder. */
  readonly module: string;
  readonly needs?: 'postgres' | 'redis';
  /** It needs a newer Node.js than the library. */
  readonly newerNode?: boolean;
}

export const FLEET_Q: Entry = { name: 'fleet-q', module: './fleet-q.ts' };
export const FLOOR: Entry = { name: 'floor', module: './floor.ts' };
export const PLAINJOB: Entry = { name: 'plainjob', module: '../peers/plainjob.ts' };
export const PEERS: readonly Entry[] = [
  PLAINJOB,
  { name: 'graphile-worker', module: '../peers/graphile-worker.ts', needs: 'postgres', newerNode: true },
  { name: 'bullmq', module: '../peers/bullmq.ts', needs: 'redis' },
  { name: 'pg-boss', module: '../peers/pg-boss.ts', needs: 'postgres', newerNode: true },
];

/** Called in the process that measures; peers are loaded nowhere else. */
export async function open(module: string, place: Place): Promise<Subject> {
  const subject = (await import(new URL(module, import.meta.url).href)) as { readonly open: Open };
  return subject.open(place);
}

export function argsOf(count: number): Args[] {
  return Array.from({ length: count }, (_, n) => ({ n }));
}

/** Splits work into calls of a bounded size. */
export async function inChunks<T>(all: readonly T[], size: number, send: (chunk: T[]) => unknown): Promise<void> {
  for (let from = 0; from < all.length; from += size) await send(all.slice(from, from + size));
}
