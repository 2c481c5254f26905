/** A pair of histories for a rule: one that keeps it, and one that breaks it. */
import type { Bounds } from '../bounds.js';
import type { HistoryBuilder } from './history-builder.js';

export interface Case {
  readonly rule: string;
  /** What the broken history shows. */
  readonly shows: string;
  /** Keeps every rule. */
  readonly good: (history: HistoryBuilder) => unknown;
  /** Breaks the rule, and perhaps others with it. */
  readonly broken: (history: HistoryBuilder) => unknown;
  readonly bounds?: Partial<Bounds>;
}
