/** Runs one statement, from its arrival to its reply: warehouse, slot, lock, latency, emulator. */
import { alteredTable, classify, type Statement } from './statement-kind.js';
import { EmulatorStatements, type EmulatorParts } from './emulator-statements.js';
import type { SourceInstant } from './late-reads.js';
import type { Job } from './statement-jobs.js';
import type { Latency } from './latency.js';
import type { Locks } from './locks.js';
import type { Meter, Reading } from './meter.js';
import { asRead, asSent, refuseOtherCount, refuseTexts } from './session-parameters.js';
import { MetadataAnswers } from './metadata-answers.js';
import { pause } from './pause.js';
import type { Session } from './sessions.js';
import { changeSession } from './alter-session.js';
import type { Slots } from './slots.js';
import { Snapshot } from './snapshot.js';
import { fullName } from './sql-text.js';
import type { Suspension } from './suspension.js';
import type { Watch } from './watch.js';
import { Refusal, refusals, type Reply } from './wire-replies.js';

/** What the driver sends to have a statement run. */
export interface QueryBody {
  readonly sqlText: string;
  readonly bindings?: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface Machinery extends EmulatorParts {
  readonly locks: Locks;
  readonly slots: Slots;
  readonly latency: Latency;
  readonly suspension: Suspension;
  readonly meter: Meter;
  readonly watch: Watch;
}

/** Snowflake's defaults, in seconds. */
const LOCK_TIMEOUT = 43_200;
const STATEMENT_TIMEOUT = 172_800;

type Times = { -readonly [key in 'queuedMs' | 'lockWaitMs' | 'slotMs']: Reading[key] };

/** Where a statement runs. */
interface Place {
  readonly signal: AbortSignal;
  readonly source: SourceInstant | undefined;
  /** Gives its slot back. */
  readonly leave: () => void;
}

export class Execution {
  readonly #with: Machinery;
  readonly #emulator: EmulatorStatements;
  readonly #metadata: MetadataAnswers;

  constructor(machinery: Machinery) {
    this.#with = machinery;
    this.#emulator = new EmulatorStatements(machinery);
    this.#metadata = new MetadataAnswers(machinery.changes);
  }

  /** Runs it to its end; what Snowflake refuses is a reply too. */
  async run(session: Session, body: QueryBody, job: Job): Promise<Reply> {
    const statement = classify(asRead(body.sqlText, session));
    const times: Times = { queuedMs: 0, lockWaitMs: 0, slotMs: 0 };
    const reply = await this.#bounded(session, job.signal, (signal) =>
      this.#perform(session, statement, body, times, signal),
    ).catch((error: unknown) => {
      if (error instanceof Refusal) return error.reply(job.queryId);
      throw error;
    });
    this.#record(session, statement, body, times, reply);
    return this.#addressed(asSent(reply, session), job);
  }

