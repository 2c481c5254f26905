/**
 * An exchange through the log: the request is logged, and then served by whichever pod has the oldest open one.
 *
 * Invariants:
 * - It ends: a pod that is not served in time serves everybody itself, its own request included. If its UPDATE is turned away for two
 *   minutes, the exchange fails as busy.
 * - An UPDATE of its own is sent once at most. The session sees what it has written, so the look after it says all.
 * - While its settlements read as not applied, the pod goes on looking. A read may be late: such a settlement may have been applied,
 *   and its row may show what was before.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { ClaimRequest } from '../../contract.js';
import type { Pacer } from '../combining/pacer.js';
import { nextMove, type Turn } from '../combining/turn.js';
import { isBusy } from '../session/driver-error.js';
import type { SessionHandle } from '../session/session-interface.js';
import type { Looks } from './looks.js';
import { askBind } from './request-bind.js';
import type { Seen } from './seen.js';
import { isOpen } from './settlements.js';
import type { OwnRequest, ServingUpdate } from './serving-update.js';

export interface LoggedExchangeDependencies {
  /** {@link ExchangeStatements.ask} */
  readonly statement: string;
  /** Sends a statement once: a busy one is turned away. */
  readonly session: SessionHandle;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'random'>;
  readonly pacer: Pacer;
  readonly looks: Looks;
  readonly update: ServingUpdate;
  /** Runs a statement until it is not turned away any more. */
  readonly untilNotBusy: <T>(statement: () => Promise<T>) => Promise<T>;
  /** @throws StoreError `STORE_CLOSED` if the store closes meanwhile */
  readonly pause: (ms: number) => Promise<void>;
  /** A request is a sign of life. */
  readonly onLogged: (incarnation: string, sentAt: number) => void;
}

/** How often a request is logged that no look shows. */
const MOST_INSERTS = 3;
/** How long the UPDATE may be turned away. */
const BUSY_LIMIT_MS = 120_000;

export class LoggedExchange {
  readonly #deps: LoggedExchangeDependencies;

  constructor(deps: LoggedExchangeDependencies) {
    this.#deps = deps;
  }

  /**
   * @param claim what the pod could claim, for the looks
   * @returns the look that answers the request, and whether this pod has served it itself
   * @throws DriverError if a statement fails, or the UPDATE was turned away for two minutes
   */
  async run(
    request: OwnRequest,
    claim: ClaimRequest | undefined,
  ): Promise<{ readonly seen: Seen; readonly served: boolean }> {
    const { runtime, pacer, looks } = this.#deps;
    const { pod, token, settled } = request;
    const question = { pod, claim, token, settled };
    let slotMs = await this.#log(request);
    const loggedAt = runtime.monotonicMs();
    for (let inserts = 1, served = false; ;) {
      const startedAt = runtime.monotonicMs();
      const seen = await looks.look(question);
      const now = runtime.monotonicMs();
      slotMs += pacer.measurements.ran(now - startedAt);
      const move = served ? FINISHED : this.#move(request, seen, now - loggedAt, inserts < MOST_INSERTS);
      if (move.kind === 'finish') {
        pacer.measurements.exchanged(slotMs);
        return { seen, served };
      }
      if (move.kind === 'log') {
        slotMs += await this.#log(request);
        inserts++;
      } else if (move.kind === 'look') await this.#deps.pause(move.afterMs);
      else served = await this.#serve(request, now - loggedAt > BUSY_LIMIT_MS);
    }
  }

  #move(request: OwnRequest, seen: Seen, waitedMs: number, mayLog: boolean) {
    const { pacer, runtime } = this.#deps;
    const isUnsettled = request.settled.some((one) => isOpen(seen.states, one));
    const place = seen.place === 'served' && isUnsettled ? 'behind' : seen.place;
    const turn: Turn = { place: place === 'absent' && !mayLog ? 'behind' : place, rank: seen.older, waitedMs };
    return nextMove(turn, pacer.measurements, runtime.random());
  }

  /** @returns how long the INSERT took in the warehouse */
  async #log(request: OwnRequest): Promise<number> {
    const { statement, session, runtime, pacer, untilNotBusy, onLogged } = this.#deps;
    const bind = askBind(request, pacer.measurements.exchangeSlotMs);
    let tries = 0;
    let startedAt = 0;
    await untilNotBusy(() => {
      tries++;
      startedAt = runtime.monotonicMs();
      return session.run(statement, bind);
    });
    pacer.logged(tries - 1, runtime.monotonicMs());
    onLogged(request.pod.incarnation, startedAt);
    return pacer.measurements.ran(runtime.monotonicMs() - startedAt);
  }

  /**
   * @param isLast whether an UPDATE that is turned away fails the exchange
   * @returns false if it was turned away: others are at it, so the pod goes on looking
   */
  async #serve(request: OwnRequest, isLast: boolean): Promise<boolean> {
    const { runtime, pacer, update, session, pause } = this.#deps;
    try {
      await update.run(request, session);
      return true;
    } catch (error) {
      if (!isBusy(error) || isLast) throw error;
      pacer.waited(runtime.monotonicMs());
      await pause(pacer.measurements.updateMs * (1 + runtime.random()));
      return false;
    }
  }
}

const FINISHED = { kind: 'finish' } as const;
