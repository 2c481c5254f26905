/**
 * One exchange with the store: one request, or several if the store refuses the batch of outcomes.
 *
 * Invariants:
 * - Only the first request claims, or reads a token back.
 * - When `abandoned` aborts, the request in flight fails at once. The store may have applied it.
 */
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import type { ExchangeReply, ExchangeRequest, PodRef, Receipt, Settlement, Store } from '../../store/contract.js';

/** What the first request asks for, besides its settlements. */
export type FirstRequest = Pick<ExchangeRequest, 'claim' | 'readBack'>;

export interface ExchangeCallDependencies {
  readonly store: Pick<Store, 'exchange'>;
  readonly runtime: Runtime;
  readonly abandoned: AbortSignal;
}

export class ExchangeCall {
  readonly #deps: ExchangeCallDependencies;
  readonly #pod: PodRef;
  #first: FirstRequest | undefined;
  #firstReply: ExchangeReply | undefined;
  #pace: ExchangeReply['pace'] = { waitMs: 0, batch: Infinity };

  constructor(deps: ExchangeCallDependencies, pod: PodRef, first: FirstRequest | undefined) {
    this.#deps = deps;
    this.#pod = pod;
    this.#first = first;
  }

  /** The reply to the request that claimed or read back, if it came. */
  get firstReply(): ExchangeReply | undefined {
    return this.#firstReply;
  }

  /** The pace that the last reply asked for. */
  get pace(): ExchangeReply['pace'] {
    return this.#pace;
  }

  async send(settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    const { store, runtime, abandoned } = this.#deps;
    const first = this.#first;
    this.#first = undefined;
    const request: ExchangeRequest = { pod: this.#pod, settlements, ...first };
    const reply = await withTimeout(runtime, () => store.exchange(request), { signal: abandoned });
    if (first !== undefined) this.#firstReply = reply;
    this.#pace = reply.pace;
    return reply.receipts;
  }
}
