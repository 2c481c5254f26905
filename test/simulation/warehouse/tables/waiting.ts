/**
 * The steps that wait to be claimed, by type, as the exchange reads them: in the order of claims, and by their due time.
 *
 * A step enters the order of claims once it is due: so neither a million steps of some future day nor a long backlog slows a claim.
 */
import type { StepRow, WaitingOfType, WaitingStep } from '../tables.js';
import { compareText, typeOf, understood } from '../values.js';
import { SortedList } from './sorted-list.js';

/** `rank` of the texts: the order of claims. */
export const byRank = (a: WaitingStep, b: WaitingStep): number =>
  b.prio - a.prio ||
  a.due_ts - b.due_ts ||
  a.made_ts - b.made_ts ||
  a.made_at - b.made_at ||
  compareText(a.its_step, b.its_step);

const byTime = (a: WaitingStep, b: WaitingStep): number => a.due_ts - b.due_ts || compareText(a.its_step, b.its_step);

/** `waiting` of the texts, for the rows of one step. */
export function waitingStepOf(rows: readonly StepRow[]): WaitingStep | undefined {
  let first: StepRow | undefined;
  let [prio, due_ts, struck, retries] = [-Infinity, -Infinity, -Infinity, -Infinity];
  for (const row of rows) {
    if (!understood(row)) continue;
    if (row.status !== 'pending') return undefined;
    if (first === undefined || row.row_id < first.row_id) first = row;
    prio = Math.max(prio, row.priority);
    due_ts = Math.max(due_ts, row.run_at);
    struck = Math.max(struck, row.crashes);
    retries = Math.max(retries, row.retry_count);
  }
  const its_type = first === undefined ? null : typeOf(first);
  if (first === undefined || its_type === null) return undefined;
  return {
    its_step: first.step_id,
    first_id: first.row_id,
    seen: first.version,
    its_type,
    prio,
    due_ts,
    struck,
    made_ts: first.created_ts,
    made_at: first.submit_index ?? 0,
    burn: retries - first.retry_count,
    crash: struck - first.crashes,
  };
}

/** Steps without a crash, with one, and with more: the last are suspects. */
const CLASSES = [0, 1, 2] as const;
const classOf = (struck: number): number => Math.min(Math.max(struck, 0), 2);
const isSuspect = (step: WaitingStep): boolean => step.struck > 1;

/** Steps of one type that have as many crashes. */
class Queue {
  readonly time = new SortedList(byTime);
  readonly #due = new SortedList(byRank);
  /** What is due by then stands in the order of claims. */
  #dueBy = -Infinity;

