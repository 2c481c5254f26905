import { execFileSync } from 'node:child_process';
import Database from 'better-sqlite3';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal } from '../../src/fleet/journal.js';
import { JournalFile } from '../../src/fleet/journal-file.js';
import { recoveryRecord, type Decision, type RecoveryRecord } from '../../src/fleet/recovery-record.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { log, RecordedEvents } from './support/recorded-events.js';

let folder: string;
let runtime: VirtualRuntime;
let recorded: RecordedEvents;
const journals: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  runtime = new VirtualRuntime();
  recorded = new RecordedEvents();
});
afterEach(async () => {
  for (const journal of journals.splice(0)) await runtime.until(journal.close());
  rmSync(folder, { recursive: true });
});

function journalAt(path: string): Journal {
  const journal = new Journal({ runtime, events: recorded.events, log, path });
  journals.push(journal);
  return journal;
}

function decision(index: number, became: Decision['decision'] = 'requeued'): Decision {
  const holder = { podId: 'dead', incarnation: 'dead-1' };
  return { stepId: `step-${index}`, type: 'work', holder, reason: 'evicted', decision: became };
}

function record(cycle: number, given: Partial<RecoveryRecord> = {}): RecoveryRecord {
  return recoveryRecord({
    cycleId: `cycle-${cycle}`,
    dryRun: false,
    podId: 'leader',
    startedAt: 1_000 + cycle,
    durationMs: 1.5,
    deadPods: [{ podId: 'dead', incarnation: 'dead-1' }],
    decisions: [decision(1), decision(2, 'failed'), decision(3, 'alreadySettled')],
    error: undefined,
    ...given,
  });
}

const ids = (records: readonly RecoveryRecord[]) => records.map(({ cycleId }) => cycleId);

/** How often a connection to this file has been closed. */
function closings(path: string): () => number {
  const close = vi.spyOn(Database.prototype, 'close');
  return () => close.mock.contexts.filter((database) => (database as Database.Database).name === path).length;
}

