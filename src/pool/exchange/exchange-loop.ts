/**
 * Runs one exchange after another: outcomes go out, claims come in.
 *
 * Invariants:
 * - One exchange is in flight at a time. Outcomes that arrive meanwhile form the next batch, and outcomes of one turn of the
 *   event loop travel together.
 * - A wake that comes during an exchange is not lost.
 * - Nothing is settled or claimed unless the pool's state and the self-fence allow it.
 * - No event of an outcome is emitted before its receipt.
 */
import { loggedErrorWithStack, type Log } from '../../log.js';
import { Loop } from '../../runtime/loop.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Service } from '../../runtime/service.js';
import type { Settler } from '../../settlement/settler.js';
import type { PodRef } from '../../store/contract.js';
import type { QuietLook } from '../../pool-interface.js';
import type { HeldClaims } from '../claims/held-claims.js';
import { isEnded, type OutboxEntry } from '../claims/outbox.js';
import type { SlotFiller } from '../execution/slot-filler.js';
import type { TimeSlice } from '../execution/time-slice.js';
import type { SuspectIsolation } from '../suspects/suspect-isolation.js';
import type { ClaimPlan, ClaimPlanner } from '../planning/claim-planner.js';
import { OverdueClaims } from '../planning/overdue-claims.js';
import type { ReadonlyPoolState } from '../pool-state.js';
import type { ClaimIntake } from './claim-intake.js';
import type { ExchangeChannel, ExchangeResult } from './exchange-channel.js';

export interface ExchangeLoopDependencies {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly state: ReadonlyPoolState;
  readonly claims: HeldClaims;
  readonly slots: SlotFiller;
  readonly slice: TimeSlice;
  readonly planner: ClaimPlanner;
  readonly isolation: SuspectIsolation;
  readonly channel: ExchangeChannel;
  readonly intake: ClaimIntake;
  /** Announces what became of a claim. */
  readonly settler: Pick<Settler, 'announce'>;
  /** The self-fence: whether anything may be settled or claimed right now. */
  readonly mayProceed: () => boolean;
  /** How long an exchange may take until the loop counts as late, in ms. */
  readonly answerWithinMs: number;
  /** An exchange is over. */
  readonly onExchanged: () => void;
}

/** Claims whose receipts have come since the pool was made. */
export interface SettledCounts {
  readonly finished: number;
  /** Given back uncharged. */
  readonly released: number;
}

const AFTER_A_BUG_MS = 1_000;
/** Receipts between two checks of the time slice. */
const CHECK_EVERY = 16;

export class ExchangeLoop implements Service {
  readonly #deps: ExchangeLoopDependencies;
  readonly #loop: Loop;
  readonly #onQuiet: ((look: QuietLook | undefined) => void)[] = [];
  #finished = 0;
  #released = 0;
  /** When the oldest unstarted claim was taken; `Infinity` if all came since the last check. */
  #oldestAt = Infinity;

