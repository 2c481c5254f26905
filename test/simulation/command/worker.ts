/** A process that runs seeds: whole fleets, judged by the checker. */
import { runPlan } from '../box/run.js';
import { boundsOf } from '../checker/bounds-of.js';
import { check } from '../checker/check.js';
import type { Violation } from '../checker/violation.js';
import { traceText } from '../history/trace-text.js';
import { makePlan } from '../plan/make-plan.js';
import type { Finding } from './judgement.js';
import { serve } from './serve.js';

serve({
  planOf: makePlan,
  async judge(plan, withTrace) {
    const entries = await runPlan(plan);
    const findings = check(entries, boundsOf(plan)).map(findingOf);
    return { findings, ...(withTrace && { trace: traceText(entries) }) };
  },
});

function findingOf({ rule, at, message, stepId, process }: Violation): Finding {
  const about = [process, stepId].filter((name) => name !== undefined);
  return { rule, at, text: [...about, message].join(': ') };
}
