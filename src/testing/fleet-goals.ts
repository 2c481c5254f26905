/** What a test can wait for. */
import { WaitTimeoutError } from '../errors.js';
import { isTerminal } from '../step/step.js';
import type { StepRecord } from '../store/contract.js';
import { FleetStuckError, type LeftStep, type StuckReason } from './fleet-stuck-error.js';
import type { MemoryStore } from './memory-store.js';
import type { Goal } from './time-driver.js';
import { UntilWrite } from './until-write.js';

export interface GoalContext {
  readonly store: MemoryStore;
  /** The present instant by the world's monotonic clock. */
  readonly nowMs: () => number;
  readonly realTimeoutMs: number;
  readonly maxRuns: number;
  /** Whether a pod can run steps, now or after it has been restarted. */
  readonly canWork: () => boolean;
  /** The types that those pods handle. */
  readonly handled: () => ReadonlySet<string>;
  readonly left: (wanted?: (step: StepRecord) => boolean) => Promise<readonly LeftStep[]>;
}

/** The longest that a call moves time by itself: a leap year. */
export const LONGEST_MS = 366 * 86_400_000;

/** How many steps one query reads that looks for a step which can still end. */
const LOOK = 20;

interface GoalGiven {
  readonly what: string;
  readonly withinMs: number;
  readonly whileRunning?: boolean;
  readonly patient?: boolean;
  readonly wanted?: (step: StepRecord) => boolean;
}

/** The parts that all goals have. */
function goal(
  context: GoalContext,
  { what, withinMs, whileRunning = false, patient = false, wanted }: GoalGiven,
  own: Pick<Goal, 'reached' | 'hopeless'>,
): Goal {
  const since = context.nowMs();
  return {
    ...own,
    until: since + withinMs,
    whileRunning,
    patient: patient || whileRunning,
    passive: false,
    stuck: async (reason) => {
      const problem = problemOf(reason, context.nowMs() - since, context);
      return new FleetStuckError(reason, `${what}: ${problem}`, await context.left(wanted));
    },
  };
}

/** The time has passed, and no handler runs. */
export function timePassed(context: GoalContext, ms: number, whileRunning: boolean): Goal {
  const until = context.nowMs() + ms;
  return goal(
    context,
    { what: 'clock.advance', withinMs: ms, whileRunning, patient: true },
    {
      reached: (blocked) => context.nowMs() >= until && (whileRunning || !blocked),
      hopeless: () => undefined,
    },
  );
}

/** No step of other types than `ignored` is left. */
export function drained(
  context: GoalContext,
  { withinMs, whileRunning, ignored }: { withinMs: number; whileRunning: boolean; ignored: ReadonlySet<string> },
): Goal {
  const wanted = ({ type }: StepRecord): boolean => !ignored.has(type);
  const anyOpen = new UntilWrite(context.store, () => context.store.anyOpen(ignored));
  return goal(
    context,
    { what: 'drain', withinMs, whileRunning, wanted },
    {
      reached: async (blocked) => !blocked && !(await anyOpen.answer()),
      hopeless: hopeless(context, wanted),
    },
  );
}

/** The step has ended. */
export function stepEnded(
  context: GoalContext,
  stepId: string,
  { what, withinMs, whileRunning }: { what: string; withinMs: number; whileRunning: boolean },
): Goal {
  const wanted = (step: StepRecord): boolean => step.stepId === stepId;
  const found = new UntilWrite(context.store, () => context.store.find(stepId));
  return goal(
    context,
    { what, withinMs, whileRunning, wanted },
    {
      reached: async (blocked) => !blocked && isTerminal((await found.answer())?.status ?? 'completed'),
      hopeless: hopeless(context, wanted),
    },
  );
}

/** The call has ended. */
export function callEnded(context: GoalContext, what: string, ended: () => boolean): Goal {
  return goal(context, { what, withinMs: LONGEST_MS }, { reached: ended, hopeless: () => undefined });
}

interface WaitGiven {
  readonly stepId: string;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** A handler waits. */
  readonly passive: boolean;
}

/** The step has ended or does not exist, or the wait is aborted. */
export function stepAwaited(context: GoalContext, { stepId, timeoutMs, signal, passive }: WaitGiven): Goal {
  const longest = passive ? Infinity : LONGEST_MS;
  const made = stepEnded(context, stepId, { what: 'waitFor', withinMs: timeoutMs ?? longest, whileRunning: false });
  return {
    ...made,
    passive,
    reached: async () => signal?.aborted === true || (await made.reached(false)),
    hopeless: () => (passive || timeoutMs !== undefined ? undefined : made.hopeless()),
    stuck: async (reason) => {
      if (reason !== 'time' || timeoutMs === undefined) return made.stuck(reason);
      const [left] = await context.left((step) => step.stepId === stepId);
      return new WaitTimeoutError(stepId, timeoutMs, left?.status, left?.why);
    },
  };
}

/** Finds out why these steps will never end, if so. */
function hopeless(
  { store, canWork, handled }: GoalContext,
  wanted: (step: StepRecord) => boolean,
): () => Promise<StuckReason | undefined> {
  const candidates = new UntilWrite(store, () => firstOpen(store));
  return async () => {
    if (!canWork()) return 'no-pod';
    const types = handled();
    const open = await candidates.answer();
    if (open.some(({ status, type }) => status === 'claimed' || types.has(type))) return undefined;
    let unhandled = false;
    for await (const step of store.openSteps()) {
      if (step.status === 'claimed' || types.has(step.type)) return undefined;
      unhandled ||= wanted(step);
    }
    return unhandled ? 'unhandled' : undefined;
  };
}

async function firstOpen(store: MemoryStore): Promise<readonly StepRecord[]> {
  const open: StepRecord[] = [];
  for await (const step of store.openSteps(LOOK)) if (open.push(step) >= LOOK) break;
  return open;
}

function problemOf(reason: StuckReason, passedMs: number, { realTimeoutMs, maxRuns }: GoalContext): string {
  switch (reason) {
    case 'unhandled':
      return 'no pod has a handler for the steps that are left; add the types to `steps`, or pass `ignore` to drain';
    case 'no-pod':
      return 'no pod can run the steps that are left: each has crashed, or is frozen, disconnected, paused or stopped';
    case 'running':
      return (
        `a handler has run for ${realTimeoutMs} ms of real time, and the clock stands still meanwhile. If it waits for its ` +
        'time-out or its signal, pass { whileRunning: true }; if its work takes that long, raise realTimeoutMs'
      );
    case 'idle':
      return (
        `nothing has happened for ${realTimeoutMs} ms of real time, while ${Math.floor(passedMs)} ms of virtual time have ` +
        'passed. If handlers wait for what comes later, raise realTimeoutMs'
      );
    case 'runs':
      return `${maxRuns} calls of handlers have not been enough; if that is no endless loop, raise maxRuns`;
    case 'time':
      return `${Math.floor(passedMs)} ms of virtual time have passed; if that is not enough, raise withinMs`;
  }
}
