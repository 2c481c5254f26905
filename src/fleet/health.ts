/**
 * Health, and the truth: not only whether the process is there, but whether it does its work.
 *
 * Pure: a function over what the parts say of themselves.
 */
import { StoreError } from '../errors.js';
import type { PodFenced } from '../events.js';
import type { FailingOperation } from '../store/outage-tracker.js';
import type { PoolLoad } from '../worker-pool.js';

/** What `health()` answers: the fields of the original system, and what is wrong. */
export interface Health {
  readonly podId: string;
  readonly status: 'healthy' | 'unhealthy';
  readonly uptimeSeconds: number;
  /** Steps that run now. */
  readonly currentCapacity: number;
  /** Slots: the most that run at a time. */
  readonly maxCapacity: number;
  readonly isLeader: boolean;
  readonly version: string;
  /** Why it is unhealthy; empty where it is not. */
  readonly problems: readonly string[];
  /** What may be wrong although the pod does its work, and is no reason to restart it; mostly empty. */
  readonly warnings: readonly string[];
}

/** A loop: for how long it has been late, and how often it should tick. */
export interface Ticking {
  readonly overdueMs: number;
  readonly intervalMs: number;
}

export interface HealthParts {
  readonly podId: string;
  readonly version: string;
  /** For how long the queue has been running, in ms; `undefined`: it is not. */
  readonly uptimeMs: number | undefined;
  /** `stop()` was called. */
  readonly stopping: boolean;
  /** The pod has drained for good and left the fleet, and `stop()` was not called. */
  readonly hasLeft: boolean;
  readonly isLeader: boolean;
  readonly load: PoolLoad;
  /** Why the pod is fenced, if it is. */
  readonly fenced: PodFenced['reason'] | undefined;
  /** Since the last answered heartbeat was sent. */
  readonly silentForMs: number;
  readonly deadAfterMs: number;
  readonly heartbeat: Ticking;
  readonly exchange: Ticking;
  readonly outage: FailingOperation | undefined;
  /** For how long all slots have been held by handlers that seem to wait for steps which need one, in ms; 0: they are not. */
  readonly slotDeadlockMs: number;
  /** By how much the pod's wall clock is ahead of the store's, in ms; 0: they agree. */
  readonly wallAheadMs: number;
}

/** A loop may be late by so many of its intervals, and by so much at least, before it counts as stopped. */
const LATE_INTERVALS = 3;
const LATE_AT_LEAST_MS = 5_000;

export function healthOf(parts: HealthParts): Health {
  const { podId, version, isLeader, load } = parts;
  const problems = problemsOf(parts);
  return {
    podId,
    status: problems.length === 0 ? 'healthy' : 'unhealthy',
    uptimeSeconds: (parts.uptimeMs ?? 0) / 1_000,
    currentCapacity: load.running,
    maxCapacity: load.slots,
    isLeader,
    version,
    problems,
    warnings: warningsOf(parts),
  };
}

function warningsOf({ wallAheadMs, slotDeadlockMs, load }: HealthParts): string[] {
  const warnings: string[] = [];
  if (wallAheadMs !== 0) {
    const direction = wallAheadMs > 0 ? 'ahead of' : 'behind';
    warnings.push(`the wall clock of this pod is ${shown(Math.abs(wallAheadMs))} ${direction} the store's`);
  }
  if (slotDeadlockMs > 0)
    warnings.push(
      `all ${load.slots} slots are held by handlers that seem to wait for steps which need a slot, for ${shown(slotDeadlockMs)}`,
    );
  return warnings;
}

function problemsOf(parts: HealthParts): string[] {
  const { uptimeMs, fenced, silentForMs, deadAfterMs, heartbeat, exchange, load, outage } = parts;
  if (uptimeMs === undefined) return ['the queue is not running'];
  if (parts.hasLeft) return [`the pod has left the fleet for good: ${fenced ?? 'stopped'}`];
  const problems: string[] = [];
  if (parts.stopping) problems.push('the queue is being stopped');
  if (fenced !== undefined) problems.push(`the pod is fenced: ${fenced}`);
  if (silentForMs > deadAfterMs) problems.push(`no heartbeat was answered for ${shown(silentForMs)}`);
  if (hasStopped(heartbeat)) problems.push(`the heartbeat loop has been late for ${shown(heartbeat.overdueMs)}`);
  if (hasStopped(exchange)) problems.push(`the exchange loop has been late for ${shown(exchange.overdueMs)}`);
  if (outage !== undefined && lasts(outage, deadAfterMs))
    problems.push(`the store has failed for ${shown(outage.forMs)} (${outage.operation}): ${outage.error.message}`);
  if (load.strays >= load.slots) problems.push(`all ${load.slots} slots are held by handlers that ignore their signal`);
  return problems;
}

function hasStopped({ overdueMs, intervalMs }: Ticking): boolean {
  return overdueMs > Math.max(LATE_INTERVALS * intervalMs, LATE_AT_LEAST_MS);
}

/** What will not pass by itself counts at once; the rest once it has lasted for as long as a pod may be silent. */
function lasts({ error, forMs }: FailingOperation, deadAfterMs: number): boolean {
  return (error instanceof StoreError && !error.transient) || forMs > deadAfterMs;
}

function shown(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms)} ms` : 'as long as it runs';
}
