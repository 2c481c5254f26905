/**
 * The table of steps and the log of requests, as they are and as a late read shows them.
 *
 * A read names a moment in the past and shows what was committed by then. Only the source of an UPDATE is late: what it
 * changes is checked when it commits.
 */
import type { FleetLoad } from '../../../../../src/store/snowflake/combining/pacer.js';
import type { Place } from '../../../../../src/store/snowflake/combining/turn.js';
import type { ModelClock } from './model-clock.js';
import type { Write } from './warehouse.js';

const WINDOW_MS = 60_000;
const NONE: readonly never[] = [];

/** A claim of a step, with the fence of the real one. */
export interface Claim {
  readonly stepId: string;
  readonly claimToken: string;
  readonly version: number;
  readonly step: number;
}

export interface Request {
  readonly pod: number;
  readonly token: string;
  readonly free: number;
  readonly prefetch: number;
  readonly outcomes: readonly Claim[];
  /** NaN: it reports none. */
  readonly slotMs: number;
}

/** What a pod reads: all that was committed until `at`, its own UPDATEs until `own`, and its own requests always. */
export interface View {
  readonly pod: number;
  readonly now: number;
  readonly at: number;
  readonly own: number;
}

export interface Look extends FleetLoad {
  readonly claims: readonly Claim[];
  /** The outcomes that read as not applied. */
  readonly owed: readonly Claim[];
  readonly due: number;
  readonly overdue: number;
  readonly place: Place;
  readonly older: number;
}

interface Step {
  readonly submittedAt: number;
  claimedAt: number;
  doneAt: number;
  token: string;
  runs: number;
}

interface Logged {
  readonly at: number;
  readonly request: Request;
}

export class Tables {
  readonly steps: Step[] = [];
  readonly #submittedAt: number[] = [];
  readonly #claimedAt: number[] = [];
  readonly #byToken = new Map<string, Claim[]>();
  readonly #ends = new WeakMap<readonly Claim[], number>();
  readonly #servedAt = new Map<string, number>();
  readonly #logged: Logged[][];
  readonly #wrote: number[][];
  readonly #clock: ModelClock;
  readonly #longestLateMs: number;
  /** All steps before it were claimed before the oldest view. */
  #first = 0;
  done = 0;

  constructor(clock: ModelClock, pods: number, longestLateMs: number) {
    this.#clock = clock;
    this.#logged = Array.from({ length: pods }, () => []);
    this.#wrote = Array.from({ length: pods }, () => []);
    this.#longestLateMs = longestLateMs;
  }

  submit(count: number): void {
    const { now } = this.#clock;
    for (let i = 0; i < count; i++) {
      this.steps.push({ submittedAt: now, claimedAt: Infinity, doneAt: Infinity, token: '', runs: 0 });
      this.#submittedAt.push(now);
    }
  }

  log(request: Request): void {
    const { now } = this.#clock;
    this.#logged[request.pod]!.push({ at: now, request });
    this.#wrote[request.pod]!.push(now);
  }

