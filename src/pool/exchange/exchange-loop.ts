/**
 * One exchange after another: outcomes go out, claims come in.
 *
 * Law: one exchange is in flight; outcomes that arrive meanwhile form the next batch, and those of one turn of the event
 * loop travel together. A wake that comes during an exchange is not lost. Nothing is told before its receipt.
 */
import { asError } from '../../errors.js';
import type { Log } from '../../log.js';
import { Loop } from '../../runtime/loop.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Service } from '../../runtime/service.js';
import type { PodRef } from '../../store/contract.js';
import type { Settler } from '../../settlement/settler.js';
import type { ClaimPlanner } from '../planning/claim-planner.js';
import type { ExchangeResult, ExchangeChannel, ClaimPlan } from './exchange-channel.js';
import type { HeldClaim } from '../claims/held-claim.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { Isolation } from '../isolation/isolation.js';
import { OverdueClaims } from '../planning/overdue-claims.js';

export interface ExchangeLoopParts {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly settler: Settler;
  readonly heldClaims: HeldClaims;
  readonly channel: ExchangeChannel;
  readonly planner: ClaimPlanner;
  readonly isolation: Isolation;
  /** Whether anything may be settled or claimed right now. */
  readonly mayProceed: () => boolean;
  /** An exchange is over. */
  readonly onExchanged: () => void;
}

const AFTER_A_BUG_MS = 1_000;

export class ExchangeLoop implements Service {
  /** While the pod is fenced: nothing is claimed, and nothing settled. */
  silent = false;
  /** Claims whose receipt has come, by what became of them. */
  finished = 0;
  released = 0;
  readonly #parts: ExchangeLoopParts;
  readonly #loop: Loop;
  /** A tick is coming that has not looked at the outbox yet. */
  #tickComes = false;
  /** No claim that waits unstarted is older; `Infinity`: all of them came since the last look. */
  #oldestAt = Infinity;

  constructor(parts: ExchangeLoopParts) {
    this.#parts = parts;
    this.#loop = new Loop(parts.runtime, () => this.#tick(), { onError: (error) => this.#bug(error) });
  }

  get running(): boolean {
    return this.#loop.running;
  }

  /** For how long it has been late, in ms. */
  get overdueMs(): number {
    return this.#loop.overdueMs;
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** There is something to hand in, or to claim. */
  wake(): void {
    if (this.#tickComes) return;
    this.#tickComes = this.#loop.running;
    this.#loop.wake();
  }

  async #tick(): Promise<number> {
    const { runtime, heldClaims, channel, planner } = this.#parts;
    this.#tickComes = true;
    await runtime.yield(); // what ends in this turn travels together
    this.#tickComes = false;
    const now = this.#now();
    heldClaims.newSlice(now);
    this.#parts.isolation.expire(now);
    if (this.silent || !this.#parts.mayProceed()) return Infinity; // until `admit` wakes it
    this.#giveBackOverdue(now);
    const waitMs = channel.waitMs(now);
    if (waitMs > 0) return waitMs;
    const batch = heldClaims.outbox.take(channel.batch);
    const pod = batch[0]?.pod ?? heldClaims.pod;
    if (pod === undefined) return Infinity;
    const looks = pod === heldClaims.pod && (batch.length > 0 || planner.lookAt <= now);
    const plan = looks ? this.#plan(now) : undefined;
    if (batch.length === 0 && plan === undefined && channel.readsBackInMs(pod, now) > 0) return this.#restMs(now);
    planner.sent();
    const answer = await channel.exchange(pod, batch, plan, batch.length > 0 || heldClaims.executor.busy > 0);
    if (answer === undefined) heldClaims.outbox.keep();
    else await this.#answered(pod, batch, answer);
    this.#parts.onExchanged();
    return this.#restMs(this.#now());
  }

  async #answered(pod: PodRef, batch: readonly HeldClaim[], answer: ExchangeResult): Promise<void> {
    const { runtime, heldClaims, planner } = this.#parts;
    const now = this.#now();
    heldClaims.outbox.sent();
    planner.answered(now, answer);
    // What an evicted incarnation claimed is an orphan by now.
    if (pod === heldClaims.pod) heldClaims.takeIn(answer.claims, pod, now);
    heldClaims.startNext();
    for (let i = 0; i < batch.length; i++) {
      this.#tell(batch[i], answer, i);
      if ((i & 15) === 15 && heldClaims.sliceIsOver(this.#now())) {
        await runtime.yield(); // listeners take time too
        heldClaims.newSlice(this.#now());
      }
    }
  }

  #tell(held: HeldClaim | undefined, { settlements, receipts }: ExchangeResult, i: number): void {
    const settlement = settlements[i];
    const receipt = receipts[i];
    if (held === undefined || settlement === undefined || receipt === undefined || held.untold) return;
    if (held.outcome.kind === 'released') this.released++;
    else this.finished++;
    this.#parts.settler.announce(held, settlement, receipt);
  }

  #plan(now: number): ClaimPlan | undefined {
    const { heldClaims, planner } = this.#parts;
    return heldClaims.closed || heldClaims.halted ? undefined : planner.plan(now);
  }

  /** When the next tick should come by itself. */
  #restMs(now: number): number {
    return Math.max(this.#ownRestMs(now), this.#parts.channel.waitMs(now));
  }

  #ownRestMs(now: number): number {
    const { heldClaims, channel, planner, isolation } = this.#parts;
    if (heldClaims.outbox.size > 0 || channel.lost(heldClaims.pod)) return 0;
    const claimsIn = this.#plan(now) === undefined ? isolation.looksInMs(now) : Math.max(0, planner.lookAt - now);
    const looksIn = Math.min(claimsIn, channel.readsBackInMs(heldClaims.pod, now));
    if (heldClaims.ready.size === 0) return looksIn;
    // At least a moment: fractions of a ms are rounded otherwise here than in the look itself.
    return Math.min(looksIn, Math.max(1, Math.min(this.#oldestAt, now) + planner.maxWaitMs - now));
  }

  /** What cannot start soon is left to other pods; what may not start beside a suspect is, too. */
  #giveBackOverdue(now: number): void {
    const { heldClaims, planner, isolation } = this.#parts;
    this.#oldestAt = Infinity;
    if (heldClaims.ready.size === 0) return;
    const overdue = new OverdueClaims(isolation.blocked(now) ? now : now - planner.maxWaitMs);
    if (heldClaims.giveBack((held) => overdue.has(held), 'unstarted') > 0) planner.gaveBack();
    this.#oldestAt = overdue.oldestAt;
  }

  #bug(error: unknown): number {
    this.#parts.log.error({ error: asError(error).message }, 'the exchange loop failed');
    this.#parts.heldClaims.outbox.keep();
    this.#parts.heldClaims.startNext();
    return AFTER_A_BUG_MS;
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }
}
