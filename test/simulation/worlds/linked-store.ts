/**
 * A store behind a link: each call and each reply takes the way of its process.
 *
 * Invariants: as for any store, `close` waits for the calls that are open, a few seconds at most; those that hang are rejected then.
 */
import { StoreError } from '../../../src/errors.js';
import { sleep } from '../../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { Store } from '../../../src/store/contract.js';
import type { Link } from './world.js';

/** What passes without the link: it is local. */
const LOCAL: ReadonlySet<string | symbol> = new Set(['open', 'watch']);
/** How long `close` waits for open calls. */
const CLOSE_MS = 3_000;

type Method = (...args: unknown[]) => Promise<unknown>;

export function linkedStore(store: Store, link: Link, network: VirtualRuntime): Store {
  const methods = new Map<string | symbol, unknown>();
  const open = new Set<(error: Error) => void>();
  let onLast = (): void => {};
  const pass = async (key: string, call: () => Promise<unknown>): Promise<unknown> => {
    await link.outbound(key);
    link.arrived?.(() => void call().catch(() => undefined));
    const reply = await call().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await link.inbound();
    return reply();
  };
  const linked = (key: string, method: Method): Method => {
    return (...args) =>
      new Promise((resolve, reject) => {
        open.add(reject);
        const passed = pass(key, () => method(...args)).then(resolve, reject);
        void passed.then(() => {
          open.delete(reject);
          if (open.size === 0) onLast();
        });
      });
  };
  const close = async (): Promise<void> => {
    if (open.size > 0) {
      const done = new AbortController();
      onLast = () => done.abort();
      await sleep(network, CLOSE_MS, done.signal);
    }
    for (const reject of open) reject(new StoreError('STORE_UNAVAILABLE', 'the store is closed', true));
    await store.close();
  };
  return new Proxy(store, {
    get: (target, key) => {
      if (key === 'close') return close;
      const known = methods.get(key);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as Method;
      const made = LOCAL.has(key) ? method : linked(String(key), method);
      methods.set(key, made);
      return made;
    },
  });
}
