/** That the answers to callers agree with the rows, at some instant between the question and the answer. */
import type { ShownStep, StepState } from '../../history/history.js';
import { wasFaulty } from '../index/faults.js';
import { isTerminal, type Call, type ProcessTrail, type RowChange, type StepTrail } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { isRetry } from './settlements.js';

export const answersAreTrue: Rule = {
  name: 'an answer is true',
  says: 'What `getStep`, `waitFor`, `cancel` and `retry` answer was true at an instant between the question and the answer, or as long before as a read may be late; a wait is aborted only by its caller, and times out only after its time-out.',
  check(index, report, { latenessMs }) {
    for (const call of index.calls.values()) {
      const { asked, told } = call;
      const { stepId, method } = asked.entry;
      if (told === undefined || stepId === undefined) continue;
      const step = index.steps.get(stepId);
      if (step === undefined) continue;
      const [from, to] = [asked.at - latenessMs, told.at];
      const was = (holds: (state: StepState | undefined) => boolean): boolean => heldDuring(step, from, to, holds);
      const wrong = (what: string): void => report(what, aboutCall(call), asked, told);
      const { answer, error } = told.entry;
      if (method === 'getStep' && error === undefined) {
        const shown = answer as ShownStep | null | undefined;
        if (shown === undefined || shown === null) {
          if (!was((state) => state === undefined)) wrong('shown as unknown, and it was there');
        } else if (!was((state) => shows(state, shown)))
          wrong(`shown as ${shown.status} v${shown.version}, which it was not`);
      } else if (method === 'waitFor') {
        judgeWait(error, was, wrong);
        judgeImpatience(call, wrong);
      }
      if (method === 'cancel') {
        if (answer === 'alreadyTerminal' && !was((state) => isTerminal(state?.status)))
          wrong('cancel answered alreadyTerminal, and the step had not ended');
        if (answer === 'notFound' && !was((state) => state === undefined))
          wrong('cancel answered notFound, and it was there');
      } else if (method === 'retry') {
        if (
          answer === 'notRetryable' &&
          !was((state) => state !== undefined && state.status !== 'failed' && state.status !== 'cancelled')
        )
          wrong('retry answered notRetryable, and the step had failed or was cancelled');
        if (answer === 'notFound' && !was((state) => state === undefined))
          wrong('retry answered notFound, and it was there');
      }
    }
  },
};

export const commandsAreDone: Rule = {
  name: 'an answered command was done',
  says: 'For each `cancelled` there is a change of its own that cancelled the step, and for each `retried` one that made it pending again, between the question and the answer.',
  check(index, report, { latenessMs }) {
    for (const step of index.steps.values()) {
      const used = new Set<RowChange>();
      const calls = step.calls.filter(
        ({ told }) => told?.entry.answer === 'cancelled' || told?.entry.answer === 'retried',
      );
      for (const call of calls.sort(byAnswer)) {
        const { asked, told } = call;
        if (told === undefined) continue;
        const cancels = told.entry.answer === 'cancelled';
        const done = step.changes.find(
          (change) =>
            change.index < told.index &&
            (cancels
              ? change.index > asked.index && isCancel(change) && !used.has(change)
              : change.at >= asked.at - latenessMs && isRetry(change)),
        );
        if (done === undefined)
          report(
            `${asked.entry.method} answered ${String(told.entry.answer)}, and no change of the step shows it`,
            aboutCall(call),
            asked,
            told,
          );
        else used.add(done);
      }
    }
  },
};

export const cancelsHold: Rule = {
  name: 'a cancel holds',
  says: 'When `cancel` answers `cancelled`, no row of the step has been completed or has failed since the last retry by hand, and none is until the next one.',
  check(index, report) {
    for (const step of index.steps.values()) {
      for (const { asked, told, process } of step.calls) {
        if (told?.entry.answer !== 'cancelled') continue;
        const own = step.changes.filter(
          (change) => change.index > asked.index && change.index < told.index && isCancel(change),
        );
        const others = own.map((change) => otherEnd(step, change));
        const [other] = others;
        if (other !== undefined && others.every((one) => one !== undefined))
          report(
            `cancel answered cancelled, and the step was ${other.after?.status}`,
            {
              stepId: step.stepId,
              process: process.name,
            },
            asked,
            told,
            other,
          );
      }
    }
  },
};

export const keysAreOne: Rule = {
  name: 'a key yields one step',
  says: 'Submissions under one idempotency key get one step.',
  check(index, report) {
    const first = new Map<string, { readonly call: Call; readonly stepId: string }>();
    for (const call of index.calls.values()) {
      const { asked, told } = call;
      const key = asked.entry.key;
      const [stepId] = told?.entry.stepIds ?? [];
      if (key === undefined || stepId === undefined) continue;
      const known = first.get(key);
      if (known === undefined) first.set(key, { call, stepId });
      else if (known.stepId !== stepId)
        report(`key ${key} got ${known.stepId} before`, { stepId, process: call.process.name }, known.call.told, told);
    }
  },
};

export const misuseIsRefused: Rule = {
  name: 'bad input is refused',
  says: 'A call with bad input rejects, with the code of its error, unless its process stops, or is a client whose store cannot be opened.',
  check(index, report) {
    for (const call of index.calls.values()) {
      const { asked, told, process } = call;
      if (asked.entry.method !== 'misuse' || told === undefined) continue;
      const { error } = told.entry;
      const expects = asked.entry.details?.['expects'] as string | undefined;
      if (error === undefined) report('bad input was accepted', aboutCall(call), asked, told);
      else if (error !== expects && expects !== undefined && !isUnable(process, told.at, error))
        report(`bad input was refused with ${error}, not ${expects}`, aboutCall(call), asked, told);
    }
  },
};

