/**
 * The tokens under which claims of this pod may still show, and the claims that it has had.
 *
 * Invariants:
 * - A look asks for every token of the last two request windows. An UPDATE may serve a request again, because it does not see yet
 *   that it was served; its pod has a new token by then. If the pod asked for its newest token only, such claims
 *   would stand until two heartbeats have shown them.
 * - A claim is handed to the pool once. A late look may show it again after it was settled: its step would run twice. So
 *   what the pod has had, or has given back, is remembered for longer than its token is asked for.
 */
import { fenceKey, type Fence } from '../../contract.js';

/** How long a token is asked for: two windows in which a request is served. */
const ASKED_FOR_MS = 120_000;
/** How long a claim is remembered. */
const REMEMBERED_MS = 2 * ASKED_FOR_MS;

export class RecentTokens {
  /** When each was last used, the oldest first. */
  readonly #tokens = new Map<string, number>();
  /** When each was had, the oldest first. */
  readonly #had = new Map<string, number>();

  /** A request carries this token. */
  use(token: string, now: number): void {
    touch(this.#tokens, token, now);
  }

  /** The exchange of this token goes on: its statements may have taken minutes. A token that no request carries stays unknown. */
  renew(token: string, now: number): void {
    if (this.#tokens.has(token)) touch(this.#tokens, token, now);
  }

  /** The tokens to ask for, the oldest first. */
  at(now: number): readonly string[] {
    forget(this.#tokens, now - ASKED_FOR_MS);
    return [...this.#tokens.keys()];
  }

  /** The pool has these claims, or has given them back. */
  had(fences: Iterable<Fence>, now: number): void {
    forget(this.#had, now - REMEMBERED_MS);
    for (const fence of fences) touch(this.#had, fenceKey(fence), now);
  }

  /**
   * Those that the pool has not had.
   *
   * @param readBack a token whose claims the pool may not have had although they were shown: the reply may have been lost
   */
  fresh<T extends Fence>(claims: readonly T[], readBack?: string): T[] {
    return claims.filter((claim) => claim.claimToken === readBack || !this.#had.has(fenceKey(claim)));
  }
}

/** A `Map` keeps the order of insertion, so the entry moves to its end. */
function touch(map: Map<string, number>, key: string, now: number): void {
  map.delete(key);
  map.set(key, now);
}

function forget(map: Map<string, number>, before: number): void {
  for (const [key, at] of map) {
    if (at >= before) return;
    map.delete(key);
  }
}
