/**
 * Reports whether this pod does its work, not only whether its process runs.
 *
 * Invariants:
 * - Pure: a function over the state of the queue's parts.
 * - Each reason has one code in `reasons` and one sentence in `problems`, at the same place of both lists.
 * - A reason makes the queue unhealthy and not ready. Only a loop that is stuck makes it not live: a restart may help then.
 * - A warning changes neither.
 */
import type { PodFenced } from '../events.js';
import type { FailingOperation } from '../store/outage-tracker.js';
import type { PoolLoad } from '../pool-interface.js';
import { isStoreError, type PacingReport } from '../store/contract.js';

/** Why a queue is not ready. `docs/monitoring.md` explains each code. Codes are stable. */
export type HealthReason =
  | 'not-started'
  | 'connecting'
  | 'store-unanswered'
  | 'starting'
  | 'stopping'
  | 'stopped'
  | 'left'
  | 'fenced'
  | 'silent'
  | 'heartbeat-stuck'
  | 'exchange-stuck'
  | 'outage'
  | 'slots-held-by-strays';

/** The result of `health()`: the fields of the Python FLEET-Q, then what is behind them. */
export interface Health {
  readonly podId: string;
  /** `healthy` if {@link Health.problems} is empty. */
  readonly status: 'healthy' | 'unhealthy';
  readonly uptimeSeconds: number;
  /** How many steps run now. */
  readonly currentCapacity: number;
  /** How many steps may run at a time. */
  readonly maxCapacity: number;
  readonly isLeader: boolean;
  readonly version: string;
  /**
   * Whether the background loops tick. It is `false` if one of them is stuck: then restart the process. It stays `true`
   * during an outage of the store, and if there are no loops because the queue was not started or has stopped.
   */
  readonly live: boolean;
  /**
   * Whether it does its work: {@link Health.reasons} is empty. A paused pod is ready. A queue that was never started is
   * ready if it has opened its store, and the store answered the last call.
   */
  readonly ready: boolean;
  /** Whether `start()` has finished, and `stop()` has not. */
  readonly started: boolean;
  /** Whether the pod claims nothing because of `pause()`. */
  readonly paused: boolean;
  /** Whether the pod sleeps, because there is nothing to do. It is ready. */
  readonly asleep: boolean;
  /** How the store paces the exchanges of this pod; absent on SQLite, and if the queue does not run. */
  readonly store?: PacingReport;
  /** The number of handlers that still run after their claims were aborted. */
  readonly strays: number;
  /** Why it is not ready, as codes; empty if it is. */
  readonly reasons: readonly HealthReason[];
  /** The same as sentences for people, in the same order. */
  readonly problems: readonly string[];
  /** Possible problems of a pod that does its work. They are not a reason to restart it. */
  readonly warnings: readonly string[];
}

/** Where a queue is in its life. `client`: it was never started, and its store has been opened or has failed to open. */
export type Phase = 'not-started' | 'connecting' | 'client' | 'starting' | 'running' | 'stopping' | 'stopped';

export interface HealthInputs {
  readonly podId: string;
  readonly version: string;
  readonly phase: Phase;
  /** For how long the queue has been running, in ms; 0 if it is not. */
  readonly uptimeMs: number;
  /** The pod has drained permanently and left the fleet, and `stop()` was not called. */
  readonly hasLeft: boolean;
  readonly isLeader: boolean;
  readonly load: PoolLoad;
  /** Why the pod is fenced, if it is. */
  readonly fenced: PodFenced['reason'] | undefined;
  readonly asleep: boolean;
  readonly pacing: PacingReport | undefined;
  /** Since the last answered heartbeat was sent. */
  readonly silentForMs: number;
  readonly deadAfterMs: number;
  /** For how long each loop has been late although the event loop runs, in ms. */
  readonly heartbeatLateMs: number;
  readonly exchangeLateMs: number;
  /** The operation of the store that fails; of a client, the last call if that failed. */
  readonly outage: FailingOperation | undefined;
  /** How long all slots have been held by handlers that seem to wait for steps which need a slot, in ms; 0 if they are not. */
  readonly slotDeadlockMs: number;
  /** By how much the pod's wall clock is ahead of the store's, in ms; 0 if they agree. */
  readonly wallAheadMs: number;
}

