/** Processes of version 1 that share a file with this version during a rolling update. */
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { bootId, timeNamespace } from '../../../../src/store/sqlite/clock/monotonic-clock-id.js';
import { CREATE_SCHEMA_INFO, MIGRATIONS } from '../../../../src/store/sqlite/schema/schema.js';
import { pendingAgain, ids, newStep } from '../../../conformance/harness.js';
import { claimed, joined, newFile, newStore, rawConnection } from '../support/files.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const BEAT = { eligible: true, asleep: false, meta: {} };
const OLD = { podId: 'old', incarnation: 'life-old' };
const NEW = { podId: 'new', incarnation: 'life-new' };

/** A process of version 1, with the statements of that version. */
class VersionOne {
  readonly path = newFile();
  readonly machine = new VirtualRuntime();
  readonly #connection: Database.Database;
  /** Its clock, which began before the wall clock was set forward. */
  readonly #behindMs: number;

  constructor(behindMs = 0) {
    this.#behindMs = behindMs;
    const file = new Database(this.path);
    for (const statement of MIGRATIONS[0]!) file.exec(statement);
    file.exec(CREATE_SCHEMA_INFO);
    file.exec('INSERT INTO SCHEMA_INFO VALUES (1, 1, 1)');
    file.close();
    this.#connection = rawConnection(this.path);
  }

  now(): number {
    return this.machine.wallMs() - this.#behindMs;
  }

  register(deadAfterMs: number): void {
    this.#connection
      .prepare(
        `INSERT INTO POD_HEALTH (incarnation, pod_id, birth_ts, last_heartbeat_ts, heartbeat_ms, dead_after_ms, meta, host_ms, boot)
         VALUES (?, ?, ?, ?, 1000, ?, '{}', ?, ?)`,
      )
      .run(OLD.incarnation, OLD.podId, this.now(), this.now(), deadAfterMs, this.machine.monotonicMs(), bootId());
  }

  cancelAndRetry(stepId: string): void {
    this.#connection
      .prepare("UPDATE STEP_TRACKER SET status = 'cancelled', due = 0, version = version + 1 WHERE step_id = ?")
      .run(stepId);
    this.#connection
      .prepare(
        `UPDATE STEP_TRACKER
         SET status = 'pending', due = 1, version = version + 1, last_update_ts = ?, run_at = ?, retry_count = 0, crashes = 0,
           result = NULL, error = NULL, claimed_by = NULL, claimed_incarnation = NULL
         WHERE step_id = ? AND version = 1 AND (status = 'failed' OR status = 'cancelled')`,
      )
      .run(this.now(), this.now(), stepId);
  }

  /** A failed attempt that is retried after a delay. */
  requeue(stepId: string, delayMs: number): void {
    this.#connection
      .prepare(
        `UPDATE STEP_TRACKER
         SET status = 'pending', due = iif(?, 0, iif(crashes + ? > 1, 2, 1)), run_at = coalesce(?, run_at), claimed_by = NULL,
           claimed_incarnation = NULL, version = version + 1, last_update_ts = ?, claim_token = NULL
         WHERE step_id = ? AND status = 'claimed'`,
      )
      .run(1, 0, this.now() + delayMs, this.now(), stepId);
  }

  evict({ incarnation }: { readonly incarnation: string }): void {
    this.#connection
      .prepare("UPDATE POD_HEALTH SET final = 'evicted', status = 'down' WHERE incarnation = ? AND final IS NULL")
      .run(incarnation);
  }

  read<T>(query: string): T[] {
    return this.#connection.prepare<[], T>(query).pluck().all();
  }
}

// In a shifted time namespace, version 1 looks like a process of the host.
const sharesClock = ['', 'time:[4026531834]'].includes(timeNamespace());

