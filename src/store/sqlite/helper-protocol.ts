/** What goes through the port between the store and its helper: plain data. */
import type { ListFilter, ListPage, PruneReply, StoreStats } from '../contract.js';
import type { ErrorCode } from '../../errors.js';

/** What the helper is started with. */
export interface HelperData {
  readonly path: string;
  readonly synchronous: 'normal' | 'full';
  readonly busyTimeoutMs: number;
}

/** What may be asked, and what is answered. */
export interface Errands {
  readonly stats: { readonly ask: { readonly now: number }; readonly answer: StoreStats };
  readonly list: { readonly ask: { readonly filter: ListFilter; readonly after: number }; readonly answer: ListPage };
  readonly prune: { readonly ask: { readonly now: number; readonly keepMs: number }; readonly answer: PruneReply };
  readonly checkpoint: { readonly ask: Record<string, never>; readonly answer: null };
  readonly close: { readonly ask: Record<string, never>; readonly answer: null };
}

export type ErrandName = keyof Errands;

export type Errand = {
  [N in ErrandName]: { readonly id: number; readonly name: N; readonly ask: Errands[N]['ask'] };
}[ErrandName];

/** A `StoreError` on its way between threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly transient: boolean;
}

export type Answer =
  | { readonly id: number; readonly value: Errands[ErrandName]['answer'] }
  | { readonly id: number; readonly failure: Failure };
