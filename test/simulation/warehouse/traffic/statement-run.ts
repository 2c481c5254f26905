/**
 * One run of a statement on the server: resume, slot, table, work, commit.
 *
 * Invariants:
 * - Its effect is applied as a whole, when it commits, or not at all.
 * - An UPDATE or a DELETE holds its table from before its work until its commit, so the rows that it meets are as they were when it got
 *   the table. Its source is what its session sees then (reading a), or what it saw when the statement began (reading b).
 * - It ends once: by its commit, a refusal, or an abort. What it holds is given back then.
 */
import type { Timer } from '../../../../src/runtime/runtime.js';
import type { Effect } from '../tables.js';
import type { KnownStatement } from '../statements/known-statement.js';
import type { Machinery } from './machinery.js';
import { refusals, type Refusal } from './refusal.js';
import type { ServerSession } from './server-session.js';
import type { Comer, WaitingLine } from './waiting-line.js';

/** What the server answers. */
export type Answer =
  | { readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly refusal?: undefined }
  | { readonly refusal: Refusal };

export interface Sent {
  readonly session: ServerSession;
  readonly statement: KnownStatement;
  readonly text: string;
  /** The bind, parsed. */
  readonly bind: unknown;
}

export interface RunOptions {
  /** It has read already, and will do this. */
  readonly effect?: Effect | undefined;
  /** Whether what a second run would do is kept. */
  readonly runsTwice?: boolean;
}

type Held = 'slot' | 'table' | 'inserts';

export class StatementRun {
  readonly #sent: Sent;
  readonly #with: Machinery;
  readonly #startedAt: number;
  readonly #listeners: ((answer: Answer) => void)[] = [];
  readonly #held: Held[] = [];
  #answer: Answer | undefined;
  #usesPower = false;
  #slotSince = 0;
  #timer: Timer | undefined;
  #waits: { readonly line: WaitingLine; readonly comer: Comer } | undefined;
  /** What it will do, once it has read. */
  #effect: Effect | undefined;
  readonly #runsTwice: boolean;
  #second: Effect | undefined;

  constructor(sent: Sent, machinery: Machinery, { effect, runsTwice = false }: RunOptions = {}) {
    this.#sent = sent;
    this.#with = machinery;
    this.#startedAt = machinery.now();
    this.#effect = effect;
    this.#runsTwice = runsTwice;
  }

  get ended(): boolean {
    return this.#answer !== undefined;
  }

  /** What a second run would do that has read the same, if it was asked for: once, for it makes the ids of its rows. */
  takeSecond(): Effect | undefined {
    const second = this.#second;
    this.#second = undefined;
    return second;
  }

  /** Calls back with the answer, at once if there is one. */
  answered(listener: (answer: Answer) => void): void {
    if (this.#answer === undefined) this.#listeners.push(listener);
    else listener(this.#answer);
  }

  begin(): void {
    const { kind } = this.#sent.statement;
    const { metadataMs, slotWhileLocked } = this.#with.figures;
    if (kind === 'session') this.#sent.session.set(this.#sent.text);
    if (kind === 'metadata' || kind === 'session') return this.#after(metadataMs, () => this.#commit(this.#read()));
    this.#usesPower = true;
    this.#after(this.#with.power.use(), () => {
      if (!this.#locks) return this.#takeSlot(() => this.#work());
      if (!slotWhileLocked) return this.#readEarly(() => this.#takeTable(() => this.#takeSlot(() => this.#work())));
      this.#takeSlot(() => this.#readEarly(() => this.#takeTable(() => this.#work())));
    });
  }

  /** Ends it, unless it has ended. It changes nothing then. */
  abort(refusal: Refusal = refusals.cancelled): void {
    if (this.#answer !== undefined) return;
    this.#timer?.cancel();
    this.#waits?.line.withdraw(this.#waits.comer);
    this.#end({ refusal });
  }

  get #locks(): boolean {
    const { kind } = this.#sent.statement;
    return kind === 'update' || kind === 'delete';
  }

  get #table(): string {
    return this.#sent.statement.table ?? '';
  }

