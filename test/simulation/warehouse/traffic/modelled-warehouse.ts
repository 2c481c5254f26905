/**
 * A warehouse and its tables on virtual time. Sessions send it the texts of the store's statements; it runs their models.
 *
 * Invariants:
 * - It uses the clock and the randomness of its own machine alone, so the same seed gives the same run.
 * - A text that no pod sends is an error of the simulation, and ends it.
 */
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Committed, Effect, StatementContext, TableChange, Tables, View } from '../tables.js';
import { ChangeToken } from './change-token.js';
import type { KnownStatement, StatementKind } from '../statements/known-statement.js';
import type { Registry } from '../statements/registry.js';
import type { Machinery } from './machinery.js';
import { Meter } from './meter.js';
import { Power } from './power.js';
import { drawFault, type RequestFault } from './request-fault.js';
import { ServerSession } from './server-session.js';
import { CALM, type Figures, type Traffic } from './settings.js';
import { StatementRun, type RunOptions, type Sent } from './statement-run.js';
import { WaitingLine } from './waiting-line.js';

export interface WarehouseParts {
  /** Its own: a fork of the world. */
  readonly machine: VirtualRuntime;
  readonly tables: Tables;
  readonly registry: Registry;
  readonly traffic: Traffic;
  /** Called for each change of a row, when it is committed. @param process whose statement it was */
  readonly onChange?: (change: TableChange, process: string) => void;
  /** What goes wrong with a request. Default: what the traffic's probabilities draw. */
  readonly fault?: (statement: KnownStatement) => RequestFault | undefined;
  /** Called for each statement that is committed. */
  readonly onStatement?: (statement: KnownStatement, process: string) => void;
}

/** What a connection sends to have a statement run. */
export interface Request {
  readonly requestId: string;
  readonly text: string;
  readonly bind: string | undefined;
}

type Row = Readonly<Record<string, unknown>>;

export class ModelledWarehouse implements Machinery {
  readonly machine: VirtualRuntime;
  readonly power: Power;
  readonly slots: WaitingLine;
  readonly meter = new Meter();
  readonly #parts: WarehouseParts;
  readonly #token: ChangeToken;
  readonly #locks = new Map<string, WaitingLine>();
  readonly #insertLocks = new Map<string, WaitingLine>();
  readonly #random: () => number;
  #traffic: Traffic;
  #sessions = 0;
  #slowByMs = 0;
  /** What faults have put off. */
  readonly #late = new Set<() => void>();

  constructor(parts: WarehouseParts) {
    const { machine, traffic } = parts;
    this.#parts = parts;
    this.machine = machine;
    this.#traffic = traffic;
    this.#random = () => machine.random();
    this.#token = new ChangeToken(traffic, this.#random);
    this.power = new Power(machine, traffic.figures);
    this.slots = new WaitingLine(machine, { places: traffic.figures.slots, mayWait: Infinity, order: 'fifo' });
  }

  get traffic(): Traffic {
    return this.#traffic;
  }

  get figures(): Figures {
    return this.#traffic.figures;
  }

