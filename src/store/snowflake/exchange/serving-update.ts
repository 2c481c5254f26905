/**
 * The UPDATE that serves requests: those that pods have logged, and this pod's own, which travels in its bind.
 *
 * Invariants:
 * - If the UPDATE is refused permanently, the culprit may be another pod's request or row. So the pod goes alone: first with its own
 *   request, then with its settlements. Only its own values can make that fail, and other pods are not held up.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { ClaimRequest, PodRef, Settlement } from '../../contract.js';
import type { BindChunk } from '../bind-chunks.js';
import type { Pacer } from '../combining/pacer.js';
import { isRefused } from '../session/driver-error.js';
import type { SessionHandle, StatementRunner } from '../session/session-interface.js';
import { updateBind, type RequestOfPod } from './request-bind.js';
import type { Settlements } from './settlements.js';

export interface ServingUpdateDependencies {
  /** {@link ExchangeStatements.exchange} */
  readonly statement: string;
  readonly session: SessionHandle;
  readonly settlements: Settlements;
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly pacer: Pacer;
}

/** A request, with its settlements apart. */
export interface OwnRequest extends RequestOfPod {
  readonly pod: PodRef;
  readonly claim: ClaimRequest | undefined;
  /** The settlements, as bound; `undefined` if there are none. */
  readonly own: BindChunk<Settlement> | undefined;
  /** The settlements whose receipts the look after it must show. */
  readonly settled: readonly Settlement[];
}

export class ServingUpdate {
  readonly #deps: ServingUpdateDependencies;
  #wroteOn: number | undefined;

  constructor(deps: ServingUpdateDependencies) {
    this.#deps = deps;
  }

  /** The connection of the last UPDATE. */
  get wroteOn(): number | undefined {
    return this.#wroteOn;
  }

  /** @param runner sends the UPDATE: the session, or one that sends a busy statement again */
  async run(request: OwnRequest, runner: StatementRunner): Promise<void> {
    try {
      await this.#update(runner, updateBind(request));
    } catch (error) {
      if (!isRefused(error)) throw error;
      await this.#alone(request, runner);
    }
    this.#wroteOn = this.#deps.session.logins;
  }

  async #alone(request: OwnRequest, runner: StatementRunner): Promise<void> {
    try {
      await this.#update(runner, updateBind({ ...request, skip: 0 }, 0));
    } catch (error) {
      if (request.own === undefined || !isRefused(error)) throw error;
      await this.#deps.settlements.apply(this.#deps.session, request.pod, request.own);
    }
  }

  async #update(runner: StatementRunner, bind: string): Promise<void> {
    const { statement, runtime, pacer } = this.#deps;
    const startedAt = runtime.monotonicMs();
    await runner.run(statement, bind);
    pacer.measurements.updated(runtime.monotonicMs() - startedAt);
  }
}
