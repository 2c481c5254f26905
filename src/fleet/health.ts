/**
 * Reports whether this pod does its work, not only whether its process runs.
 *
 * Invariants:
 * - Pure: a function over the state of the pod's parts.
 * - A problem makes the pod unhealthy: a restart may help. A warning does not.
 */
import type { PodFenced } from '../events.js';
import type { FailingOperation } from '../store/outage-tracker.js';
import type { PoolLoad } from '../pool-interface.js';
import { isStoreError } from '../store/contract.js';

/** The result of `health()`: the fields of the Python FLEET-Q, then the problems. */
export interface Health {
  readonly podId: string;
  readonly status: 'healthy' | 'unhealthy';
  readonly uptimeSeconds: number;
  /** How many steps run now. */
  readonly currentCapacity: number;
  /** How many steps may run at a time. */
  readonly maxCapacity: number;
  readonly isLeader: boolean;
  readonly version: string;
  /** Why the pod is unhealthy; empty if it is healthy. */
  readonly problems: readonly string[];
  /** Possible problems of a pod that does its work. They are not a reason to restart it. */
  readonly warnings: readonly string[];
}

/** How a loop keeps its time. */
export interface LoopTiming {
  /** For how long it has been late. */
  readonly overdueMs: number;
  /** How often it should tick. */
  readonly intervalMs: number;
}

export interface HealthInputs {
  readonly podId: string;
  readonly version: string;
  /** For how long the queue has been running, in ms; `undefined` if it is not. */
  readonly uptimeMs: number | undefined;
  /** `stop()` was called. */
  readonly stopping: boolean;
  /** The pod has drained permanently and left the fleet, and `stop()` was not called. */
  readonly hasLeft: boolean;
  readonly isLeader: boolean;
  readonly load: PoolLoad;
  /** Why the pod is fenced, if it is. */
  readonly fenced: PodFenced['reason'] | undefined;
  /** Since the last answered heartbeat was sent. */
  readonly silentForMs: number;
  readonly deadAfterMs: number;
  readonly heartbeat: LoopTiming;
  readonly exchange: LoopTiming;
  readonly outage: FailingOperation | undefined;
  /** How long all slots have been held by handlers that seem to wait for steps which need a slot, in ms; 0 if they are not. */
  readonly slotDeadlockMs: number;
  /** By how much the pod's wall clock is ahead of the store's, in ms; 0 if they agree. */
  readonly wallAheadMs: number;
}

/** A loop counts as stopped when it is late by more than this many of its intervals, and by more than this time. */
const LATE_INTERVALS = 3;
const LATE_AT_LEAST_MS = 5_000;

export function healthOf(inputs: HealthInputs): Health {
  const { podId, version, isLeader, load } = inputs;
  const problems = problemsOf(inputs);
  return {
    podId,
    status: problems.length === 0 ? 'healthy' : 'unhealthy',
    uptimeSeconds: (inputs.uptimeMs ?? 0) / 1_000,
    currentCapacity: load.running,
    maxCapacity: load.slots,
    isLeader,
    version,
    problems,
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

function problemsOf(inputs: HealthInputs): string[] {
  const { uptimeMs, fenced, silentForMs, deadAfterMs, heartbeat, exchange, load, outage } = inputs;
  if (uptimeMs === undefined) return ['the queue is not running'];
  if (inputs.hasLeft) return [`the pod has left the fleet permanently: ${fenced ?? 'stopped'}`];
  const problems: string[] = [];
  if (inputs.stopping) problems.push('the queue is being stopped');
  if (fenced !== undefined) problems.push(`the pod is fenced: ${fenced}`);
  if (silentForMs > deadAfterMs) problems.push(`no heartbeat was answered for ${inMs(silentForMs)}`);
  if (hasStopped(heartbeat)) problems.push(`the heartbeat loop has been late for ${inMs(heartbeat.overdueMs)}`);
  if (hasStopped(exchange)) problems.push(`the exchange loop has been late for ${inMs(exchange.overdueMs)}`);
  if (outage !== undefined && lasts(outage, deadAfterMs))
    problems.push(`the store has failed for ${inMs(outage.forMs)} (${outage.operation}): ${outage.error.message}`);
  if (load.strays >= load.slots) problems.push(`all ${load.slots} slots are held by handlers that ignore their signal`);
  return problems;
}

function hasStopped({ overdueMs, intervalMs }: LoopTiming): boolean {
  return overdueMs > Math.max(LATE_INTERVALS * intervalMs, LATE_AT_LEAST_MS);
}

/** A permanent failure counts at once, a transient one once it has lasted for as long as a pod may be silent. */
function lasts({ error, forMs }: FailingOperation, deadAfterMs: number): boolean {
  return (isStoreError(error) && !error.transient) || forMs > deadAfterMs;
}

function inMs(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms)} ms` : 'as long as it runs';
}