describe('the journal', () => {
  it.each(['memory', 'file'])('returns the cycles that it was given, the newest first (%s)', async (kind) => {
    const journal = journalAt(kind === 'memory' ? ':memory:' : join(folder, 'journal.db'));
    const failed = record(2, { error: { name: 'StoreError', message: 'gone', code: 'STORE_UNAVAILABLE' } });
    await journal.record(record(1));
    await journal.record(failed);
    expect(await journal.history(10)).toEqual([failed, record(1)]);
    expect(ids(await journal.history(1))).toEqual(['cycle-2']);
    expect(record(1)).toMatchObject({ requeued: ['step-1'], failed: ['step-2'], alreadySettled: ['step-3'] });
  });

  it('outlives its process, and is shared by processes that use the same file', async () => {
    const path = join(folder, 'journal.db');
    const [first, second] = [journalAt(path), journalAt(path)];
    await runtime.until(Promise.all([first.record(record(1)), second.record(record(2))]));
    await first.close();
    expect(ids(await journalAt(path).history(10)).sort()).toEqual(['cycle-1', 'cycle-2']);
  });

  it('writes a large cycle in pieces', async () => {
    const journal = journalAt(join(folder, 'journal.db'));
    const large = record(
      1,
      recoveryRecord({ ...record(1), decisions: Array.from({ length: 1_100 }, (_, i) => decision(i)) }),
    );
    await journal.record(large);
    expect(await journal.history(1)).toEqual([large]);
  });

  it('does not show a cycle whose writing broke off, and takes it again', async () => {
    const file = await JournalFile.open(runtime, join(folder, 'journal.db'));
    const broken = { ...decision(2), type: {} as string }; // no database takes that
    await expect(file.write(record(1, { decisions: [decision(1), broken] }))).rejects.toThrow();
    expect(await file.read(10)).toEqual([]);
    await file.write(record(1));
    await file.write(record(1)); // its reply was lost
    expect(await file.read(10)).toEqual([record(1)]);
    file.close();
  });

  it('takes the cycles that come while one is written, also more than are kept in memory', async () => {
    const journal = journalAt(join(folder, 'journal.db'));
    const large = recoveryRecord({ ...record(1), decisions: Array.from({ length: 600 }, (_, i) => decision(i)) });
    const writing = journal.record(large);
    const begun = vi.spyOn(runtime, 'yield');
    await vi.waitFor(() => expect(begun).toHaveBeenCalled(), { interval: 0 });
    const rest = Array.from({ length: 1_000 }, (_, i) => journal.record(record(i + 2)));
    await Promise.all([writing, ...rest]);
    expect(ids(await journal.history(2_000)).at(-1)).toBe('cycle-2');
  });

  it('removes all of a cycle, however large', async () => {
    const path = join(folder, 'journal.db');
    const file = await JournalFile.open(runtime, path);
    const large = recoveryRecord({ ...record(1), decisions: Array.from({ length: 600 }, (_, i) => decision(i)) });
    await file.write(large);
    const database = new Database(path);
    database.exec(`UPDATE sqlite_sequence SET seq = 1001; UPDATE recovery_cycle SET seq = 1`);
    for (let cycle = 2; cycle <= 1_001; cycle++) {
      database
        .prepare(`INSERT INTO recovery_cycle (cycle_id, pod_id, started_at, duration_ms) VALUES (?, 'leader', 1, 1)`)
        .run(`cycle-${cycle}`);
    }
    await file.trim();
    const count = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    expect(['recovery_cycle', 'recovery_dead_pod', 'recovery_orphan'].map(count)).toEqual([1_000, 0, 0]);
    database.close();
    file.close();
  });

  it('closes its file, and does not open it again', async () => {
    const path = join(folder, 'journal.db');
    const closed = closings(path);
    const journal = journalAt(path);
    await journal.record(record(1));
    await journal.close();
    expect(closed()).toBe(1);
    expect(await journal.history(10)).toEqual([]);
    await journal.close();
    expect(closed()).toBe(1);
  });

  it('closes a file that is no database', async () => {
    const path = join(folder, 'journal.db');
    const closed = closings(path);
    writeFileSync(path, 'a letter '.repeat(200));
    await expect(JournalFile.open(runtime, path)).rejects.toThrow();
    expect(closed()).toBe(1);
  });

  it('keeps the last 1,000 cycles', async () => {
    const path = join(folder, 'journal.db');
    const journal = journalAt(path);
    for (let cycle = 1; cycle <= 1_003; cycle++) await journal.record(record(cycle));
    expect(ids(await journal.history(5_000))).toHaveLength(1_000);
    await journal.close();
    const database = new Database(path, { readonly: true });
    const count = (table: string) => database.prepare(`SELECT count(DISTINCT cycle_id) FROM ${table}`).pluck().get();
    expect(['recovery_cycle', 'recovery_dead_pod', 'recovery_orphan'].map(count)).toEqual([1_000, 1_000, 1_000]);
    database.close();
  });
});

describe('a journal in memory', () => {
  it('returns copies of its records', async () => {
    const journal = journalAt(':memory:');
    await journal.record(record(1));
    const [first] = await journal.history(5);
    (first?.requeued as string[]).length = 0;
    (first?.decisions as Decision[]).length = 0;
    (first?.deadPods[0] as { podId: string }).podId = 'changed';
    expect(await journal.history(5)).toEqual([record(1)]);
  });

  it('opens no database, and keeps the newest 1,000 cycles', async () => {
    const open = vi.spyOn(JournalFile, 'open');
    const journal = journalAt(':memory:');
    await journal.open();
    for (let cycle = 1; cycle <= 1_003; cycle++) await journal.record(record(cycle));
    const kept = ids(await journal.history(5_000));
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, 'cycle-1003', 'cycle-4']);
    await journal.close();
    expect(open).not.toHaveBeenCalled();
    expect(recorded.of('store:error')).toEqual([]);
  });
});