  /** From now on nothing goes wrong; the times stay. What was to come later comes now. */
  calm(): void {
    this.change({ ...CALM, reading: this.#traffic.reading });
    this.#slowByMs = 0;
    for (const lands of [...this.#late]) lands();
  }

  change(traffic: Partial<Omit<Traffic, 'figures'>>): void {
    this.#traffic = { ...this.#traffic, ...traffic };
    this.#token.rules = this.#traffic;
  }

  /** From now on the work of each statement takes longer by this. */
  slow(byMs: number): void {
    this.#slowByMs = byMs;
  }

  now(): number {
    return this.machine.monotonicMs();
  }

  login(process: string): ServerSession {
    return new ServerSession(++this.#sessions, process);
  }

  /** Runs a statement, or finds the first run of the request. */
  receive(session: ServerSession, request: Request, options: RunOptions = {}): StatementRun {
    const { requestId, text, bind } = request;
    const known = session.ofRequest(requestId);
    if (known !== undefined) return known;
    const run = new StatementRun(this.#sent(session, text, bind), this, options);
    session.remember(requestId, run);
    run.begin();
    return run;
  }

  /** Runs a statement under no request, so that nobody finds its answer. @param effect what it does, if it has read already */
  runApart(session: ServerSession, { text, bind }: Request, effect?: Effect): void {
    new StatementRun(this.#sent(session, text, bind), this, { effect }).begin();
  }

  faultOf(statement: KnownStatement): RequestFault | undefined {
    const { fault } = this.#parts;
    return fault === undefined ? drawFault(statement, this.#traffic, this.#random) : fault(statement);
  }

  /** Does something later, but not after the calm has come. */
  later(ms: number, work: () => void): void {
    const once = (): void => {
      if (this.#late.delete(once)) work();
    };
    this.#late.add(once);
    this.machine.after(ms, once);
  }

  /** How the warehouse treats the text. An unknown one ends the simulation. */
  known(text: string): KnownStatement {
    return this.#known(text);
  }

  lockOf(table: string): WaitingLine {
    const { waiters, lockOrder } = this.figures;
    return this.#lineOf(this.#locks, table, waiters, lockOrder);
  }

  insertLockOf(table: string): WaitingLine {
    return this.#lineOf(this.#insertLocks, table, this.figures.insertWaiters, 'fifo');
  }

  drawn(ms: number): number {
    const { spread } = this.figures;
    return spread === 0 || ms === 0 ? ms : ms * (1 + spread * (2 * this.#random() - 1));
  }

  workMs(kind: StatementKind, effect: Effect): number {
    const { selectMs, insertMs, updateMs, perRowMs } = this.figures;
    if (kind === 'select') return this.drawn(selectMs) + this.#slowByMs;
    if (kind === 'insert') return this.drawn(insertMs) + this.#slowByMs;
    const rows =
      (effect.update?.length ?? 0) + (effect.deleteSteps?.length ?? 0) + (effect.deleteArchived?.length ?? 0);
    return this.drawn(updateMs) + rows * perRowMs + this.#slowByMs;
  }

  view(session: ServerSession): View {
    const [now, traffic, random] = [this.machine.wallMs(), this.#traffic, this.#random];
    const asOf = session.lateness.next(now, traffic, random);
    return this.#parts.tables.view(session.id, asOf, session.podLogLateness.next(now, traffic, random));
  }

  context(bind: unknown): StatementContext {
    const token = (): string => this.#token.read(this.now());
    return {
      now: this.machine.wallMs(),
      bind,
      uuid: () => this.machine.uuid(),
      get changeToken() {
        return token();
      },
    };
  }

  announce(effect: Effect): boolean {
    return changesSteps(effect) && this.#token.announce(this.now());
  }

  commit(effect: Effect, session: ServerSession, statement: KnownStatement, announced: boolean): readonly Row[] {
    const { tables, onChange, onStatement } = this.#parts;
    onStatement?.(statement, session.process);
    if (statement.kind === 'select' || statement.kind === 'metadata' || statement.kind === 'session')
      return effect.rows;
    const committed = tables.commit(effect, session.id, this.machine.wallMs());
    const { inserted, updated, deleted, changes } = committed;
    if (!announced && changesSteps(effect) && inserted + updated + deleted > 0) this.#token.move(this.now());
    if (onChange !== undefined) for (const change of changes) onChange(change, session.process);
    return [written(statement.kind, committed)];
  }

  #sent(session: ServerSession, text: string, bind: string | undefined): Sent {
    const parsed: unknown = bind === undefined ? undefined : JSON.parse(bind);
    return { session, statement: this.#known(text), text, bind: parsed };
  }

  #known(text: string): KnownStatement {
    try {
      return this.#parts.registry(text);
    } catch (error) {
      // The store would take it for an error of the driver, and go on.
      this.machine.after(0, () => {
        throw error;
      });
      throw error;
    }
  }

  #lineOf(lines: Map<string, WaitingLine>, table: string, mayWait: number, order: 'fifo' | 'random'): WaitingLine {
    let line = lines.get(table);
    if (line === undefined) lines.set(table, (line = new WaitingLine(this.machine, { places: 1, mayWait, order })));
    return line;
  }
}

function changesSteps({ update, insertSteps, deleteSteps }: Effect): boolean {
  return update !== undefined || insertSteps !== undefined || deleteSteps !== undefined;
}

/** How many rows a statement has written, as Snowflake answers it. */
function written(kind: 'insert' | 'update' | 'delete', { inserted, updated, deleted }: Committed): Row {
  if (kind === 'insert') return { 'number of rows inserted': inserted };
  if (kind === 'delete') return { 'number of rows deleted': deleted };
  return { 'number of rows updated': updated, 'number of multi-joined rows updated': 0 };
}
