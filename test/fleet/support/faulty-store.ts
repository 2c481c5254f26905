/**
 * A real store behind a connection that can break: every call passes, fails, hangs until the connection heals, takes longer,
 * or loses its reply.
 */
import { StoreError } from '../../../src/errors.js';
import { sleep, type Runtime } from '../../../src/runtime/runtime.js';
import type { Store } from '../../../src/store/contract.js';

type Method = keyof Store;

export class Line {
  readonly calls: Method[] = [];
  readonly #runtime: Runtime;
  /** What happens to a call; by method, or `all`. */
  readonly #faults = new Map<Method | 'all', 'fails' | 'hangs' | 'loses'>();
  readonly #delays = new Map<Method | 'all', number>();
  readonly #hung: (() => void)[] = [];
  readonly #before = new Map<Method, () => void>();
  readonly #after = new Map<Method, (reply: any) => unknown>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** From now on calls fail, never answer, or happen and then fail. */
  breaks(fault: 'fails' | 'hangs' | 'loses', method: Method | 'all' = 'all'): void {
    this.#faults.set(method, fault);
  }

  /** Replies come `ms` later. */
  delays(ms: number, method: Method | 'all' = 'all'): void {
    this.#delays.set(method, ms);
  }

  /** @param lingerMs how much later the calls that hang fail */
  heals(lingerMs = 0): void {
    for (const hung of this.#hung.splice(0)) this.#runtime.after(lingerMs, hung);
    for (const each of [this.#faults, this.#delays, this.#before, this.#after]) each.clear();
  }

  /** Runs right before a call goes through. */
  before(method: Method, act: () => void): void {
    this.#before.set(method, act);
  }

  /** Changes a reply. */
  after(method: Method, change: (reply: any) => unknown): void {
    this.#after.set(method, change);
  }

  count(method: Method): number {
    return this.calls.filter((each) => each === method).length;
  }

  over(store: Store): Store {
    return new Proxy(store, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        const method = value.bind(target) as (...args: unknown[]) => unknown;
        if (key === 'open' || key === 'close' || key === 'watch') return method;
        return (...args: unknown[]) => this.#pass(key as Method, () => method(...args));
      },
    });
  }

  async #pass(method: Method, call: () => unknown): Promise<unknown> {
    this.calls.push(method);
    const fault = this.#faults.get(method) ?? this.#faults.get('all');
    const down = () => new StoreError('STORE_UNAVAILABLE', 'the line is broken', true);
    if (fault === 'hangs') await new Promise<void>((hung) => this.#hung.push(hung));
    if (fault === 'fails' || fault === 'hangs') throw down();
    this.#before.get(method)?.();
    const reply = await call();
    const delay = this.#delays.get(method) ?? this.#delays.get('all');
    if (delay !== undefined) await sleep(this.#runtime, delay);
    if (fault === 'loses') throw down();
    return this.#after.get(method)?.(reply) ?? reply;
  }
}