describe('beside a living pod of version 1', () => {
  it.runIf(sharesClock)('continues from its clock, however far the wall clock has moved on', async () => {
    const old = new VersionOne(8 * HOUR);
    old.register(15_000);
    await old.machine.advance(1_000);
    const store = await newStore({ path: old.path }, old.machine);
    await store.submit([newStep()]);
    expect(old.read('SELECT created_ts FROM STEP_TRACKER')).toEqual([old.now()]);
  });

  it.runIf(sharesClock)(
    'records the boot as version 1 does, so that a starting process continues from its clock',
    async () => {
      const old = new VersionOne();
      const store = await newStore({ path: old.path }, old.machine);
      await joined(store, NEW);
      expect(old.read('SELECT boot FROM POD_HEALTH')).toEqual([bootId()]);
      await store.heartbeat(NEW, BEAT);
      expect(old.read('SELECT boot FROM POD_HEALTH')).toEqual([bootId()]);
    },
  );

  it.runIf(sharesClock).each([8 * HOUR, -8 * HOUR])(
    'whose clock is %i ms behind: steps with runAt follow the wall clock once it is recorded',
    async (behindMs) => {
      const old = new VersionOne(behindMs);
      const { machine } = old;
      old.register(15_000);
      const store = await newStore({ path: old.path }, machine);
      const step = newStep({ runAt: machine.wallMs() + HOUR });
      const delayed = newStep({ delayMs: 2 * HOUR });
      await store.submit([step, delayed]);
      expect(old.read('SELECT count(*) FROM WALL_CLOCK')).toEqual([0]); // no pod records the wall clock yet
      await joined(store, NEW);
      await machine.advance(MINUTE); // version 1 falls silent
      await store.heartbeat(NEW, BEAT);
      await machine.settle();
      expect(old.read('SELECT offset_ms FROM WALL_CLOCK')).toEqual([behindMs]);
      await machine.advance(HOUR - MINUTE - 10);
      expect(await claimed(store, {}, NEW)).toEqual([]);
      await machine.advance(20);
      expect(ids(await claimed(store, {}, NEW))).toEqual([step.stepId]);
      await machine.advance(HOUR);
      expect(ids(await claimed(store, {}, NEW))).toEqual([delayed.stepId]);
    },
  );
});

describe('a step with runAt that version 1 changes', () => {
  it('is due at once after a retry by hand', async () => {
    const old = new VersionOne();
    const store = await newStore({ path: old.path }, old.machine);
    await joined(store, NEW);
    const step = newStep({ runAt: old.machine.wallMs() + 24 * HOUR });
    await store.submit([step]);
    await old.machine.advance(10);
    old.cancelAndRetry(step.stepId);
    expect(ids(await claimed(store, {}, NEW))).toEqual([step.stepId]);
  });

  it('waits for its delay after a retry, and follows no wall clock', async () => {
    const old = new VersionOne();
    const { machine } = old;
    const store = await newStore({ path: old.path }, machine);
    await joined(store, NEW);
    await store.heartbeat(NEW, BEAT);
    const step = newStep({ runAt: machine.wallMs() });
    await store.submit([step]);
    await claimed(store, {}, NEW);
    await machine.advance(10);
    old.requeue(step.stepId, 10 * MINUTE);
    machine.shiftWall(-HOUR);
    await store.heartbeat(NEW, BEAT);
    await machine.settle();
    await machine.advance(10 * MINUTE - 10);
    expect(await claimed(store, {}, NEW)).toEqual([]);
    await machine.advance(20);
    expect(ids(await claimed(store, {}, NEW))).toEqual([step.stepId]);
  });

  it('stays timed if this version gives it back without a delay', async () => {
    const old = new VersionOne();
    const store = await newStore({ path: old.path }, old.machine);
    await joined(store, NEW);
    await store.submit([newStep({ runAt: old.machine.wallMs() - 1 })]);
    const [claim] = await claimed(store, {}, NEW);
    await store.settle(NEW, [pendingAgain(claim!)]);
    expect(old.read('SELECT run_at_wall IS NOT NULL FROM STEP_TRACKER')).toEqual([1]);
  });
});

describe('a pod that a process of version 1 evicts', () => {
  it('leaves no step types behind after pruning, and those of living pods stay', async () => {
    const old = new VersionOne();
    const store = await newStore({ path: old.path }, old.machine);
    const meta = { types: { work: {} } };
    for (const pod of [NEW, { podId: 'other', incarnation: 'life-other' }])
      await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 15_000, meta });
    old.evict(NEW);
    await store.prune({ keepMs: HOUR });
    expect(old.read('SELECT incarnation FROM POD_TYPES')).toEqual(['life-other']);
  });
});