  #addressed(reply: Reply, job: Job): Reply {
    return reply.data ? { ...reply, data: { ...reply.data, queryId: job.queryId } } : reply;
  }

  /**
   * The data as they are now, for an INSERT to be run on them later. None for other statements (what locks its table sees
   * what was committed before), nor inside a transaction, which only its own session can end.
   */
  async snapshot(session: Session, body: QueryBody): Promise<Snapshot | undefined> {
    const statement = classify(body.sqlText);
    const { kind, table } = statement;
    if (kind !== 'insert' || table === undefined || session.transaction !== undefined) return undefined;
    return Snapshot.take(this.#with.upstream, session, table, this.#with.lateReads.of(statement, session));
  }

  /** Runs it on the data of `snapshot`, and commits what came of it. */
  async runOn(snapshot: Snapshot, body: QueryBody, job: Job): Promise<Reply> {
    const reply = await this.run(snapshot.session, body, job);
    if (!reply.success) return reply;
    await snapshot.commit();
    // Others see it only now.
    this.#with.changes.note(fullName(classify(body.sqlText).table!, snapshot.session));
    return reply;
  }

  /** STATEMENT_TIMEOUT_IN_SECONDS bounds the whole of it, also its wait for a lock. */
  async #bounded(session: Session, signal: AbortSignal, run: (signal: AbortSignal) => Promise<Reply>): Promise<Reply> {
    const seconds = session.seconds('STATEMENT_TIMEOUT_IN_SECONDS', 0) || STATEMENT_TIMEOUT;
    const [timeout, timer] = [new AbortController(), new AbortController()];
    pause(this.#ms(seconds), timer.signal).then(
      () => timeout.abort(refusals.statementTimeout(seconds)),
      () => {}, // it ended in time
    );
    try {
      return await run(AbortSignal.any([signal, timeout.signal]));
    } finally {
      timer.abort();
    }
  }

  async #perform(
    session: Session,
    statement: Statement,
    body: QueryBody,
    times: Times,
    signal: AbortSignal,
  ): Promise<Reply> {
    refuseOtherCount(statement.text, session, body.parameters?.['MULTI_STATEMENT_COUNT']);
    refuseTexts(statement.text, session);
    if (session.isOn('QUOTED_IDENTIFIERS_IGNORE_CASE')) this.#with.tables.refuseOtherCase(statement.text);
    changeSession(session, statement, this.#with.account);
    if (!statement.free) return this.#compute(session, statement, body, times, signal);
    await pause(this.#with.latency.ofStatement(statement.kind), signal);
    // The emulator fails a change of rows while the table is altered, and the other way round.
    const table = alteredTable(statement);
    const unlock = await this.#lock(session, { locks: table !== undefined, table }, signal);
    const reply = await this.#metadata
      .answer(statement.text, session, () => this.#emulator.run(session, statement, body, signal))
      .finally(unlock);
    if (statement.kind === 'definition' || statement.kind === 'transaction') this.#metadata.forget();
    this.#afterwards(session, statement, reply);
    return reply;
  }

  /** Runs with the warehouse: it is resumed, a slot is taken, and the table is locked if the statement requires it. */
  async #compute(
    session: Session,
    statement: Statement,
    body: QueryBody,
    times: Times,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { suspension, slots, lateReads } = this.#with;
    if (session.warehouse === null) throw refusals.noWarehouse();
    await this.#beginUnlessAutocommit(session, statement);
    const idle = await suspension.use(session.warehouse, signal);
    let unlock = () => {};
    let leave = () => {};
    const lock = async () => (unlock = await this.#timed(times, () => this.#lock(session, statement, signal)));
    try {
      // A statement that reads an old source reads it as of now, however long it waits.
      const source = statement.locks ? await lateReads.sourceOf(this.#with.upstream) : undefined;
      if (!slots.heldWhileLocked) await lock();
      const asked = performance.now();
      const free = await slots.acquire(signal);
      const taken = performance.now();
      times.queuedMs = taken - asked;
      leave = once(() => {
        free();
        times.slotMs = performance.now() - taken;
      });
      if (slots.heldWhileLocked) await lock();
      return await this.#work(session, statement, body, times, { signal, source, leave });
    } finally {
      unlock();
      leave();
      idle();
    }
  }

  async #timed(times: Times, lock: () => Promise<() => void>): Promise<() => void> {
    const start = performance.now();
    try {
      return await lock();
    } finally {
      times.lockWaitMs += performance.now() - start;
    }
  }

  /** Without AUTOCOMMIT a change begins a transaction, which only COMMIT makes everybody's. */
  async #beginUnlessAutocommit(session: Session, { table }: Statement): Promise<void> {
    if (table === undefined || session.transaction !== undefined) return;
    if (session.parameter('AUTOCOMMIT')?.toLowerCase() !== 'false') return;
    session.transaction = new Map();
    await this.#with.upstream.query(session.upstream, { sqlText: 'BEGIN' });
  }

  async #work(
    session: Session,
    statement: Statement,
    body: QueryBody,
    times: Times,
    { signal, source, leave }: Place,
  ): Promise<Reply> {
    const { latency, changes, slots, watch } = this.#with;
    const table = statement.table && fullName(statement.table, session);
    if (table !== undefined) await pause(changes.announce(table), signal);
    await pause(latency.ofStatement(statement.kind), signal);
    // An INSERT has written its rows by now, and waits for its commit.
    const isLocked = statement.kind === 'insert' && table !== undefined && this.#with.locks.insertMs > 0;
    if (isLocked && !slots.heldWhileLocked) leave();
    const unlock = isLocked ? await this.#timed(times, () => this.#lockInserts(session, table, signal)) : () => {};
    try {
      const startedAt = performance.now();
      const reply = await watch.around(session, statement, body, () =>
        this.#emulator.run(session, statement, body, signal, source),
      );
      latency.emulated(statement.kind, performance.now() - startedAt);
      const rows = rowsOf(statement, reply);
      // It has run: a cancel comes too late now.
      await pause(latency.ofRows(rows), new AbortController().signal);
      if (table !== undefined && rows > 0) changes.note(table);
      return reply;
    } finally {
      unlock();
    }
  }

  /** Takes the lock for INSERTs, and has held it for its time when this resolves. */
  async #lockInserts(session: Session, table: string, signal: AbortSignal): Promise<() => void> {
    const { locks } = this.#with;
    const unlock = await locks.inserts.acquire(table, this.#lockTimeoutMs(session), signal);
    try {
      await pause(locks.insertMs, signal);
      return unlock;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Takes the lock that the statement needs; an open transaction has it until its own end. */
  async #lock(
    session: Session,
    { locks, table }: Pick<Statement, 'locks' | 'table'>,
    signal: AbortSignal,
  ): Promise<() => void> {
    if (!locks || table === undefined) return () => {};
    const name = fullName(table, session);
    if (session.transaction?.has(name) === true) return () => {};
    const unlock = await this.#with.locks.acquire(name, this.#lockTimeoutMs(session), signal);
    if (session.transaction === undefined) return unlock;
    session.transaction.set(name, unlock);
    return () => {};
  }

  #lockTimeoutMs(session: Session): number {
    return this.#ms(session.seconds('LOCK_TIMEOUT', LOCK_TIMEOUT));
  }

  /** Applies statements that need no warehouse. */
  #afterwards(session: Session, { kind, text }: Statement, { success, data }: Reply): void {
    if (kind === 'transaction' && /^\s*(BEGIN|START)\b/i.test(text)) session.transaction ??= new Map();
    else if (kind === 'transaction') session.endTransaction();
    if (!success && /^\s*USE\b/i.test(text)) throw refusals.noSuchObject();
    if (!success || kind !== 'session') return;
    session.database = data?.['finalDatabaseName'] ?? session.database;
    session.schema = data?.['finalSchemaName'] ?? null;
  }

  #record(session: Session, statement: Statement, body: QueryBody, times: Times, reply: Reply): void {
    const { kind, table, text, locks, free } = statement;
    const bindBytes = body.bindings === undefined ? 0 : Buffer.byteLength(JSON.stringify(body.bindings));
    this.#with.meter.record({
      ...{ kind, text, locks, free, tag: session.tag, session: session.id, ...times, bindBytes },
      table: table === undefined ? undefined : fullName(table, session),
      rows: rowsOf(statement, reply),
      code: reply.success ? undefined : String(reply.code),
    });
  }

  #ms(seconds: number): number {
    // The longest timer, 24 days.
    return Math.min(seconds * this.#with.suspension.secondMs, 2 ** 31 - 1);
  }
}

function rowsOf({ kind }: Statement, { success, data }: Reply): number {
  if (!success || !data) return 0;
  if (kind === 'select') return Number(data['returned'] ?? 0);
  return ['insert', 'update', 'delete', 'merge'].includes(kind) ? sumOf(data['rowset']?.[0] ?? []) : 0;
}

const sumOf = (counts: readonly unknown[]): number => counts.reduce<number>((sum, count) => sum + Number(count), 0);

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    call();
  };
}
