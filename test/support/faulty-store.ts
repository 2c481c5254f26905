/**
 * A store with faults: what networks, databases and schedulers do to calls, in a repeatable way.
 *
 * A {@link FaultPlan} decides the fault of each call. A call without a fault goes straight through.
 */
import { StoreError } from '../../src/errors.js';
import { sleep, type Runtime } from '../../src/runtime/runtime.js';
import type { ExchangeRequest, Rhythm, Settlement, Store } from '../../src/store/contract.js';

/** The verbs that can be made to fail. */
export type Verb = Exclude<keyof Store, 'name' | 'rhythm' | 'staleReadMs' | 'watch' | 'open' | 'close'>;

export interface Call {
  readonly verb: Verb;
  readonly args: readonly unknown[];
  /** How many times this verb was called before. */
  readonly nth: number;
}

/** What happens to a call. Several can be combined. */
export interface Fault {
  /** The call reaches the store after this many ms. */
  readonly delayMs?: number;
  /** The reply comes back after this many ms. */
  readonly replyDelayMs?: number;
  /** `before`: the call never happens. `after`: it happens, and the reply is lost. */
  readonly fails?: 'before' | 'after';
  /** The error that the caller gets instead of a reply. Default: `STORE_UNAVAILABLE`, transient. */
  readonly error?: Error;
  /** The call lands this many ms later (again, if it has landed already). Its reply is dropped. */
  readonly landsLateMs?: number;
}

export type FaultPlan = (call: Call) => Fault | undefined;

/** The faults of each verb, call by call; `undefined` leaves a call alone, and so does the end of the list. */
export function scripted(script: Partial<Record<Verb, readonly (Fault | undefined)[]>>): FaultPlan {
  return ({ verb, nth }) => script[verb]?.[nth];
}

/** The probabilities of a {@link seeded} plan, from 0 to 1, and its longest delay. */
export interface Chances {
  readonly failBefore?: number;
  readonly failAfter?: number;
  readonly delay?: number;
  readonly landsLate?: number;
  /** The longest delay of any kind. Default 1,000. */
  readonly longestMs?: number;
  /** Default: all. */
  readonly verbs?: readonly Verb[];
}

/** Random faults. With a seeded `random` the same run gets the same faults. */
export function seeded(random: () => number, chances: Chances): FaultPlan {
  const longestMs = chances.longestMs ?? 1_000;
  const happens = (chance = 0): boolean => random() < chance;
  const some = (): number => Math.ceil(random() * longestMs);
  return ({ verb }) => {
    if (chances.verbs?.includes(verb) === false) return undefined;
    const fails = happens(chances.failBefore) ? 'before' : happens(chances.failAfter) ? 'after' : undefined;
    return {
      ...(fails === undefined ? {} : { fails }),
      ...(happens(chances.delay) ? { delayMs: some() } : {}),
      ...(happens(chances.delay) ? { replyDelayMs: some() } : {}),
      ...(happens(chances.landsLate) ? { landsLateMs: some() } : {}),
    };
  };
}

/** The store permanently refuses every batch with a settlement that it "cannot hold". */
export function refusing(cannotHold: (settlement: Settlement) => boolean): FaultPlan {
  const error = new StoreError('STORE_REFUSED', 'the store cannot hold a value of the batch', false);
  return ({ verb, args }) => {
    const settlements =
      verb === 'exchange'
        ? (args[0] as ExchangeRequest).settlements
        : verb === 'settle'
          ? (args[1] as readonly Settlement[])
          : [];
    return settlements.some(cannotHold) ? { fails: 'before', error } : undefined;
  };
}

/** The first plan that has a fault for a call decides. */
export function firstOf(...plans: readonly FaultPlan[]): FaultPlan {
  return (call) => {
    for (const plan of plans) {
      const fault = plan(call);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

export class FaultyStore implements Store {
  readonly #inner: Store;
  readonly #runtime: Runtime;
  readonly #calls: Call[] = [];
  readonly #counts = new Map<Verb, number>();
  readonly #late = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** May be changed at any time. `undefined`: no more faults. */
  plan: FaultPlan | undefined;

  constructor(inner: Store, runtime: Runtime, plan?: FaultPlan) {
    this.#inner = inner;
    this.#runtime = runtime;
    this.plan = plan;
  }

  /** Every call so far, also the failed ones. */
  get calls(): readonly Call[] {
    return this.#calls;
  }

  /** How many times `verb` has been called. */
  count(verb: Verb): number {
    return this.#counts.get(verb) ?? 0;
  }

  get name(): string {
    return this.#inner.name;
  }

  get rhythm(): Rhythm {
    return this.#inner.rhythm;
  }

  get staleReadMs(): number {
    return this.#inner.staleReadMs;
  }

  readonly submit = this.#faulty('submit');
  readonly exchange = this.#faulty('exchange');
  readonly settle = this.#faulty('settle');
  readonly find = this.#faulty('find');
  readonly ended = this.#faulty('ended');
  readonly cancelled = this.#faulty('cancelled');
  readonly list = this.#faulty('list');
  readonly stats = this.#faulty('stats');
  readonly cancel = this.#faulty('cancel');
  readonly retry = this.#faulty('retry');
  readonly prune = this.#faulty('prune');
  readonly register = this.#faulty('register');
  readonly heartbeat = this.#faulty('heartbeat');
  readonly fleet = this.#faulty('fleet');
  readonly leave = this.#faulty('leave');
  readonly orphans = this.#faulty('orphans');
  readonly evict = this.#faulty('evict');
  readonly pulse = this.#faulty('pulse');
  readonly diagnose = this.#faulty('diagnose');

  watch(onChange: () => void): () => void {
    return this.#inner.watch(onChange);
  }

  open(): Promise<void> {
    return this.#inner.open();
  }

  /** Makes late calls land now, or drops them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#late);
    await this.#inner.close();
  }

  #faulty<V extends Verb>(verb: V): Store[V] {
    const call = async (...args: unknown[]): Promise<unknown> => {
      const made: Call = { verb, args, nth: this.count(verb) };
      this.#calls.push(made);
      this.#counts.set(verb, made.nth + 1);
      const fault = this.plan?.(made) ?? {};
      const send = (): Promise<unknown> => (this.#inner[verb] as (...args: unknown[]) => Promise<unknown>)(...args);
      if (fault.landsLateMs !== undefined) this.#landLate(send, fault.landsLateMs);
      await this.#wait(fault.delayMs);
      if (fault.fails === 'before') throw fault.error ?? lost(verb);
      const reply = await send();
      await this.#wait(fault.replyDelayMs);
      if (fault.fails === 'after') throw fault.error ?? lost(verb);
      return reply;
    };
    return call as unknown as Store[V];
  }

  #landLate(send: () => Promise<unknown>, afterMs: number): void {
    const landing = sleep(this.#runtime, afterMs, this.#closing.signal)
      .then(send)
      .then(
        () => {},
        () => {}, // the reply is dropped
      )
      .finally(() => this.#late.delete(landing));
    this.#late.add(landing);
  }

  #wait(ms: number | undefined): Promise<void> | undefined {
    return ms === undefined ? undefined : sleep(this.#runtime, ms, this.#closing.signal);
  }
}

function lost(verb: Verb): StoreError {
  return new StoreError('STORE_UNAVAILABLE', `${verb}: the connection was lost`, true);
}
