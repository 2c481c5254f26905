/** What a pod does that was asked to stop: SIGTERM, or `stop()`. */
import { wasFaulty } from '../index/faults.js';
import type { Rule } from '../rule.js';

export const stoppingStartsNothing: Rule = {
  name: 'a stopping pod starts nothing',
  says: 'From the time when a pod is asked to stop, none of its handlers begins.',
  check(index, report) {
    for (const { name, stoppingAt = Infinity, runs } of index.processes.values()) {
      for (const { began, step } of runs)
        if (began.at > stoppingAt)
          report('a handler began while its pod stopped', { stepId: step.stepId, process: name }, began);
    }
  },
};

export const leavesLast: Rule = {
  name: 'a pod leaves last',
  says: 'A pod that stops leaves the fleet when its handlers have ended, unless the time for its drain is over or a fault affects it.',
  check(index, report, { drainMs }) {
    for (const process of index.processes.values()) {
      const { name, stoppingAt, lives, runs } = process;
      const left = lives.at(-1)?.left;
      if (stoppingAt === undefined || left === undefined || left.at < stoppingAt) continue;
      if (left.at - stoppingAt >= drainMs || wasFaulty(index, process, stoppingAt, left.at)) continue;
      for (const { began, ended, claim, step } of runs) {
        const isOver = (entry: { readonly index: number } | undefined): boolean =>
          (entry?.index ?? Infinity) < left.index;
        if (isOver(began) && !isOver(ended) && !isOver(claim?.ended))
          report('it left while its handler ran', { stepId: step.stepId, process: name }, began, left);
      }
    }
  },
};
