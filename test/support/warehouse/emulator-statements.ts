/** Lets the emulator run a statement: completes what it does not know, translates its reply, and interrupts it. */
import { randomUUID } from 'node:crypto';
import type { Account } from './account.js';
import type { Catalogue } from './catalogue.js';
import type { Changes } from './change-tokens.js';
import { withChangeTokens, withContext } from './context-functions.js';
import type { Upstream } from './emulator-client.js';
import type { LateReads, SourceInstant } from './late-reads.js';
import { pause } from './pause.js';
import type { Session } from './sessions.js';
import { fullName, nameOf, partsOf } from './sql-text.js';
import type { Statement } from './statement-kind.js';
import type { Tables } from './table-traits.js';
import { done, refusals, type Reply } from './wire-replies.js';

export interface EmulatorParts {
  readonly upstream: Upstream;
  readonly account: Account;
  readonly lateReads: LateReads;
  readonly changes: Changes;
  readonly tables: Tables;
  readonly catalogue: Catalogue;
}

const INTERRUPT_EVERY_MS = 20;

export class EmulatorStatements {
  readonly #with: EmulatorParts;

  constructor(parts: EmulatorParts) {
    this.#with = parts;
  }

  /**
   * Lets the emulator run it, and interrupts it when the signal aborts. No interrupt is left in flight.
   *
   * @param source the instant as of which the source of an UPDATE or a DELETE is read
   */
  async run(
    session: Session,
    statement: Statement,
    body: object,
    signal: AbortSignal,
    source?: SourceInstant,
  ): Promise<Reply> {
    const { upstream, account, tables, catalogue } = this.#with;
    const shown = catalogue.show(statement.text, session);
    if (shown !== undefined) return shown;
    if (tables.isSettingOnly(statement.text)) return altered(statement, session, tables);
    const collated = tables.withCollation(statement.text, session);
    const named = withContext(catalogue.withUsage(collated, session), session, account.options.name);
    const sqlText = await withChangeTokens(named, (table) => this.#changeToken(session, table));
    const refusesChance = session.isOn('ERROR_ON_NONDETERMINISTIC_UPDATE');
    const sight = { ...this.#with.lateReads.of(statement, session), ...source };
    signal.throwIfAborted();
    const id = randomUUID();
    const answered = new AbortController();
    let interrupted = Promise.resolve();
    // A logout waits for it, because a statement without a session cannot be interrupted.
    const interrupt = () => (interrupted = session.outliving(this.#interrupt(session, id, answered.signal)));
    signal.addEventListener('abort', interrupt, { once: true, signal: answered.signal });
    try {
      const reply = await upstream.query(session.upstream, { ...body, ...sight, sqlText, refusesChance, id });
      if (!reply.success) signal.throwIfAborted();
      else if (statement.kind === 'definition') tables.note(statement.text, session);
      return withoutPrefix(tables.withKinds(statement.text, reply));
    } finally {
      answered.abort();
      await interrupted;
    }
  }

  /** Again and again until it is answered: an interrupt that comes before DuckDB has begun with it does nothing. */
  async #interrupt(session: Session, id: string, answered: AbortSignal): Promise<void> {
    while (!answered.aborted) {
      await this.#with.upstream.abort(session.upstream, id).catch(() => {});
      await pause(INTERRUPT_EVERY_MS, answered).catch(() => {}); // it is answered
    }
  }

  async #changeToken(session: Session, table: string): Promise<string> {
    const look = { sqlText: `SELECT COUNT(*) AS n FROM ${nameOf(partsOf(table))} WHERE 1 = 0` };
    const { success } = await this.#with.upstream.query(session.upstream, look);
    if (!success) throw refusals.unknownTable(table);
    return this.#with.changes.of(fullName(partsOf(table), session));
  }
}

/** What is about the table alone, and nothing to the emulator. */
function altered({ text }: Statement, session: Session, tables: Tables): Reply {
  tables.note(text, session);
  const rowtype = [{ name: 'status', type: 'text', nullable: true, scale: null, precision: null, length: 100 }];
  return done({ rowtype, rowset: [['Statement executed successfully.']], total: 1, returned: 1, version: 1 });
}

/** The emulator's messages begin with their code, as those of the Python connector do. */
function withoutPrefix(reply: Reply): Reply {
  return reply.success ? reply : { ...reply, message: reply.message?.replace(/^\d{6} \(\w{5}\): /, '') ?? null };
}