  constructor(deps: ExchangeLoopDependencies) {
    this.#deps = deps;
    this.#loop = new Loop(deps.runtime, () => this.#tick(), {
      gathersWakes: true,
      onError: (error) => this.#onBug(error),
    });
  }

  get running(): boolean {
    return this.#loop.running;
  }

  /** How long the loop has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  get counts(): SettledCounts {
    return { finished: this.#finished, released: this.#released };
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Calls back after each exchange: with what it has seen if there was nothing to do, otherwise without. */
  onQuiet(listener: (look: QuietLook | undefined) => void): void {
    this.#onQuiet.push(listener);
  }

  /** There is something to send or to claim. */
  wake(): void {
    this.#loop.wake();
  }

  async #tick(): Promise<number> {
    const { claims, slice, channel, isolation, state, mayProceed, onExchanged } = this.#deps;
    const now = this.#now();
    slice.begin(now);
    isolation.expire(now);
    if (!state.permissions.maySettle || !mayProceed()) return Infinity; // `admit` wakes the loop
    this.#giveBackOverdue(now);
    const waitMs = channel.waitMs(now);
    if (waitMs > 0) return waitMs;
    const batch = claims.outbox.take(channel.batch);
    const pod = batch[0]?.pod ?? claims.pod;
    if (pod === undefined) return Infinity;
    if (await this.#exchange(pod, batch, now)) onExchanged();
    return this.#restMs(this.#now());
  }

  /** @returns false if there was nothing to exchange */
  async #exchange(pod: PodRef, batch: readonly OutboxEntry[], now: number): Promise<boolean> {
    const { claims, channel, planner } = this.#deps;
    const asks = pod === claims.pod && (batch.length > 0 || planner.checkAt <= now);
    const plan = asks ? this.#plan(now) : undefined;
    if (batch.length === 0 && plan === undefined && channel.readBackInMs(pod, now) > 0) return false;
    this.#loop.grant(this.#deps.answerWithinMs);
    planner.sent();
    const result = await channel.exchange(pod, batch, plan, batch.length > 0 || claims.running.busy > 0);
    this.#loop.grant(0);
    if (result === undefined) claims.outbox.keep();
    else await this.#received(pod, batch, result);
    const look = batch.length === 0 && claims.empty ? quietLookOf(result, now, this.#now()) : undefined;
    for (const listener of this.#onQuiet) listener(look);
    return true;
  }

  async #received(pod: PodRef, batch: readonly OutboxEntry[], result: ExchangeResult): Promise<void> {
    const { runtime, claims, planner, intake, slots, slice } = this.#deps;
    const now = this.#now();
    // Before the batch leaves the outbox: a look may still show a claim that this exchange gives back.
    const brought = result.isReadBack || claims.outbox.hasUnknown ? claims.notHeld(result.claims) : result.claims;
    claims.outbox.sent();
    planner.received(now, result);
    // Claims of an evicted incarnation are orphans by now.
    if (pod === claims.pod) intake.takeIn(brought, pod, now);
    slots.fill();
    for (let i = 0; i < batch.length; i++) {
      this.#announce(batch[i], result, i);
      if (i % CHECK_EVERY === CHECK_EVERY - 1 && slice.isOver(this.#now())) {
        this.#loop.grant(0);
        await runtime.yield(); // listeners take time too
        slice.begin(this.#now());
      }
    }
  }

  #announce(entry: OutboxEntry | undefined, { settlements, receipts }: ExchangeResult, i: number): void {
    const settlement = settlements[i];
    const receipt = receipts[i];
    if (entry === undefined || settlement === undefined || receipt === undefined || !isEnded(entry)) return;
    if (entry.outcome.kind === 'released') this.#released++;
    else this.#finished++;
    this.#deps.settler.announce(entry, settlement, receipt);
  }

  #plan(now: number): ClaimPlan | undefined {
    const { state, planner } = this.#deps;
    if (state.permissions.mayClaim) return planner.plan(now);
    return state.permissions.mayLook ? planner.look() : undefined;
  }

  /** In how many ms the next tick should come if nothing wakes the loop. */
  #restMs(now: number): number {
    return Math.max(this.#nextMs(now), this.#deps.channel.waitMs(now));
  }

  #nextMs(now: number): number {
    const { claims, channel, planner, isolation } = this.#deps;
    if (claims.outbox.size > 0) return 0;
    const claimInMs = this.#plan(now) === undefined ? isolation.checkInMs(now) : Math.max(0, planner.checkAt - now);
    const nextMs = Math.min(claimInMs, channel.readBackInMs(claims.pod, now));
    if (claims.ready.size === 0) return nextMs;
    // At least 1 ms: fractions of a ms are rounded differently here and in the check itself.
    return Math.min(nextMs, Math.max(1, Math.min(this.#oldestAt, now) + planner.maxWaitMs - now));
  }

  /** Claims that cannot start soon, or may not start beside a suspect, are left to other pods. */
  #giveBackOverdue(now: number): void {
    const { claims, planner, isolation } = this.#deps;
    this.#oldestAt = Infinity;
    if (claims.ready.size === 0) return;
    const overdue = new OverdueClaims(isolation.blocked(now) ? now : now - planner.maxWaitMs);
    if (claims.giveBackUnstarted('unstarted', (held) => overdue.has(held)) > 0) planner.gaveBack();
    this.#oldestAt = overdue.oldestAt;
  }

  #onBug(error: unknown): number {
    const { log, claims, slots } = this.#deps;
    log.error(
      { error: loggedErrorWithStack(error), retryInMs: AFTER_A_BUG_MS },
      'exchange loop threw; keeping the outcomes and trying again',
    );
    claims.outbox.keep();
    slots.fill();
    return AFTER_A_BUG_MS;
  }

  #now(): number {
    return this.#deps.runtime.monotonicMs();
  }
}

function quietLookOf(result: ExchangeResult | undefined, startedAt: number, endedAt: number): QuietLook | undefined {
  if (result?.quiet === undefined) return undefined;
  return { startedAt, endedAt, census: result.quiet.census, nextDueInMs: result.nextDueInMs };
}
