/** What a test can wait for. */
import { isTerminal } from '../step/step.js';
import type { StepRecord } from '../store/contract.js';
import { FleetStuckError, type LeftStep, type StuckReason } from './fleet-stuck-error.js';
import type { MemoryStore } from './memory-store.js';
import type { Goal } from './time-driver.js';

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
  readonly wanted?: (step: StepRecord) => boolean;
}

/** The parts that all goals have. */
function goal(
  context: GoalContext,
  { what, withinMs, whileRunning = false, wanted }: GoalGiven,
  own: Pick<Goal, 'reached' | 'hopeless'>,
): Goal {
  const since = context.nowMs();
  return {
    ...own,
    until: since + withinMs,
    whileRunning,
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
    { what: 'advance', withinMs: ms, whileRunning },
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
  return goal(
    context,
    { what: 'drain', withinMs, whileRunning, wanted },
    {
      reached: async (blocked) => !blocked && !(await context.store.anyOpen(ignored)),
      hopeless: () => hopelessOf(context, wanted),
    },
  );
}

/** The step has ended. */
export function stepEnded(
  context: GoalContext,
  stepId: string,
  { withinMs, whileRunning }: { withinMs: number; whileRunning: boolean },
): Goal {
  const wanted = (step: StepRecord): boolean => step.stepId === stepId;
  return goal(
    context,
    { what: 'drain', withinMs, whileRunning, wanted },
    {
      reached: async (blocked) => !blocked && isTerminal((await context.store.find(stepId))?.status ?? 'completed'),
      hopeless: () => hopelessOf(context, wanted),
    },
  );
}

/** The call has ended. @param stepId the step that it waits for */
export function callEnded(context: GoalContext, what: string, ended: () => boolean, stepId?: string): Goal {
  const wanted = (step: StepRecord): boolean => stepId === undefined || step.stepId === stepId;
  return goal(
    context,
    { what, withinMs: LONGEST_MS, wanted },
    {
      reached: ended,
      hopeless: () => (stepId === undefined ? undefined : hopelessOf(context, wanted)),
    },
  );
}

/** Why these steps will never end, if so. */
async function hopelessOf(
  { store, canWork, handled }: GoalContext,
  wanted: (step: StepRecord) => boolean,
): Promise<StuckReason | undefined> {
  if (!canWork()) return 'no-pod';
  const types = handled();
  let unhandled = false;
  for await (const step of store.openSteps(LOOK)) {
    if (step.status === 'claimed' || types.has(step.type)) return undefined;
    unhandled ||= wanted(step);
  }
  return unhandled ? 'unhandled' : undefined;
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
    case 'runs':
      return `${maxRuns} calls of handlers have not been enough; if that is no endless loop, raise maxRuns`;
    case 'time':
      return `${Math.floor(passedMs)} ms of virtual time have passed; if that is not enough, raise withinMs`;
  }
}
