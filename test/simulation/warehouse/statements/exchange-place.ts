/** Where a pod's request stands in the log: `place` of the look. */
import type { View } from '../tables.js';
import { isEnded, isOwing, isServed, type Request } from './exchange-requests.js';

/** A pod that sees no work for its request goes on within this time. */
const GONE_ON_MS = 5_000;

export interface Place {
  readonly is_logged: 0 | 1;
  readonly is_open: 0 | 1;
  readonly older: number;
}

/**
 * @param requests the newest of each incarnation, within the window
 * @param token that of the pod's own request
 * @param group that of the pod
 */
export function placeOf(
  view: View,
  requests: readonly Request[],
  token: string | null,
  group: string | null,
  now: number,
): Place {
  const mine = token === null ? [] : requests.filter(({ its_token }) => its_token === token);
  const since = Math.min(...mine.map(({ since_ts }) => since_ts));
  if (token === null || mine.length === 0) return { is_logged: 0, is_open: 0, older: 0 };
  const open = new OpenRequests(view, requests, group, now);
  let older = 0;
  for (const request of requests) {
    const { its_token, since_ts } = request;
    if ((since_ts < since || (since_ts === since && its_token < token)) && open.has(request)) older++;
  }
  return { is_logged: 1, is_open: mine.some((request) => open.has(request)) ? 1 : 0, older };
}

/** `unserved` of the texts: the requests for which an UPDATE could still do something. */
class OpenRequests {
  readonly #view: View;
  readonly #group: string | null;
  readonly #now: number;
  readonly #requests: readonly Request[];
  /** The tokens of several requests, which only somebody's hand has written. */
  readonly #shared: ReadonlySet<string>;
  /** `ripe` of the texts. */
  readonly #ripe = new Map<string, { readonly first_ts: number; readonly struck: number } | undefined>();

  constructor(view: View, requests: readonly Request[], group: string | null, now: number) {
    this.#view = view;
    this.#group = group;
    this.#now = now;
    this.#requests = requests;
    const shared = new Set<string>();
    const tokens = new Set<string>();
    for (const { its_token } of view.mayShareTokens() ? requests : []) {
      if (tokens.has(its_token)) shared.add(its_token);
      tokens.add(its_token);
    }
    this.#shared = shared;
  }

  has(request: Request): boolean {
    if (this.#shared.size === 0 || !this.#shared.has(request.its_token)) return this.#isOpen(request);
    return this.#requests.some((one) => one.its_token === request.its_token && this.#isOpen(one));
  }

  #isOpen(request: Request): boolean {
    return isOwing(this.#view, request) || this.#isHungry(request);
  }

  /** Whether a step is due that it can take. */
  #isHungry(request: Request): boolean {
    const { its_token, its_incarnation, its_group, slots, ahead, isolates, limits, since_ts } = request;
    if (slots + ahead === 0 || this.#group === null || its_group !== this.#group) return false;
    if (isServed(this.#view, its_token) || isEnded(this.#view, its_incarnation)) return false;
    const most = slots === 0 ? 0 : 1 + isolates;
    for (const type of limits.keys()) {
      const ripe = this.#ripeOf(type);
      if (ripe !== undefined && ripe.struck <= most && ripe.first_ts <= since_ts + GONE_ON_MS) return true;
    }
    return false;
  }

  #ripeOf(type: string) {
    if (!this.#ripe.has(type)) this.#ripe.set(type, this.#view.waitingOf(type).firstDue(this.#now));
    return this.#ripe.get(type);
  }
}
