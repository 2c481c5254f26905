/** Says of each step that has not ended why it has not. */
import { isoTime } from '../runtime/runtime.js';
import type { StepRecord } from '../store/contract.js';
import type { LeftStep } from './fleet-stuck-error.js';
import type { HandlerRun } from './handler-run.js';
import type { MemoryStore } from './memory-store.js';

/** What is known of the fleet. */
export interface FleetState {
  /** Epoch ms by the fleet's clock. */
  readonly now: number;
  readonly running: Iterable<HandlerRun>;
  /** The state of each pod, by its id. */
  readonly pods: ReadonlyMap<string, string>;
  /** The step types that a pod handles which can work. */
  readonly handled: ReadonlySet<string>;
  readonly known: ReadonlySet<string>;
}

const MOST = 1_000;

export async function leftSteps(
  store: MemoryStore,
  state: FleetState,
  wanted: (step: StepRecord) => boolean = () => true,
): Promise<readonly LeftStep[]> {
  const left: LeftStep[] = [];
  for await (const step of store.openSteps()) {
    if (!wanted(step)) continue;
    const { stepId, type } = step;
    left.push({ stepId, type, status: step.status as LeftStep['status'], why: why(step, state) });
    if (left.length >= MOST) break;
  }
  return left;
}

function why(step: StepRecord, state: FleetState): string {
  return step.status === 'claimed' ? whyClaimed(step, state) : whyPending(step, state);
}

function whyClaimed({ stepId, claimedBy }: StepRecord, { running, pods, now }: FleetState): string {
  const run = [...running].find((each) => each.stepId === stepId);
  const podId = claimedBy ?? '';
  const state = pods.get(podId) ?? 'gone';
  if (state === 'frozen' || state === 'crashed' || state === 'gone')
    return `is held by ${podId}, which is ${state}; another pod recovers it when the fleet finds it dead`;
  if (run === undefined) return `is held by ${podId}, which is ${state}`;
  const since = now - run.startedAt;
  return `its handler runs on ${podId}${since > 0 ? `, since ${since} ms of virtual time` : ''}`;
}

function whyPending({ type, runAt, retryCount, error }: StepRecord, { handled, known, now }: FleetState): string {
  const retried = retryCount > 0 && error !== null ? `; attempt ${retryCount} failed: ${messageOf(error)}` : '';
  if (!known.has(type)) return `no pod has a handler for ${JSON.stringify(type)}`;
  if (runAt > now) return `runs at ${isoTime(runAt)}, in ${runAt - now} ms${retried}`;
  return handled.has(type) ? `is due${retried}` : `is due, and no pod that can run it works${retried}`;
}

function messageOf(error: string): string {
  try {
    const { message } = JSON.parse(error) as { readonly message?: unknown };
    return String(message);
  } catch {
    return error;
  }
}
