/** What a rule of the checker is: a name, a sentence, and a check over the index of a history. */
import type { Bounds } from './bounds.js';
import type { RecordIndex } from './index/record-index.js';
import type { Placed } from './index/trails.js';
import type { Violation } from './violation.js';

export interface About {
  readonly stepId?: string;
  readonly process?: string | undefined;
}

/** Reports a violation. @param shown the entries that show it; the violation has the time of the last of them */
export type Report = (
  message: string,
  about: About,
  ...shown: readonly (Pick<Placed<unknown>, 'index' | 'at'> | undefined)[]
) => void;

export interface Rule {
  readonly name: string;
  /** What must hold: one sentence, for people. The documentation lists it. */
  readonly says: string;
  check(index: RecordIndex, report: Report, bounds: Bounds): void;
}

export function reporter(rule: string, violations: Violation[]): Report {
  return (message, { stepId, process }, ...shown) => {
    const entries = shown.filter((one) => one !== undefined);
    violations.push({
      rule,
      ...(stepId === undefined ? {} : { stepId }),
      ...(process === undefined ? {} : { process }),
      at: Math.max(0, ...entries.map(({ at }) => at)),
      message,
      entries: entries.map(({ index }) => index),
    });
  };
}
