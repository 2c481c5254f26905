/** What is measured: one face for FLEET-Q, its peers and the floor. */
import type { Place } from '../support/places.js';

/** What each step carries. */
export interface Args {
  readonly n: number;
  /** When it was submitted, by the host's clock. */
  readonly sentAt?: number;
}

export interface Subject {
  /** Submits one; resolves when it is safe. */
  submit(args: Args): unknown;
  /** Submits so many by what the subject has for that. */
  submitMany(count: number): unknown;
  /** Processes what there is and what comes, with a handler that does nothing but call `onStart`. */
  work(onStart: (args: Args) => void): unknown;
  /** How many have been settled. Asked only when the last handler has run. */
  settled(): number | Promise<number>;
  close(): unknown;
}

export type Open = (place: Place) => Subject | Promise<Subject>;

/** A subject as the benchmark knows it before it runs. */
export interface Entry {
  readonly name: string;
  /** The module that exports `open`, from this folder. */
  readonly module: string;
  readonly needs?: 'postgres' | 'redis';
  /** It asks for a newer Node.js than the library does. */
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

/** In the process that measures it: the peers are loaded nowhere else. */
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