export const callsAreAnswered: Rule = {
  name: 'every call is answered',
  says: 'Each call of a process that was not killed is answered by the end; in the calm within a bound; and `waitFor` within a bound after the end of its step.',
  check(index, report, bounds) {
    const { finished, calmAt } = index;
    if (finished === undefined) return;
    for (const call of index.calls.values()) {
      const { asked, told, process } = call;
      if (process.killedAt !== undefined) continue;
      const { method } = asked.entry;
      if (told === undefined) report(`${method} was never answered`, aboutCall(call), asked, finished);
      else if (method === 'waitFor') promptly(call, told.at, index.steps.get(asked.entry.stepId ?? ''));
      else if (method !== 'start' && method !== 'stop' && told.at - Math.max(asked.at, calmAt) > bounds.answerBoundMs)
        report(`${method} was answered late`, aboutCall(call), asked, told);
    }

    /** Judges the wait for a step that has ended since, and did not change any more. */
    function promptly(call: Call, at: number, step: StepTrail | undefined): void {
      const end = step?.changes.findLast(({ after }) => after !== undefined);
      if (end === undefined || !isTerminal(end.after?.status)) return;
      const due = Math.max(end.at, call.asked.at) + bounds.noticeBoundMs;
      if (at <= due || wasFaulty(index, call.process, end.at - bounds.faultEchoMs, at)) return;
      report('waitFor learnt late of the end of its step', aboutCall(call), end, call.told);
    }
  },
};

/** Whether the process could not check the call: it stops, or it is a client that cannot open its store. */
function isUnable({ stoppingAt, settings }: ProcessTrail, at: number, error: string): boolean {
  return (stoppingAt ?? Infinity) <= at || (settings === undefined && error.startsWith('STORE_'));
}

function judgeWait(
  error: string | undefined,
  was: (holds: (state: StepState | undefined) => boolean) => boolean,
  wrong: (what: string) => void,
): void {
  const status = error === undefined ? 'completed' : WAITS[error];
  if (status !== undefined && !was((state) => state?.status === status))
    wrong(`waitFor said ${status}, which it was not`);
  if (error === 'STEP_NOT_FOUND' && !was((state) => state === undefined))
    wrong('waitFor said not found, and it was there');
}

/** A caller's patience ends by its own signal or its own time-out. A machine's clock may run faster than the world's. */
function judgeImpatience({ asked, told }: Call, wrong: (what: string) => void): void {
  const { aborts, timeoutMs } = asked.entry.details ?? {};
  const error = told?.entry.error;
  if (error === 'WAIT_ABORTED' && aborts !== true) wrong('waitFor was aborted, and its caller had not aborted it');
  if (error !== 'WAIT_TIMEOUT') return;
  const waitedMs = (told?.at ?? 0) - asked.at;
  if (typeof timeoutMs !== 'number' || waitedMs < timeoutMs * SLOWEST)
    wrong(`waitFor timed out after ${waitedMs} ms of ${String(timeoutMs)}`);
}

/** The least part of its time that a machine's timer takes, by the world's time: clocks drift. */
const SLOWEST = 0.9;

/** What `waitFor` says of the step by its error. */
const WAITS: Readonly<Record<string, StepState['status']>> = { STEP_FAILED: 'failed', STEP_CANCELLED: 'cancelled' };

/** Whether a row of the step, or the lack of one, was so at some instant of the interval. */
function heldDuring(
  step: StepTrail,
  from: number,
  to: number,
  holds: (state: StepState | undefined) => boolean,
): boolean {
  const { rows } = step;
  if (rows.length === 0) return holds(undefined);
  return rows.some(({ changes }) => {
    let last: StepState | undefined;
    for (const { at, before, after } of changes) {
      if (at > to) break;
      if (at >= from && holds(last)) return true;
      last = after ?? (isArchived(step, before) ? before : undefined);
    }
    return holds(last);
  });
}

function isArchived({ archived }: StepTrail, state: StepState | undefined): boolean {
  return state !== undefined && archived.some(({ entry }) => entry.after?.version === state.version);
}

function shows(state: StepState | undefined, shown: ShownStep): boolean {
  return state?.status === shown.status && state.version === shown.version && state.retryCount === shown.retryCount;
}

function isCancel({ before, after }: RowChange): boolean {
  return after?.status === 'cancelled' && before?.status !== 'cancelled';
}

/** The change that ended the step otherwise, between the same two retries as this cancel. */
function otherEnd({ changes }: StepTrail, cancel: RowChange): RowChange | undefined {
  const from = changes.findLast((change) => change.index < cancel.index && isRetry(change))?.index ?? -1;
  const to = changes.find((change) => change.index > cancel.index && isRetry(change))?.index ?? Infinity;
  return changes.find(
    ({ before, after, index }) =>
      index > from &&
      index < to &&
      !isTerminal(before?.status) &&
      (after?.status === 'completed' || after?.status === 'failed'),
  );
}

function byAnswer(one: Call, other: Call): number {
  return (one.told?.index ?? 0) - (other.told?.index ?? 0);
}

function aboutCall({ asked, process }: Call): { stepId?: string; process: string } {
  const { stepId } = asked.entry;
  return { process: process.name, ...(stepId === undefined ? {} : { stepId }) };
}
