/**
 * Reads and writes the journal's SQLite file.
 *
 * Invariants:
 * - Several processes may use the same file.
 * - A cycle's own row is written last, so that a cycle whose writing broke off is not shown, and may be written again.
 * - A transaction or a read takes about a millisecond; the event loop is free between two of them.
 */
import type { Database } from 'better-sqlite3';
import { isBusy, loadSqlite } from '../driver/better-sqlite3.js';
import { asError } from '../errors.js';
import { locate } from '../files/file-identity.js';
import type { SerializedError } from '../step/serialized-error.js';
import { parseJson } from '../step/payload.js';
import { flatJitterMs } from '../runtime/backoff.js';
import type { Runtime } from '../runtime/runtime.js';
import { retryWhileBusy, type BusyRetryOptions } from '../store/busy-retry.js';
import * as sql from './journal-statements.js';
import { recoveryRecord, type Decision, type RecoveryRecord } from './recovery-record.js';

/** Rows in one transaction, and in one read: about a millisecond. */
const PIECE = 250;
const BUSY_RETRY: BusyRetryOptions = {
  isBusy,
  waitLimitMs: 1_000,
  giveUp: asError,
  pause: (_refusals, random) => flatJitterMs(1, 5, random),
};

interface CycleRow {
  readonly cycle_id: string;
  readonly pod_id: string;
  readonly started_at: number;
  readonly duration_ms: number;
  readonly error: string | null;
}

interface PodRow {
  readonly pod_id: string;
  readonly incarnation: string;
}

interface OrphanRow extends PodRow {
  readonly position: number;
  readonly step_id: string;
  readonly type: string;
  readonly reason: Decision['reason'];
  readonly decision: Decision['decision'];
}

export class JournalFile {
  readonly #runtime: Runtime;
  readonly #database: Database;

  private constructor(runtime: Runtime, database: Database) {
    this.#runtime = runtime;
    this.#database = database;
  }

  static async open(runtime: Runtime, path: string): Promise<JournalFile> {
    const { path: file } = await locate(path);
    const Sqlite = await loadSqlite();
    const journal = new JournalFile(runtime, new Sqlite(file, { timeout: 0 })); // a time-out would block the event loop
    try {
      for (const statement of [...sql.PRAGMAS, ...sql.SCHEMA]) {
        await journal.#whenFree(() => journal.#database.exec(statement));
      }
      return journal;
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  async write({ cycleId, podId, startedAt, durationMs, error, deadPods, decisions }: RecoveryRecord): Promise<void> {
    await this.#inPieces(deadPods, sql.INSERT_DEAD_POD, (pod) => [cycleId, pod.podId, pod.incarnation]);
    await this.#inPieces(decisions, sql.INSERT_ORPHAN, ({ stepId, type, holder, reason, decision }, position) => {
      return [cycleId, position, stepId, type, holder.podId, holder.incarnation, reason, decision];
    });
    const cycle = [cycleId, podId, startedAt, durationMs, error === undefined ? null : JSON.stringify(error)];
    await this.#run(sql.INSERT_CYCLE, cycle);
  }

  /** Removes the oldest cycles beyond the number that is kept. */
  async trim(): Promise<void> {
    const surplus = (): { cycle_id: string } | undefined =>
      this.#database.prepare<[], { cycle_id: string }>(sql.SELECT_SURPLUS).get();
    for (let next = await this.#whenFree(surplus); next !== undefined; next = await this.#whenFree(surplus)) {
      const id = next.cycle_id;
      while ((await this.#run(sql.DELETE_ORPHANS, [id, id, PIECE])) > 0) await this.#runtime.yield();
      await this.#run(sql.DELETE_DEAD_PODS, [id]);
      await this.#run(sql.DELETE_CYCLE, [id]);
    }
  }

  /** The newest cycles first. */
  async read(limit: number): Promise<readonly RecoveryRecord[]> {
    const records: RecoveryRecord[] = [];
    for (const row of await this.#all<CycleRow>(sql.SELECT_CYCLES, [limit])) {
      const pods = await this.#all<PodRow>(sql.SELECT_DEAD_PODS, [row.cycle_id]);
      records.push(
        recoveryRecord({
          cycleId: row.cycle_id,
          dryRun: false,
          podId: row.pod_id,
          startedAt: row.started_at,
          durationMs: row.duration_ms,
          deadPods: pods.map(podOf),
          decisions: await this.#decisions(row.cycle_id),
          error: parseJson(row.error) as SerializedError | undefined,
        }),
      );
    }
    return records;
  }

  async #decisions(cycleId: string): Promise<readonly Decision[]> {
    const decisions: Decision[] = [];
    for (let from = 0; ; from += PIECE) {
      const rows = await this.#all<OrphanRow>(sql.SELECT_ORPHANS, [cycleId, from, PIECE]);
      decisions.push(...rows.map(decisionOf));
      if (rows.length < PIECE) return decisions;
      await this.#runtime.yield();
    }
  }

  async #inPieces<T>(
    items: readonly T[],
    statement: string,
    row: (item: T, position: number) => unknown[],
  ): Promise<void> {
    for (let from = 0; from < items.length; from += PIECE) {
      const piece = items.slice(from, from + PIECE);
      await this.#whenFree(() => {
        const insert = this.#database.prepare(statement);
        this.#database
          .transaction(() => piece.forEach((item, index) => insert.run(...row(item, from + index))))
          .immediate();
      });
      await this.#runtime.yield();
    }
  }

  #run(statement: string, values: readonly unknown[]): Promise<number> {
    return this.#whenFree(() => this.#database.prepare(statement).run(...values).changes);
  }

  #all<Row>(statement: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#whenFree(() => this.#database.prepare<unknown[], Row>(statement).all(...values));
  }

  /** Another process may hold the file: tries again, with the event loop free between tries. */
  #whenFree<T>(operation: () => T): Promise<T> {
    return retryWhileBusy(this.#runtime, operation, BUSY_RETRY);
  }
}

function podOf({ pod_id: podId, incarnation }: PodRow): { podId: string; incarnation: string } {
  return { podId, incarnation };
}

function decisionOf(row: OrphanRow): Decision {
  const { step_id: stepId, type, reason, decision } = row;
  return { stepId, type, holder: podOf(row), reason, decision };
}
