/**
 * Lets a pool that stops finish its work: handlers first, then outcomes.
 *
 * Invariants:
 * - Handlers have the drain time. Those that still run then are aborted, and each has its grace.
 * - Outcomes are sent until the drain time is over, and in any case for {@link FLUSH_MS}.
 */
import type { Condition } from '../runtime/condition.js';
import type { Runtime } from '../runtime/runtime.js';
import type { HeldClaims } from './claims/held-claims.js';
import type { ExchangeChannel } from './exchange/exchange-channel.js';
import type { ExchangeLoop } from './exchange/exchange-loop.js';
import type { Executor } from './execution/executor.js';

export interface DrainDependencies {
  readonly runtime: Runtime;
  readonly drainTimeoutMs: number;
  readonly claims: HeldClaims;
  readonly executor: Executor;
  readonly channel: ExchangeChannel;
  readonly loop: ExchangeLoop;
  /** Notified when an outcome arrives, a handler returns, or an exchange is over. */
  readonly progress: Condition;
  /** The drain time is over and handlers still run. */
  readonly onTimeout: () => void;
}

/** How long outcomes are sent at least to a store that fails, in ms. */
const FLUSH_MS = 2_000;

export async function drain(deps: DrainDependencies): Promise<void> {
  const { runtime, drainTimeoutMs, claims, executor, channel, loop, progress, onTimeout } = deps;
  const startedAt = runtime.monotonicMs();
  const idle = (): boolean => claims.running.busy === claims.running.strays;
  await progress.until(idle, drainTimeoutMs);
  executor.abortAll('stopping');
  if (!idle()) onTimeout();
  await progress.until(idle, Infinity); // ends: after its grace a handler is a stray
  channel.shortenPauses(runtime.monotonicMs());
  loop.wake();
  const leftMs = Math.max(FLUSH_MS, startedAt + drainTimeoutMs - runtime.monotonicMs());
  const sent = (): boolean => claims.outbox.empty && channel.idle(claims.pod);
  await progress.until(sent, leftMs + channel.waitMs(runtime.monotonicMs()));
}
