/**
 * Judges a history: what happened to a fleet, against what the library promises.
 *
 * Invariants:
 * - The checker shares no code and no type with `src`. It knows the promises by their words alone.
 * - It judges the record of one run. It never looks at the fleet.
 * - The same history gives the same violations, in the order of the rules, and of the history within a rule.
 */
import type { Entry } from '../history/history.js';
import { DEFAULT_BOUNDS, type Bounds } from './bounds.js';
import { RecordIndex } from './index/record-index.js';
import { reporter } from './rule.js';
import { RULES } from './rules.js';
import type { Violation } from './violation.js';

export function check(entries: readonly Entry[], bounds: Partial<Bounds> = {}): Violation[] {
  const index = new RecordIndex(entries);
  const violations: Violation[] = [];
  for (const rule of RULES) rule.check(index, reporter(rule.name, violations), { ...DEFAULT_BOUNDS, ...bounds });
  return violations;
}
