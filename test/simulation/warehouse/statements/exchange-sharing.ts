/**
 * How the UPDATE of an exchange hands out due steps: from `demand` to `pair` of its source.
 *
 * It reads no more candidates than there are seats: of all others only their number matters.
 */
import type { View, WaitingStep } from '../tables.js';
import { byRank } from '../tables/waiting.js';
import { compareText } from '../values.js';
import { isEnded, isServed, type Request } from './exchange-requests.js';

export interface Pair {
  readonly step: WaitingStep;
  readonly request: Request;
}

/** `room` of the texts: how many candidates of a type are read at most. */
interface Room {
  healthy: number;
  suspects: number;
}

/** @param skipped how many candidates the pod asks to skip */
export function pairsOf(
  view: View,
  requests: readonly Request[],
  group: string | null,
  skipped: number,
  now: number,
): readonly Pair[] {
  const demand = requests.filter(
    (one) =>
      group !== null &&
      one.its_group === group &&
      !isServed(view, one.its_token) &&
      !isEnded(view, one.its_incarnation),
  );
  if (demand.length === 0) return [];
  const allowed = allowedOf(demand);
  const rooms = roomsOf(allowed, skipped);
  const candidates = new Candidates(view, rooms, now);
  const able = ableOf(demand, allowed);
  const [free, seats] = [sum(able, ({ slots }) => slots), sum(able, ({ slots, ahead }) => slots + ahead)];
  const passed = Math.min(skipped, Math.max(candidates.count - seats, 0));
  const share = Math.ceil(Math.max(candidates.count - passed - free, 0) / able.length);
  return handedOut(candidates.inOrder(), passed, wantingOf(able, share), allowed);
}

/** `able` of the texts: the requests that name types, with the slots that the limits of those let them use. */
function ableOf(demand: readonly Request[], allowed: ReadonlyMap<string, Allowed>): readonly Request[] {
  return demand.flatMap((request) => {
    const limits = allowed.get(request.its_token)?.limits;
    if (limits === undefined || limits.size === 0) return [];
    let usable = 0;
    for (const most of limits.values()) usable += most ?? 0;
    const slots = Math.min(request.slots, usable);
    return [{ ...request, slots, ahead: Math.min(request.ahead, usable - slots) }];
  });
}

interface Allowed {
  isolates: 0 | 1;
  readonly limits: Map<string, number | undefined>;
}

/** `allowed` of the texts, by token: two requests with one token count together. */
function allowedOf(demand: readonly Request[]): ReadonlyMap<string, Allowed> {
  const found = new Map<string, Allowed>();
  for (const { its_token, isolates, limits } of demand) {
    const known = found.get(its_token);
    if (known === undefined) {
      found.set(its_token, { isolates, limits: new Map(limits) });
      continue;
    }
    if (isolates === 1) known.isolates = 1;
    for (const [type, most] of limits) {
      const other = known.limits.get(type);
      known.limits.set(type, most === undefined || other === undefined ? (most ?? other) : Math.max(most, other));
    }
  }
  return found;
}

function roomsOf(allowed: ReadonlyMap<string, Allowed>, skipped: number): ReadonlyMap<string, Room> {
  const rooms = new Map<string, Room>();
  for (const { isolates, limits } of allowed.values()) {
    for (const [type, most = 0] of limits) {
      const room = rooms.get(type);
      const suspects = most > 0 ? isolates : 0;
      if (room === undefined) rooms.set(type, { healthy: most, suspects });
      else {
        room.healthy += most;
        room.suspects += suspects;
      }
    }
  }
  for (const room of rooms.values()) if (room.healthy > 0) room.healthy += skipped;
  return rooms;
}

/** `due` of the texts: of each type, the first steps by rank, healthy ones and suspects counted apart. */
class Candidates {
  readonly count: number;
  readonly #lists: { readonly steps: Iterable<WaitingStep>; readonly most: number }[] = [];

  constructor(view: View, rooms: ReadonlyMap<string, Room>, now: number) {
    let count = 0;
    for (const [type, room] of rooms) {
      const waiting = view.waitingOf(type);
      for (const suspects of [false, true]) {
        const most = Math.min(suspects ? room.suspects : room.healthy, waiting.countDue(now, suspects));
        count += most;
        if (most > 0) this.#lists.push({ steps: waiting.inOrder(now, suspects), most });
      }
    }
    this.count = count;
  }

  /** All of them in one order. */
  *inOrder(): Generator<WaitingStep> {
    const heads = this.#lists.flatMap(({ steps, most }) => {
      const rest = steps[Symbol.iterator]();
      const head = rest.next();
      return head.done === true ? [] : [{ step: head.value, left: most - 1, rest }];
    });
    while (heads.length > 0) {
      let least = 0;
      for (let i = 1; i < heads.length; i++) {
        const [one, other] = [heads[i], heads[least]];
        if (one !== undefined && other !== undefined && byRank(one.step, other.step) < 0) least = i;
      }
      const head = heads[least];
      if (head === undefined) return;
      yield head.step;
      const next = head.left > 0 ? head.rest.next() : undefined;
      if (next === undefined || next.done === true) heads.splice(least, 1);
      else {
        head.step = next.value;
        head.left--;
      }
    }
  }
}

/** The ranks of one request: its free slots, or its share of the prefetch. */
interface Seats {
  readonly request: Request;
  readonly to: number;
  readonly isAhead: boolean;
}

/** `wanting` of the texts: the requests of many types first, then by age; the free slots of all before the prefetch of any. */
function wantingOf(demand: readonly Request[], share: number): readonly Seats[] {
  const inTurn = [...demand].sort(
    (a, b) =>
      b.width + b.isolates - (a.width + a.isolates) || a.since_ts - b.since_ts || compareText(a.its_token, b.its_token),
  );
  let to = 0;
  const free = inTurn.map((request) => ({ request, to: (to += request.slots), isAhead: false }));
  const ahead = inTurn.map((request) => ({ request, to: (to += Math.min(request.ahead, share)), isAhead: true }));
  return [...free, ...ahead];
}

/** `ranked` and `pair` of the texts. */
function handedOut(
  candidates: Iterable<WaitingStep>,
  passed: number,
  wanting: readonly Seats[],
  allowed: ReadonlyMap<string, Allowed>,
): readonly Pair[] {
  const pairs: Pair[] = [];
  const [ofType, suspects] = [new Map<string, Map<string, number>>(), new Map<string, number>()];
  const most = wanting[wanting.length - 1]?.to ?? 0;
  let [rank, at] = [-passed, 0];
  for (const step of candidates) {
    if (++rank < 1) continue;
    if (rank > most) break;
    while ((wanting[at]?.to ?? Infinity) < rank) at++;
    const seats = wanting[at];
    if (seats === undefined) break;
    const { request, isAhead } = seats;
    const limits = allowed.get(request.its_token)?.limits;
    if (isAhead ? step.struck !== 0 : step.struck >= 2 && request.isolates !== 1) continue;
    if (limits?.has(step.its_type) !== true) continue;
    let counts = ofType.get(request.its_token);
    if (counts === undefined) ofType.set(request.its_token, (counts = new Map<string, number>()));
    const nth = next(counts, step.its_type);
    const nthSuspect = step.struck > 1 ? next(suspects, request.its_token) : 1;
    if (nth <= (limits.get(step.its_type) ?? 0) && nthSuspect === 1) pairs.push({ step, request });
  }
  return pairs;
}

function next(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0);
