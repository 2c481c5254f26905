/** Who may end a claim, and after what. */
import type { Claim, Life, ProcessTrail, RowChange } from '../index/trails.js';
import type { Rule } from '../rule.js';

/** An orphan of an incarnation that nobody knows must have been claimed for so long, in ms. */
const UNKNOWN_FOR_MS = 60_000;

/** The error of a step whose handler does not run, because the schema of its type refuses its args. */
const REFUSED_ARGS = 'STEP_ARGS_MISMATCH';

export const onlyTheHolderSettles: Rule = {
  name: 'only the holder settles',
  says: 'A claim is ended by its holder, by a cancel, or by a recovery after its holder has left, was evicted or sleeps; a recovery only gives back, or fails a step that crashed too many pods.',
  check(index, report) {
    for (const claim of index.claims) {
      const change = claim.ended;
      const after = change?.after;
      if (change === undefined || after === undefined || byHolder(claim, change)) continue;
      const { status, settledBy } = after;
      if (status === 'cancelled' && !index.lives.has(settledBy ?? '')) continue; // see `a change by hand was asked for`
      const about = { stepId: claim.row.step.stepId, process: index.ownerOf(settledBy)?.name };
      if (!index.lives.has(settledBy ?? ''))
        report(`${status} by ${settledBy ?? 'nobody'}, which is no incarnation`, about, claim.made, change);
      else if (status !== 'pending' && !(status === 'failed' && after.errorCode === 'STEP_CRASHED_POD'))
        report(`${status} by an incarnation that does not hold it`, about, claim.made, change);
      else if (!isOrphan(claim, change)) report(`recovered from a holder that lives`, about, claim.made, change);
    }
  },
};

export const endsAfterItsRun: Rule = {
  name: 'an end follows a run',
  says: 'A step is completed only after its handler has returned under that claim, is failed by its holder only after its handler has begun under it, or because a schema refuses its args, and is not given back by its holder while its handler runs undisturbed.',
  check(index, report) {
    for (const claim of index.claims) {
      const change = claim.ended;
      if (change === undefined || !byHolder(claim, change)) continue;
      const about = { stepId: claim.row.step.stepId, process: claim.life?.process?.name };
      const began = claim.runs.filter((run) => run.began.index < change.index);
      if (change.after?.status === 'completed') {
        const returned = began.some(({ ended }) => ended?.entry.how === 'returned' && ended.index < change.index);
        if (!returned) report('completed, and no handler had returned under this claim', about, claim.made, change);
      } else if (change.after?.status === 'failed' && began.length === 0 && change.after.errorCode !== REFUSED_ARGS)
        report('failed by its holder, and no handler had begun under this claim', about, claim.made, change);
      else if (change.after?.status === 'pending') {
        const run = began.find(
          ({ ended }) => ended !== undefined && ended.index > change.index && !ended.entry.aborted,
        );
        if (run !== undefined)
          report('given back while its handler ran undisturbed', about, claim.made, run.began, change, run.ended);
      }
    }
  },
};

export const askedByHand: Rule = {
  name: 'a change by hand was asked for',
  says: 'A step is cancelled only by a call of `cancel`, and an ended one is pending again only after a call of `retry`.',
  check(index, report) {
    for (const change of index.changes) {
      const { before, after, row } = change;
      const method =
        after?.status === 'cancelled' && before?.status !== 'cancelled'
          ? 'cancel'
          : after?.status === 'pending' && isRetry(change)
            ? 'retry'
            : undefined;
      if (method === undefined) continue;
      const asked = row.step.calls.some(({ asked: call }) => call.entry.method === method && call.index < change.index);
      if (!asked) report(`${after?.status}, and nobody had called ${method}`, row.step, change);
      else if (method === 'cancel' && index.lives.has(after?.settledBy ?? ''))
        report('cancelled by a settlement, not by a cancel', row.step, change);
    }
  },
};

/** Whether the change makes an ended step pending again, in its row or restored from the archive. */
export function isRetry({ before, after }: RowChange): boolean {
  if (after?.status !== 'pending') return false;
  if (before === undefined) return after.version > 0;
  return before.status === 'failed' || before.status === 'cancelled';
}

export function byHolder({ state }: Claim, { after }: RowChange): boolean {
  return after !== undefined && after.settledBy !== null && after.settledBy === state.claimedIncarnation;
}

function isOrphan(claim: Claim, change: RowChange): boolean {
  const { life } = claim;
  if (life === undefined) return change.at - claim.made.at > UNKNOWN_FOR_MS;
  return hasEnded(life, change) || (life.process !== undefined && sleeps(life.process, change));
}

export function hasEnded({ left, evicted }: Life, { index }: { readonly index: number }): boolean {
  return (left?.index ?? Infinity) < index || (evicted?.index ?? Infinity) < index;
}

function sleeps(process: ProcessTrail, { index }: RowChange): boolean {
  const last = process.events.findLast(
    ({ entry: { name }, index: place }) => place < index && (name === 'pod:asleep' || name === 'pod:awake'),
  );
  return last?.entry.name === 'pod:asleep';
}