/** A loop is stuck when it has been late for longer than this, whatever its interval. */
const STUCK_AFTER_MS = 10_000;

type Problem = readonly [reason: HealthReason, sentence: string];

export function healthOf(inputs: HealthInputs): Health {
  const { podId, version, phase, isLeader, load } = inputs;
  const problems = problemsOf(inputs);
  const reasons = problems.map(([reason]) => reason);
  const ready = problems.length === 0;
  return {
    podId,
    status: ready ? 'healthy' : 'unhealthy',
    uptimeSeconds: inputs.uptimeMs / 1_000,
    currentCapacity: load.running,
    maxCapacity: load.slots,
    isLeader,
    version,
    live: !reasons.some((reason) => reason === 'heartbeat-stuck' || reason === 'exchange-stuck'),
    ready,
    started: phase === 'running' || phase === 'stopping',
    paused: load.paused,
    asleep: inputs.asleep,
    ...(inputs.pacing !== undefined && { store: inputs.pacing }),
    strays: load.strays,
    reasons,
    problems: problems.map(([, sentence]) => sentence),
    warnings: warningsOf(inputs),
  };
}

function warningsOf({ wallAheadMs, slotDeadlockMs, load }: HealthInputs): string[] {
  const warnings: string[] = [];
  if (wallAheadMs !== 0) {
    const direction = wallAheadMs > 0 ? 'ahead of' : 'behind';
    warnings.push(`the wall clock of this pod is ${inMs(Math.abs(wallAheadMs))} ${direction} the store's`);
  }
  if (slotDeadlockMs > 0)
    warnings.push(
      `all ${load.slots} slots are held by handlers that seem to wait for steps which need a slot, for ${inMs(slotDeadlockMs)}`,
    );
  return warnings;
}

function problemsOf(inputs: HealthInputs): Problem[] {
  const { phase, fenced } = inputs;
  switch (phase) {
    case 'not-started':
    case 'stopped':
      return [[phase, 'the queue is not running']];
    case 'connecting':
      return [[phase, 'the store is being opened']];
    case 'starting':
      return [[phase, 'the queue is being started']];
    case 'client':
      return problemsOfClient(inputs);
    default:
      if (inputs.hasLeft) return [['left', `the pod has left the fleet permanently: ${fenced ?? 'stopped'}`]];
      return problemsOfPod(inputs);
  }
}

function problemsOfClient({ outage }: HealthInputs): Problem[] {
  if (outage === undefined) return [];
  const { operation, error, forMs } = outage;
  return [['store-unanswered', `the store has not answered for ${inMs(forMs)} (${operation}): ${error.message}`]];
}

function problemsOfPod(inputs: HealthInputs): Problem[] {
  const { phase, fenced, silentForMs, deadAfterMs, heartbeatLateMs, exchangeLateMs, load, outage } = inputs;
  const problems: Problem[] = [];
  if (phase === 'stopping') problems.push([phase, 'the queue is being stopped']);
  if (fenced !== undefined) problems.push(['fenced', `the pod is fenced: ${fenced}`]);
  if (!inputs.asleep && silentForMs > deadAfterMs)
    problems.push(['silent', `no heartbeat was answered for ${inMs(silentForMs)}`]);
  if (heartbeatLateMs > STUCK_AFTER_MS)
    problems.push(['heartbeat-stuck', `the heartbeat loop has been late for ${inMs(heartbeatLateMs)}`]);
  if (exchangeLateMs > STUCK_AFTER_MS)
    problems.push(['exchange-stuck', `the exchange loop has been late for ${inMs(exchangeLateMs)}`]);
  if (outage !== undefined && lasts(outage, deadAfterMs))
    problems.push([
      'outage',
      `the store has failed for ${inMs(outage.forMs)} (${outage.operation}): ${outage.error.message}`,
    ]);
  if (load.strays >= load.slots)
    problems.push(['slots-held-by-strays', `all ${load.slots} slots are held by handlers that ignore their signal`]);
  return problems;
}

/** A permanent failure counts at once, a transient one once it has lasted for as long as a pod may be silent. */
function lasts({ error, forMs }: FailingOperation, deadAfterMs: number): boolean {
  return (isStoreError(error) && !error.transient) || forMs > deadAfterMs;
}

function inMs(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms)} ms` : 'as long as it runs';
}
