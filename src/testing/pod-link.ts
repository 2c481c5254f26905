/**
 * The way between one process of a test fleet and the store.
 *
 * Invariants:
 * - Over a link that is `down`, each call fails at once, and is not applied.
 * - Over a link that is `held`, a call waits, and a reply waits: the process is frozen. What it had sent is applied.
 * - Over a link that is `dead`, no call ends: the process was killed.
 */
import { StoreError } from '../errors.js';
import type { ExchangeReply, ExchangeRequest, Heartbeat, PodRef, Store } from '../store/contract.js';

export type LinkState = 'up' | 'down' | 'held' | 'dead';

/** The writes that other processes have to hear of. An exchange is one if it settles or claims. */
const WRITES: ReadonlySet<string | symbol> = new Set(['submit', 'settle', 'cancel', 'retry']);
/** These need no way to the store. */
const LOCAL: ReadonlySet<string | symbol> = new Set(['open', 'close']);

/** What a link reports to. */
export interface LinkOwner {
  /** This process has written. */
  wrote(link: PodLink): void;
  /** Calls back after writes of other processes. Returns what ends it. */
  watch(link: PodLink, onChange: () => void): () => void;
}

export class PodLink {
  readonly #owner: LinkOwner;
  #state: LinkState = 'up';
  #released: (() => void)[] = [];
  #store: Store | undefined;
  #lastBeat: readonly [PodRef, Heartbeat] | undefined;

  constructor(owner: LinkOwner) {
    this.#owner = owner;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** A dead link stays dead. */
  set(state: LinkState): void {
    if (this.#state === 'dead') return;
    this.#state = state;
    if (state !== 'held') for (const release of this.#released.splice(0)) release();
  }

  /** The incarnation that has sent the last heartbeat. */
  get pod(): PodRef | undefined {
    return this.#lastBeat?.[0];
  }

  /** Repeats the last heartbeat, as the pod would have sent it while its time was skipped. */
  async beatAgain(): Promise<void> {
    if (this.#lastBeat !== undefined) await this.#store?.heartbeat(...this.#lastBeat);
  }

  /** The store as this process reaches it. */
  over(store: Store): Store {
    this.#store = store;
    return new Proxy(store, {
      get: (target, key) => {
        if (key === 'watch') return (onChange: () => void) => this.#owner.watch(this, onChange);
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        return LOCAL.has(key) ? call : (...args: unknown[]) => this.#call(key, args, call);
      },
    });
  }

  async #call(key: string | symbol, args: readonly unknown[], call: (...args: unknown[]) => unknown): Promise<unknown> {
    await this.#pass(key);
    if (key === 'heartbeat') this.#lastBeat = args as unknown as [PodRef, Heartbeat];
    const reply = await call(...args);
    if (WRITES.has(key) || (key === 'exchange' && changed(args[0] as ExchangeRequest, reply as ExchangeReply)))
      this.#owner.wrote(this);
    await this.#pass(key);
    return reply;
  }

  async #pass(key: string | symbol): Promise<void> {
    while (this.#state === 'held') await new Promise<void>((release) => this.#released.push(release));
    if (this.#state === 'dead') await new Promise<never>(() => {});
    if (this.#state === 'down')
      throw new StoreError('STORE_UNAVAILABLE', `${String(key)}: the test has disconnected this process`, true);
  }
}

function changed({ settlements }: ExchangeRequest, { claims }: ExchangeReply): boolean {
  return settlements.length > 0 || claims.length > 0;
}
