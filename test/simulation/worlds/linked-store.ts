/** A store behind a link: each call and each reply takes the way of its process. */
import type { Store } from '../../../src/store/contract.js';
import type { Link } from './world.js';

/** What passes without the link: it is local. */
const LOCAL: ReadonlySet<string | symbol> = new Set(['open', 'close', 'watch']);

export function linkedStore(store: Store, link: Link): Store {
  const methods = new Map<string | symbol, unknown>();
  const linked = (key: string, method: (...args: unknown[]) => Promise<unknown>) => {
    return async (...args: unknown[]): Promise<unknown> => {
      await link.outbound(key);
      const reply = await method(...args).then(
        (value) => () => value,
        (error: unknown) => () => {
          throw error;
        },
      );
      await link.inbound();
      return reply();
    };
  };
  return new Proxy(store, {
    get: (target, key) => {
      const known = methods.get(key);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      const made = LOCAL.has(key) ? method : linked(String(key), method);
      methods.set(key, made);
      return made;
    },
  });
}
