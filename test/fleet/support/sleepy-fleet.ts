/**
 * SQLite stores on one file whose idle pods sleep: what the fleet shares, and what each pod's own store adds to it.
 *
 * The token moves with each change of a step. SQLite's own moves with each heartbeat, and its watch wakes pods that sleep.
 */
import type {
  ExchangeReply,
  ExchangeRequest,
  Receipt,
  Settlement,
  SleepRhythm,
  Store,
} from '../../../src/store/contract.js';

export class SleepyFleet {
  readonly #rhythm: SleepRhythm;
  #changes = 0;
  #rows = 0;
  readonly #claimed = new Set<string>();

  constructor(rhythm: SleepRhythm) {
    this.#rhythm = rhythm;
  }

  over(store: Store): Store {
    const own: Partial<Store> = {
      sleep: this.#rhythm,
      watch: () => () => undefined,
      pulse: () => Promise.resolve(String(this.#changes)),
      census: () => Promise.resolve(String(this.#rows)),
      submit: async (steps) => {
        const receipts = await store.submit(steps);
        this.#changes++;
        this.#rows += receipts.filter((receipt) => receipt === 'created').length;
        return receipts;
      },
      exchange: async (request) => this.#exchanged(request, await store.exchange(request)),
      settle: async (pod, settlements) => {
        const receipts = await store.settle(pod, settlements);
        this.#settled(settlements, receipts);
        return receipts;
      },
    };
    return new Proxy(store, {
      get: (target, key) => {
        if (Object.hasOwn(own, key)) return own[key as keyof Store];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  #exchanged({ settlements, claim }: ExchangeRequest, reply: ExchangeReply): ExchangeReply {
    this.#settled(settlements, reply.receipts);
    for (const { stepId } of reply.claims) this.#claimed.add(stepId);
    if (reply.claims.length > 0) this.#changes++;
    const isQuiet = claim !== undefined && this.#claimed.size === 0 && reply.nextDueInMs !== 0;
    return isQuiet ? { ...reply, quiet: { census: String(this.#rows) } } : reply;
  }

  #settled(settlements: readonly Settlement[], receipts: readonly Receipt[]): void {
    settlements.forEach(({ stepId }, i) => {
      if (receipts[i] === 'settled') this.#claimed.delete(stepId);
    });
    if (settlements.length > 0) this.#changes++;
  }
}