  #takeSlot(then: () => void): void {
    const { slots, meter } = this.#with;
    const patience = this.#timeLeft();
    this.#take(
      slots,
      patience,
      () => this.#timesOut(),
      () => {
        this.#slotSince = this.#with.now();
        this.#held.push('slot');
        then();
      },
    );
    meter.queued(slots.waiting);
  }

  #takeTable(then: () => void): void {
    const { meter, figures } = this.#with;
    const line = this.#with.lockOf(this.#table);
    const { lockTimeoutMs } = this.#sent.session;
    const left = this.#timeLeft();
    const tooLate = (): void => {
      meter.timedOut();
      if (lockTimeoutMs <= left) this.#end({ refusal: refusals.lockTimeout(this.#table) });
      else this.#timesOut();
    };
    const isIn = this.#take(line, Math.min(lockTimeoutMs, left), tooLate, () => {
      meter.tookLock();
      this.#held.push('table');
      then();
    });
    if (!isIn) this.#refuse(figures.waiters);
    meter.waiting(line.waiting);
  }

  /** The lock that INSERTs take when they commit. */
  #takeInserts(then: () => void): void {
    const { meter, figures } = this.#with;
    if (figures.insertLockMs <= 0) return then();
    const line = this.#with.insertLockOf(this.#table);
    const tooLate = (): void => {
      meter.timedOut();
      this.#end({ refusal: refusals.lockTimeout(this.#table) });
    };
    const patience = Math.min(this.#sent.session.lockTimeoutMs, this.#timeLeft());
    const isIn = this.#take(line, patience, tooLate, () => {
      this.#held.push('inserts');
      this.#after(this.#with.drawn(figures.insertLockMs), then);
    });
    if (!isIn) this.#refuse(figures.insertWaiters);
  }

  #refuse(limit: number): void {
    this.#with.meter.refused();
    this.#end({ refusal: refusals.tooManyWaiters(this.#table, limit) });
  }

  #take(line: WaitingLine, patienceMs: number, tooLate: () => void, then: () => void): boolean {
    const comer: Comer = {
      letIn: () => {
        this.#waits = undefined;
        then();
      },
      tooLate: () => {
        this.#waits = undefined;
        tooLate();
      },
    };
    this.#waits = { line, comer };
    const isIn = line.enter(comer, patienceMs);
    if (!isIn) this.#waits = undefined;
    return isIn;
  }

  /** It reads, and works for as long as its kind takes. */
  #work(): void {
    const effect = this.#read();
    const { kind } = this.#sent.statement;
    const announced = kind !== 'select' && this.#with.announce(effect);
    this.#after(this.#with.workMs(kind, effect), () => {
      if (kind === 'insert') this.#takeInserts(() => this.#commit(effect, announced));
      else this.#commit(effect, announced);
    });
  }

  /** Under reading b, before it waits for its table. */
  #readEarly(then: () => void): void {
    if (this.#with.traffic.reading === 'b') this.#read();
    then();
  }

  #read(): Effect {
    if (this.#effect !== undefined) return this.#effect;
    const { session, statement, bind } = this.#sent;
    const view = this.#with.view(session);
    this.#effect = statement.model(view, this.#with.context(bind));
    if (this.#runsTwice) this.#second = statement.model(view, this.#with.context(bind));
    return this.#effect;
  }

  #commit(effect: Effect, announced = false): void {
    const { session, statement } = this.#sent;
    this.#end({ rows: this.#with.commit(effect, session, statement, announced) });
  }

  #timesOut(): void {
    this.#end({ refusal: refusals.statementTimeout(Math.round(this.#sent.session.statementTimeoutMs / 1_000)) });
  }

  #timeLeft(): number {
    return Math.max(0, this.#startedAt + this.#sent.session.statementTimeoutMs - this.#with.now());
  }

  #after(ms: number, then: () => void): void {
    if (ms <= 0) return then();
    this.#timer = this.#with.machine.after(ms, then);
  }

  #end(answer: Answer): void {
    if (this.#answer !== undefined) return;
    this.#answer = answer;
    const { meter, power, slots } = this.#with;
    const { statement } = this.#sent;
    meter.ended(statement.kind, statement.name);
    const held = this.#held.splice(0);
    if (held.includes('slot')) meter.heldSlot(this.#with.now() - this.#slotSince);
    if (held.includes('inserts')) this.#with.insertLockOf(this.#table).leave();
    if (held.includes('table')) this.#with.lockOf(this.#table).leave();
    if (held.includes('slot')) slots.leave();
    if (this.#usesPower) power.leave();
    for (const listener of this.#listeners.splice(0)) listener(answer);
  }
}
