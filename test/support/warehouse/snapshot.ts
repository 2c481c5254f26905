/** A second session of the emulator that sees the data as they were when it started: DuckDB isolates by snapshot. */
import type { Sight } from './late-reads.js';
import type { Session } from './sessions.js';
import { nameOf } from './sql-text.js';
import type { Upstream } from './emulator-client.js';

export class Snapshot {
  /** The session as it was, with the data as they were. */
  readonly session: Session;
  readonly #upstream: Upstream;

  private constructor(upstream: Upstream, session: Session) {
    this.#upstream = upstream;
    this.session = session;
  }

  /** Of all that lies in the database of `table`, as `session` sees it now. */
  static async take(upstream: Upstream, session: Session, table: readonly string[], sight: Sight): Promise<Snapshot> {
    const login = await upstream.login(session.database ?? undefined, session.schema ?? undefined);
    const snapshot = new Snapshot(upstream, session.over(String(login.data!['token'])));
    await snapshot.#run('BEGIN');
    // It begins with the first look. A table that there is not is for the statement itself to find out.
    await snapshot.#run(`SELECT COUNT(*) AS n FROM ${nameOf(table)} WHERE 1 = 0`, sight);
    return snapshot;
  }

  /** Makes what was written here everybody's. */
  async commit(): Promise<void> {
    const { success, message } = await this.#run('COMMIT');
    if (!success) throw new Error(`COMMIT: ${message ?? ''}`);
  }

  /** What was not committed is gone. */
  async close(): Promise<void> {
    await this.#run('ROLLBACK');
    await this.#upstream.logout(this.session.upstream);
  }

  #run(sqlText: string, sight?: Sight): ReturnType<Upstream['query']> {
    return this.#upstream.query(this.session.upstream, { sqlText, ...sight });
  }
}
