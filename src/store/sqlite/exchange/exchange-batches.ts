/**
 * Splits an exchange into transactions of a few ms.
 *
 * Invariants:
 * - A transaction settles and claims no more than a batch, whose size follows the measured time of earlier ones.
 * - The last batch of settlements shares its transaction with the claim.
 * - If the claim is blocked by a backlog that has not been promoted, the exchange promotes more, for 50 ms at most. The
 *   event loop turns between two transactions.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { ExchangeReply, ExchangeRequest, PodRef, Receipt, Settlement } from '../../contract.js';
import type { CallRunner } from '../connection/call-runner.js';
import type { Session } from '../connection/session.js';
import { BatchSize, charactersOf } from './batch-size.js';
import type { Exchanged } from './exchange-transaction.js';

/** How long an exchange continues to promote while its claim is blocked. */
const UNBLOCK_MS = 50;

export class ExchangeBatches {
  readonly #runtime: Runtime;
  readonly #calls: CallRunner;
  readonly #size = new BatchSize();

  constructor(runtime: Runtime, calls: CallRunner) {
    this.#runtime = runtime;
    this.#calls = calls;
  }

  async exchange(session: Session, request: ExchangeRequest): Promise<ExchangeReply> {
    const { batch } = this.#size;
    const ahead = Math.max(0, Math.ceil(request.settlements.length / batch) - 1) * batch;
    const early = ahead === 0 ? [] : await this.settle(session, request.pod, request.settlements.slice(0, ahead));
    const last = ahead === 0 ? request : { ...request, settlements: request.settlements.slice(ahead) };
    let reply = await this.#calls.attempt(() => this.#transaction(session, last, batch));
    const until = this.#runtime.monotonicMs() + UNBLOCK_MS;
    const { receipts } = reply;
    while (reply.blocked && reply.claims.length === 0 && this.#runtime.monotonicMs() < until) {
      await this.#runtime.yield();
      reply = await this.#calls.attempt(() => this.#transaction(session, { ...last, settlements: [] }, batch));
    }
    return {
      receipts: ahead === 0 ? receipts : [...early, ...receipts],
      claims: reply.claims,
      nextDueInMs: reply.nextDueInMs,
      pace: { waitMs: 0, batch: this.#size.batch },
    };
  }

  settle(session: Session, pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    return this.#calls.inBatches(settlements, this.#size.batch, (batch) =>
      session.wrote(batch.length, session.core.settle(session.now(), pod, batch)),
    );
  }

  #transaction(session: Session, request: ExchangeRequest, batch: number): Exchanged {
    const startedAt = this.#runtime.monotonicMs();
    const reply = session.core.exchange(session.now(), request, batch);
    const { length: settled } = request.settlements;
    const rows = Math.max(settled, reply.claims.length);
    this.#size.learn(rows, this.#runtime.monotonicMs() - startedAt, charactersOf(request, reply.claims));
    return session.wrote(settled + reply.claims.length, reply);
  }
}