  add(step: WaitingStep): void {
    this.time.add(step);
    if (step.due_ts <= this.#dueBy) this.#due.add(step);
  }

  delete(step: WaitingStep): void {
    this.time.delete(step);
    if (step.due_ts <= this.#dueBy) this.#due.delete(step);
  }

  countUntil(by: number): number {
    return this.time.countWhile(({ due_ts }) => due_ts <= by);
  }

  inOrder(now: number): Iterable<WaitingStep> {
    for (const step of this.time.after(({ due_ts }) => due_ts <= this.#dueBy)) {
      if (step.due_ts > now) break;
      this.#due.add(step);
    }
    if (now >= this.#dueBy) {
      this.#dueBy = now;
      return this.#due;
    }
    return only(this.#due, ({ due_ts }) => due_ts <= now);
  }
}

/** The waiting steps of one type, as they are now. */
export class TypeOfWaiting implements WaitingOfType {
  readonly #queues = CLASSES.map(() => new Queue());
  readonly #healthy = this.#queues.slice(0, 2);
  readonly #suspects = this.#queues.slice(2);

  add(step: WaitingStep): void {
    this.#queues[classOf(step.struck)]?.add(step);
  }

  delete(step: WaitingStep): void {
    this.#queues[classOf(step.struck)]?.delete(step);
  }

  countDue(now: number, suspects: boolean): number {
    return (suspects ? this.#suspects : this.#healthy).reduce((sum, queue) => sum + queue.countUntil(now), 0);
  }

  inOrder(now: number, suspects: boolean): Iterable<WaitingStep> {
    const [first, second] = (suspects ? this.#suspects : this.#healthy).map((queue) => queue.inOrder(now));
    return merged(first ?? [], second ?? [], byRank);
  }

  countSince(by: number, mostCrashes: number): number {
    let count = 0;
    for (const [struck, queue] of this.#queues.entries()) {
      if (struck > mostCrashes) break;
      if (struck < 2 || mostCrashes === Number.MAX_SAFE_INTEGER) count += queue.countUntil(by);
      else for (const step of queue.time) if (step.due_ts <= by && step.struck <= mostCrashes) count++;
    }
    return count;
  }

  nextAfter(now: number): number | undefined {
    return first(this.afterInTime(now))?.due_ts;
  }

  firstDue(now: number): { first_ts: number; struck: number } | undefined {
    return firstOf([...CLASSES].map((struck) => first(this.dueInTime(now, struck))));
  }

  /** Those that are not due at `now`, the next one first. */
  afterInTime(now: number): Iterable<WaitingStep> {
    const [none, one, more] = this.#queues.map((queue) => queue.time.after(({ due_ts }) => due_ts <= now));
    return merged(merged(none ?? [], one ?? [], byTime), more ?? [], byTime);
  }

  /** Those that are due at `now` and belong to this class of crashes, the first one first. */
  dueInTime(now: number, struck: number): Iterable<WaitingStep> {
    return until(this.#queues[struck]?.time ?? [], ({ due_ts }) => due_ts > now);
  }
}

/** The same as a late view shows it: some steps are not there, and others are. */
export class LateTypeOfWaiting implements WaitingOfType {
  readonly #base: TypeOfWaiting;
  readonly #removed: readonly WaitingStep[];
  readonly #gone: ReadonlySet<string>;
  readonly #added: readonly WaitingStep[];

  /** @param removed steps of the base */
  constructor(base: TypeOfWaiting, removed: readonly WaitingStep[], added: readonly WaitingStep[]) {
    this.#base = base;
    this.#removed = removed;
    this.#gone = new Set(removed.map(({ its_step }) => its_step));
    this.#added = [...added].sort(byRank);
  }

  countDue(now: number, suspects: boolean): number {
    const counts = (step: WaitingStep) => step.due_ts <= now && isSuspect(step) === suspects;
    return this.#base.countDue(now, suspects) + this.#differenceOf(counts);
  }

  inOrder(now: number, suspects: boolean): Iterable<WaitingStep> {
    const added = this.#added.filter((step) => step.due_ts <= now && isSuspect(step) === suspects);
    return merged(this.#kept(this.#base.inOrder(now, suspects)), added, byRank);
  }

  countSince(by: number, mostCrashes: number): number {
    const counts = (step: WaitingStep) => step.due_ts <= by && step.struck <= mostCrashes;
    return this.#base.countSince(by, mostCrashes) + this.#differenceOf(counts);
  }

  nextAfter(now: number): number | undefined {
    const added = this.#added.filter(({ due_ts }) => due_ts > now).sort(byTime);
    return first(merged(this.#kept(this.#base.afterInTime(now)), added, byTime))?.due_ts;
  }

  firstDue(now: number): { first_ts: number; struck: number } | undefined {
    const kept = [...CLASSES].map((struck) => first(this.#kept(this.#base.dueInTime(now, struck))));
    return firstOf([...kept, ...this.#added.filter(({ due_ts }) => due_ts <= now)]);
  }

  #kept(steps: Iterable<WaitingStep>): Iterable<WaitingStep> {
    return only(steps, ({ its_step }) => !this.#gone.has(its_step));
  }

  #differenceOf(counts: (step: WaitingStep) => boolean): number {
    return this.#added.filter(counts).length - this.#removed.filter(counts).length;
  }
}

function firstOf(steps: readonly (WaitingStep | undefined)[]): { first_ts: number; struck: number } | undefined {
  const found = steps.filter((step) => step !== undefined);
  if (found.length === 0) return undefined;
  return {
    first_ts: Math.min(...found.map(({ due_ts }) => due_ts)),
    struck: Math.min(2, ...found.map(({ struck }) => struck)),
  };
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}

function* only<T>(items: Iterable<T>, holds: (item: T) => boolean): Generator<T> {
  for (const item of items) if (holds(item)) yield item;
}

function* until<T>(items: Iterable<T>, ends: (item: T) => boolean): Generator<T> {
  for (const item of items) {
    if (ends(item)) return;
    yield item;
  }
}

/** Two sorted sequences as one. */
function* merged<T>(a: Iterable<T>, b: Iterable<T>, compare: (a: T, b: T) => number): Generator<T> {
  const [left, right] = [a[Symbol.iterator](), b[Symbol.iterator]()];
  let [l, r] = [left.next(), right.next()];
  while (l.done !== true || r.done !== true) {
    if (r.done === true || (l.done !== true && compare(l.value, r.value) < 0)) {
      if (l.done === true) return;
      yield l.value;
      l = left.next();
    } else {
      yield r.value;
      r = right.next();
    }
  }
}