  look(view: View, tokens: readonly string[], settled: readonly Claim[], overdueMs: number, token?: string): Look {
    const due = this.#dueBy(view, view.own);
    return {
      claims: tokens.flatMap((one) => this.#claimed(this.#byToken.get(one) ?? [], view)),
      owed: this.#claimed(settled, view),
      due,
      overdue: this.#dueBy(view, Math.min(view.own, view.now - overdueMs)),
      ...this.#placeOf(view, due, token),
      ...this.#loadOf(view),
    };
  }

  /** The claims under which a step is held for this pod, as a heartbeat shows them. */
  heldBy(pod: number, isKnown: (claim: Claim) => boolean): Claim[] {
    const held: Claim[] = [];
    for (const { request } of this.#logged[pod]!) {
      for (const claim of this.#byToken.get(request.token) ?? []) {
        if (this.steps[claim.step]!.doneAt === Infinity && !isKnown(claim)) held.push(claim);
      }
    }
    return held;
  }

  /** What an UPDATE would change. @param own the request in its bind */
  serve(view: View, own?: Request): Write {
    const requests = this.#requests(view)
      .filter(({ request }) => request.pod !== own?.pod)
      .map(({ request }) => request);
    if (own !== undefined) requests.push(own);
    const hungry = requests.filter((one) => one.free + one.prefetch > 0 && !this.#isServed(one.token, view));
    const plan = shareOut(hungry, (count) => this.#candidates(view, count));
    const rows = [...plan.values()].reduce((sum, steps) => sum + steps.length, 0);
    const settlements = requests.flatMap(({ outcomes }) => outcomes).length;
    return { rows: rows + settlements, commit: () => this.#commit(requests, plan) };
  }

  #commit(requests: readonly Request[], plan: ReadonlyMap<Request, readonly number[]>): void {
    for (const request of requests) {
      let changed = 0;
      for (const { step, claimToken } of request.outcomes) changed += this.#settle(step, claimToken);
      for (const step of plan.get(request) ?? []) changed += this.#claim(step, request);
      if (changed === 0) continue;
      if (!this.#servedAt.has(request.token)) this.#servedAt.set(request.token, this.#clock.now);
      this.#wrote[request.pod]!.push(this.#clock.now);
    }
  }

  #settle(index: number, token: string): number {
    const step = this.steps[index]!;
    if (step.token !== token || step.doneAt !== Infinity) return 0;
    step.doneAt = this.#clock.now;
    this.done++;
    return 1;
  }

  #claim(index: number, { token }: Request): number {
    const step = this.steps[index]!;
    if (step.claimedAt !== Infinity) return 0;
    step.claimedAt = this.#clock.now;
    step.token = token;
    this.#claimedAt.push(step.claimedAt);
    const claims = this.#byToken.get(token) ?? [];
    this.#ends.delete(claims);
    claims.push({ stepId: String(index), claimToken: token, version: 1, step: index });
    this.#byToken.set(token, claims);
    return 1;
  }

  /** Those of the claims under which a step reads as held. */
  #claimed(claims: readonly Claim[], view: View): readonly Claim[] {
    if (claims.length === 0 || this.#endOf(claims) <= view.own) return NONE;
    return claims.filter((claim) => this.#isClaimed(claim, view));
  }

  /** When the last of these claims was settled. A list that is over is read again and again, so its end is kept. */
  #endOf(claims: readonly Claim[]): number {
    const known = this.#ends.get(claims);
    if (known !== undefined) return known;
    let end = 0;
    for (const { step } of claims) {
      end = Math.max(end, this.steps[step]!.doneAt);
      if (end === Infinity) return end;
    }
    this.#ends.set(claims, end);
    return end;
  }

  #isClaimed({ step: index, claimToken }: Claim, { own }: View): boolean {
    const step = this.steps[index]!;
    return step.token === claimToken && step.claimedAt <= own && step.doneAt > own;
  }

  #isServed(token: string, { own }: View): boolean {
    return (this.#servedAt.get(token) ?? Infinity) <= own;
  }

  /** Steps are claimed in the order in which they fall due, so the numbers of both are enough. */
  #dueBy({ own }: View, submittedBy: number): number {
    return Math.max(0, upTo(this.#submittedAt, submittedBy) - upTo(this.#claimedAt, own));
  }

  #candidates({ now, own }: View, count: number): number[] {
    while ((this.steps[this.#first]?.claimedAt ?? Infinity) < now - 2 * this.#longestLateMs) this.#first++;
    const found: number[] = [];
    for (let i = this.#first; i < this.steps.length && found.length < count; i++) {
      const step = this.steps[i]!;
      if (step.submittedAt > own) break;
      if (step.claimedAt > own) found.push(i);
    }
    return found;
  }

  /** The newest request of each pod. */
  #requests(view: View): Logged[] {
    const newest: Logged[] = [];
    for (const [pod, logged] of this.#logged.entries()) {
      const until = pod === view.pod ? view.now : view.at;
      const last = logged[upTo(logged, until, ({ at }) => at) - 1];
      if (last !== undefined && last.at > view.now - WINDOW_MS) newest.push(last);
    }
    return newest.sort((a, b) => a.at - b.at);
  }

  #placeOf(view: View, due: number, token: string | undefined): { readonly place: Place; readonly older: number } {
    const all = token === undefined ? [] : this.#requests(view);
    const mine = all.findIndex(({ request }) => request.token === token);
    if (mine < 0) return { place: 'absent', older: 0 };
    const isOpen = ({ request }: Logged) =>
      this.#claimed(request.outcomes, view).length > 0 ||
      (due > 0 && request.free + request.prefetch > 0 && !this.#isServed(request.token, view));
    const older = all.slice(0, mine).filter(isOpen).length;
    if (!isOpen(all[mine]!)) return { place: 'served', older };
    return { place: older === 0 ? 'head' : 'behind', older };
  }

  #loadOf(view: View): Omit<FleetLoad, 'due'> {
    const slotTimes: number[] = [];
    let [asked, otherAt] = [0, -Infinity];
    for (const [pod, logged] of this.#logged.entries()) {
      const until = pod === view.pod ? view.now : view.at;
      const end = upTo(logged, until, ({ at }) => at);
      const start = upTo(logged, view.now - WINDOW_MS, ({ at }) => at);
      if (end > start) asked++;
      for (const { request } of logged.slice(start, end)) if (request.slotMs >= 0) slotTimes.push(request.slotMs);
      const wrote = this.#wrote[pod]!;
      if (pod !== view.pod) otherAt = Math.max(otherAt, wrote[upTo(wrote, view.at) - 1] ?? -Infinity);
    }
    slotTimes.sort((a, b) => a - b);
    const slotMs = slotTimes[Math.floor((slotTimes.length - 1) / 4)] ?? null;
    return { asked, slotMs, otherMs: otherAt === -Infinity ? null : view.now - otherAt };
  }
}

/** The free slots of all before the prefetch of any, and the prefetch in equal shares. */
function shareOut(requests: readonly Request[], take: (count: number) => number[]): Map<Request, number[]> {
  const wanted = requests.reduce((sum, one) => sum + one.free + one.prefetch, 0);
  const steps = take(wanted);
  const spare = Math.max(0, steps.length - requests.reduce((sum, one) => sum + one.free, 0));
  const share = Math.ceil(spare / Math.max(1, requests.length));
  const plan = new Map<Request, number[]>(requests.map((one) => [one, steps.splice(0, one.free)]));
  for (const [one, its] of plan) its.push(...steps.splice(0, Math.min(one.prefetch, share)));
  return plan;
}

/** How many of a sorted list are at most `limit`. */
function upTo<T>(sorted: readonly T[], limit: number, of: (one: T) => number = Number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(sorted[middle]!) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
