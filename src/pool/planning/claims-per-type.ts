/**
 * How many more claims of each type this pod can use.
 *
 * Invariants:
 * - A map that was returned never changes. The same map is returned until a limit differs.
 * - A type without `concurrency` has no limit of its own, so only types with one are examined for each exchange.
 */
import type { Handlers } from '../handlers/handlers.js';
import type { TypeHandler } from '../handlers/type-handler.js';

export class ClaimsPerType {
  readonly #handlers: Handlers;
  #known = 0;
  #limited: readonly (readonly [type: string, handler: TypeHandler])[] = [];
  #limits: ReadonlyMap<string, number> = new Map();

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  /** The types of which at least one claim is useful; `undefined` if there is none. @param spanMs see `TypeHandler.useful` */
  at(spanMs: number): ReadonlyMap<string, number> | undefined {
    if (this.#known !== this.#handlers.all.size) this.#load();
    let changed: Map<string, number> | undefined;
    for (const [type, handler] of this.#limited) {
      const useful = handler.useful(spanMs);
      if (useful === (this.#limits.get(type) ?? 0)) continue;
      changed ??= new Map(this.#limits);
      if (useful > 0) changed.set(type, useful);
      else changed.delete(type);
    }
    if (changed !== undefined) this.#limits = changed;
    return this.#limits.size === 0 ? undefined : this.#limits;
  }

  #load(): void {
    const all = [...this.#handlers.all];
    this.#known = all.length;
    this.#limited = all.filter(([, { limit }]) => limit !== undefined);
    this.#limits = new Map(all.flatMap(([type, { limit }]) => (limit === undefined ? [[type, Infinity]] : [])));
  }
}
