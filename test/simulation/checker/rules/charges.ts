/** What a step is charged: retries for its failures, crashes for the pods that died under it. */
import type { Claim, RowChange } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { byHolder, isRetry } from './settlements.js';

/** From this many crashes on, a step is charged only for a pod that held nothing else. */
const SUSPECT = 2;

export const countsRise: Rule = {
  name: 'counts rise by one',
  says: 'Retries and crashes rise by one at most, only when a claim ends, never both at once, and start over only by `retry`.',
  check(index, report) {
    for (const change of index.changes) {
      const { before, after, row } = change;
      if (before === undefined || after === undefined) continue;
      const [retries, crashes] = [after.retryCount - before.retryCount, after.crashes - before.crashes];
      if (isRetry(change)) {
        if (after.retryCount !== 0 || after.crashes !== 0) report('retried with old counts', row.step, change);
      } else if (change.claims !== undefined) {
        // A claim takes the greatest counts of the step's rows.
        const [mostRetries, mostCrashes] = greatest(change);
        if (after.retryCount > mostRetries || after.crashes > mostCrashes || retries < 0 || crashes < 0)
          report(`a claim changed its counts by ${retries} and ${crashes}`, row.step, change);
      } else if (retries < 0 || crashes < 0 || retries + crashes > (change.ends === undefined ? 0 : 1))
        report(`retries rose by ${retries}, crashes by ${crashes}`, row.step, change);
    }
  },
};

export const retriesWithinBounds: Rule = {
  name: 'retries within bounds',
  says: 'The retries of a step never exceed its limit, and a step that may not be retried any more is not.',
  check(index, report) {
    for (const change of index.changes) {
      const { after, row } = change;
      if (after !== undefined && after.retryCount > after.maxRetries)
        report(`${after.retryCount} retries, and ${after.maxRetries} are allowed`, row.step, change);
    }
  },
};

export const retriesForFailures: Rule = {
  name: 'a retry is charged for a failure',
  says: 'Retries rise only if the holder settles a run that failed or ran out of time, and always if it settles one that failed.',
  check(index, report) {
    for (const claim of index.claims) {
      const change = claim.ended;
      const after = change?.after;
      if (change === undefined || after === undefined || change.ends !== claim) continue;
      const charged = after.retryCount > claim.state.retryCount;
      const about = { stepId: claim.row.step.stepId, process: claim.life?.process?.name };
      const run = claim.runs.findLast(({ began }) => began.index < change.index);
      const ended = run?.ended !== undefined && run.ended.index < change.index ? run.ended : undefined;
      if (charged && !byHolder(claim, change)) report('a recovery charged a retry', about, claim.made, change);
      else if (charged && (run === undefined || isInnocent(ended?.entry)))
        report('a retry was charged, and no run had failed', about, claim.made, run?.began, ended, change);
      else if (!charged && byHolder(claim, change) && after.status === 'pending' && ended?.entry.how === 'threw')
        if (!ended.entry.aborted && !isStopping(claim, ended))
          report('a run failed, and no retry was charged', about, claim.made, ended, change);
    }
  },
};

export const crashesForDeaths: Rule = {
  name: 'a crash is charged for a death',
  says: 'Crashes rise only if a recovery takes the claim of an evicted incarnation, and always then, unless the step is a suspect that was not alone on its pod.',
  check(index, report) {
    for (const claim of index.claims) {
      const change = claim.ended;
      const after = change?.after;
      if (change === undefined || after === undefined || after.status === 'cancelled') continue;
      const crashed = after.crashes > claim.state.crashes;
      const { life } = claim;
      const evicted = (life?.evicted?.index ?? Infinity) < change.index;
      const about = { stepId: claim.row.step.stepId, process: life?.process?.name };
      if (crashed && byHolder(claim, change)) report('its holder charged a crash', about, claim.made, change);
      else if (crashed && !evicted) report('a crash was charged, and no pod was evicted', about, claim.made, change);
      else if (!crashed && evicted && !byHolder(claim, change) && isChargeable(claim, change))
        report('its pod was evicted, and no crash was charged', about, claim.made, life?.evicted, change);
    }
  },
};

export const crashesWithinBounds: Rule = {
  name: 'crashes within bounds',
  says: 'A step above the limit of crashes fails with `STEP_CRASHED_POD` and is never claimed again, and no other step fails so.',
  check(index, report, { maxCrashes }) {
    for (const change of index.changes) {
      const { after, row } = change;
      if (after === undefined || after.status === 'cancelled') continue;
      const above = after.crashes > maxCrashes;
      const failed = after.status === 'failed' && after.errorCode === 'STEP_CRASHED_POD';
      if (above && !failed) report(`${after.status} with ${after.crashes} crashes`, row.step, change);
      if (failed && !above && change.before?.status !== 'failed')
        report(`failed for ${after.crashes} crashes, and ${maxCrashes} are allowed`, row.step, change);
    }
  },
};

/** A handler that uses its queue while that stops may throw because of it. */
function isStopping({ life }: Claim, { at }: { readonly at: number }): boolean {
  return (life?.process?.stoppingAt ?? Infinity) <= at;
}

/** A run that ended well, or gave its step back, before its time was up. */
function isInnocent(ended: { readonly how: string; readonly aborted: boolean } | undefined): boolean {
  return ended !== undefined && ended.how !== 'threw' && !ended.aborted;
}

/** Whether the death of its pod must be charged to the step: a suspect only if its token says so, and its pod held nothing else. */
function isChargeable(claim: Claim, change: RowChange): boolean {
  const { state, life } = claim;
  if (state.crashes < SUSPECT) return true;
  if (!(state.claimToken ?? '').startsWith('alone-')) return false;
  return !life?.claims.some((other) => other !== claim && other.made.index < change.index && heldAt(other, change.at));
}

function heldAt({ ended }: Claim, at: number): boolean {
  return ended === undefined || ended.at >= at;
}

/** The greatest counts of all rows of the step, before the change. */
function greatest({ row, before, index }: RowChange): readonly [number, number] {
  let [retries, crashes] = [before?.retryCount ?? 0, before?.crashes ?? 0];
  if (row.step.rows.length === 1) return [retries, crashes];
  for (const other of row.step.rows) {
    for (const change of other.changes) {
      if (change.index >= index) break;
      retries = Math.max(retries, change.after?.retryCount ?? 0);
      crashes = Math.max(crashes, change.after?.crashes ?? 0);
    }
  }
  return [retries, crashes];
}