describe('a journal that cannot be written', () => {
  it('logs its first failure and its recovery, each once and in its own words', async () => {
    const lines = (['debug', 'info', 'warn', 'error'] as const).map((level) => vi.spyOn(log, level));
    const logged = () => lines.flatMap(({ mock }) => mock.calls.map(([, message]) => message));
    const journal = journalAt(join(folder, 'missing', 'journal.db'));
    await journal.record(record(1));
    await journal.record(record(2));
    expect(logged()).toEqual(['recovery journal failed; keeping its cycles in memory']);
    expect(lines[2]?.mock.calls[0]?.[0]).toMatchObject({
      operation: 'journal',
      cycles: 1,
      error: { message: expect.any(String) },
    });
    mkdirSync(join(folder, 'missing'));
    await journal.record(record(3));
    expect(logged()).toEqual([
      'recovery journal works again; the cycles from memory are written',
      'recovery journal failed; keeping its cycles in memory',
    ]);
    for (const line of lines) line.mockRestore();
  });

  it('keeps its cycles in memory, emits store:error once, and catches up', async () => {
    const path = join(folder, 'missing', 'journal.db');
    const journal = journalAt(path);
    await journal.record(record(1));
    await journal.record(record(2));
    expect(ids(await journal.history(10))).toEqual(['cycle-2', 'cycle-1']);
    expect(recorded.of('store:error')).toMatchObject([{ operation: 'journal', error: expect.any(Error) }]);
    mkdirSync(join(folder, 'missing'));
    await journal.record(record(3));
    expect(recorded.of('store:recovered')).toHaveLength(1);
    expect(ids(await journalAt(path).history(10))).toEqual(['cycle-3', 'cycle-2', 'cycle-1']);
  });

  it('keeps the newest 1,000 in memory', async () => {
    const journal = journalAt(join(folder, 'missing', 'journal.db'));
    await Promise.all(Array.from({ length: 1_002 }, (_, i) => journal.record(record(i + 1))));
    const kept = ids(await journal.history(2_000));
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, 'cycle-1002', 'cycle-3']);
  });

  it.runIf(process.platform !== 'win32')('does not open a FIFO, which would block the process', async () => {
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const journal = journalAt(path);
    await journal.record(record(1));
    expect(recorded.of('store:error')).toMatchObject([{ operation: 'journal', error: { code: 'STORE_UNWRITABLE' } }]);
    expect(ids(await journal.history(10))).toEqual(['cycle-1']);
  });

  it('waits for a file that another process has locked without blocking, then goes on in memory', async () => {
    const path = join(folder, 'journal.db');
    const journal = journalAt(path);
    await journal.record(record(1));
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const briefly = journal.record(record(2));
    await runtime.advance(500);
    other.exec('ROLLBACK');
    await runtime.until(briefly);
    expect(recorded.of('store:error')).toEqual([]);
    other.exec('BEGIN IMMEDIATE');
    await runtime.until(journal.record(record(3)));
    expect(recorded.of('store:error')).toMatchObject([{ operation: 'journal' }]);
    expect(ids(await journal.history(10))).toEqual(['cycle-3', 'cycle-2', 'cycle-1']);
    expect(ids(await journal.history(2))).toEqual(['cycle-3', 'cycle-2']);
    other.exec('ROLLBACK');
    await journal.record(record(4));
    other.close();
    expect(ids(await journal.history(10))).toEqual(['cycle-4', 'cycle-3', 'cycle-2', 'cycle-1']);
  });

  it('still returns the cycles in memory after it was closed', async () => {
    const journal = journalAt(':memory:');
    await journal.close();
    await journal.record(record(1));
    expect(ids(await journal.history(10))).toEqual(['cycle-1']);
  });
});
