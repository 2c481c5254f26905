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
import type { Demand } from '../planning/claim-planner.js';
import type { Answer, Exchanger, Wanted } from './exchange-channel.js';
import type { Hold } from '../claims/held-claim.js';
import type { Holdings } from '../claims/held-claims.js';
import type { Isolation } from '../isolation/isolation.js';
import { Overdue } from '../planning/overdue-claims.js';

export interface ExchangeLoopParts {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly settler: Settler;
  readonly holdings: Holdings;
  readonly exchanger: Exchanger;
  readonly demand: Demand;
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
    const { runtime, holdings, exchanger, demand } = this.#parts;
    this.#tickComes = true;
    await runtime.yield(); // what ends in this turn travels together
    this.#tickComes = false;
    const now = this.#now();
    holdings.newSlice(now);
    this.#parts.isolation.expire(now);
    if (this.silent || !this.#parts.mayProceed()) return Infinity; // until `admit` wakes it
    this.#giveBackOverdue(now);
    const waitMs = exchanger.waitMs(now);
    if (waitMs > 0) return waitMs;
    const batch = holdings.outbox.take(exchanger.batch);
    const pod = batch[0]?.pod ?? holdings.pod;
    if (pod === undefined) return Infinity;
    const looks = pod === holdings.pod && (batch.length > 0 || demand.lookAt <= now);
    const wanted = looks ? this.#wanted(now) : undefined;
    if (batch.length === 0 && wanted === undefined && exchanger.readsBackInMs(pod, now) > 0) return this.#restMs(now);
    demand.sent();
    const answer = await exchanger.exchange(pod, batch, wanted, batch.length > 0 || holdings.executor.busy > 0);
    if (answer === undefined) holdings.outbox.keep();
    else await this.#answered(pod, batch, answer);
    this.#parts.onExchanged();
    return this.#restMs(this.#now());
  }

  async #answered(pod: PodRef, batch: readonly Hold[], answer: Answer): Promise<void> {
    const { runtime, holdings, demand } = this.#parts;
    const now = this.#now();
    holdings.outbox.sent();
    demand.answered(now, answer);
    // What an evicted incarnation claimed is an orphan by now.
    if (pod === holdings.pod) holdings.takeIn(answer.claims, pod, now);
    holdings.startNext();
    for (let i = 0; i < batch.length; i++) {
      this.#tell(batch[i], answer, i);
      if ((i & 15) === 15 && holdings.sliceIsOver(this.#now())) {
        await runtime.yield(); // listeners take time too
        holdings.newSlice(this.#now());
      }
    }
  }

  #tell(hold: Hold | undefined, { settlements, receipts }: Answer, i: number): void {
    const settlement = settlements[i];
    const receipt = receipts[i];
    if (hold === undefined || settlement === undefined || receipt === undefined || hold.untold) return;
    if (hold.outcome.kind === 'released') this.released++;
    else this.finished++;
    this.#parts.settler.announce(hold, settlement, receipt);
  }

  #wanted(now: number): Wanted | undefined {
    const { holdings, demand } = this.#parts;
    return holdings.closed || holdings.halted ? undefined : demand.wanted(now);
  }

  /** When the next tick should come by itself. */
  #restMs(now: number): number {
    return Math.max(this.#ownRestMs(now), this.#parts.exchanger.waitMs(now));
  }

  #ownRestMs(now: number): number {
    const { holdings, exchanger, demand, isolation } = this.#parts;
    if (holdings.outbox.size > 0 || exchanger.lost(holdings.pod)) return 0;
    const claimsIn = this.#wanted(now) === undefined ? isolation.looksInMs(now) : Math.max(0, demand.lookAt - now);
    const looksIn = Math.min(claimsIn, exchanger.readsBackInMs(holdings.pod, now));
    if (holdings.buffer.size === 0) return looksIn;
    // At least a moment: fractions of a ms are rounded otherwise here than in the look itself.
    return Math.min(looksIn, Math.max(1, Math.min(this.#oldestAt, now) + demand.patienceMs - now));
  }

  /** What cannot start soon is left to other pods; what may not start beside a suspect is, too. */
  #giveBackOverdue(now: number): void {
    const { holdings, demand, isolation } = this.#parts;
    this.#oldestAt = Infinity;
    if (holdings.buffer.size === 0) return;
    const overdue = new Overdue(isolation.barred(now) ? now : now - demand.patienceMs);
    if (holdings.giveBack((hold) => overdue.has(hold), 'unstarted') > 0) demand.gaveBack();
    this.#oldestAt = overdue.oldestAt;
  }

  #bug(error: unknown): number {
    this.#parts.log.error({ error: asError(error).message }, 'the exchange loop failed');
    this.#parts.holdings.outbox.keep();
    this.#parts.holdings.startNext();
    return AFTER_A_BUG_MS;
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }
}
