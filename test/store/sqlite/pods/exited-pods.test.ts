/** Pods whose process has exited, as the store shows and evicts them. */
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { PodRef, Store } from '../../../../src/store/contract.js';
import { resolveOptions, type SqliteOptions } from '../../../../src/store/sqlite/options.js';
import { NO_PROOF, type ProcessTable } from '../../../../src/store/sqlite/pods/process-table.js';
import { MIGRATIONS } from '../../../../src/store/sqlite/schema/schema.js';
import { SqliteStore } from '../../../../src/store/sqlite/store.js';
import { fresh, newSteps } from '../../../conformance/harness.js';
import { VirtualHost, type VirtualProcess } from '../../../support/virtual-host.js';
import { claimed, newCore, newFile, newStore, rawConnection, turn } from '../support/files.js';

let runtime: VirtualRuntime;
let host: VirtualHost;
let path: string;
beforeEach(() => {
  runtime = new VirtualRuntime();
  host = new VirtualHost();
  path = newFile();
});

const HOUR = 3_600_000;

/** The store as one process has it open. */
async function storeOf(process: ProcessTable, options: SqliteOptions = {}): Promise<Store> {
  const resolved = resolveOptions({ path, ...options });
  const store = new SqliteStore(resolved, { runtime, log: createLog('test') }, { processes: process });
  onTestFinished(() => store.close());
  await store.open();
  return store;
}

async function join(store: Store, podId = fresh('pod')): Promise<PodRef> {
  const pod = { podId, incarnation: fresh('life') };
  await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: HOUR, meta: {} });
  return pod;
}

const beat = (store: Store, pod: PodRef, asleep = false) => store.heartbeat(pod, { eligible: true, asleep, meta: {} });
const exitedIn = (pods: readonly { pod: PodRef; exited: boolean }[]): PodRef[] =>
  pods.filter(({ exited }) => exited).map(({ pod }) => pod);

describe('a pod whose process has exited', () => {
  it('is shown as exited by heartbeats and fleet reads, and is evicted at once, however short its silence', async () => {
    const [mine, other] = [host.spawn(), host.spawn()];
    const [store, theirs] = [await storeOf(mine.table), await storeOf(other.table)];
    const [self, peer] = [await join(store), await join(theirs)];
    await store.submit(newSteps(1));
    const [claim] = await claimed(theirs, {}, peer);
    expect(exitedIn((await beat(store, self)).pods)).toEqual([]);
    expect(await store.evict([peer])).toEqual([]);
    other.exit();
    expect(exitedIn((await beat(store, self)).pods)).toEqual([peer]);
    expect(exitedIn(await store.fleet())).toEqual([peer]);
    expect(await store.orphans({ limit: 10 })).toEqual([]); // reading changes nothing; only `evict` writes
    expect(await store.evict([peer, self])).toEqual([peer]);
    expect(await store.evict([peer])).toEqual([peer]);
    expect(await store.orphans({ limit: 10 })).toMatchObject([
      { stepId: claim!.stepId, holder: peer, reason: 'evicted' },
    ]);
  });

  it('is recognized as a zombie, and if its pid is in use again', async () => {
    const mine = host.spawn();
    const [zombie, before] = [host.spawn(), host.spawn()];
    const store = await storeOf(mine.table);
    const self = await join(store);
    const dead = [await join(await storeOf(zombie.table)), await join(await storeOf(before.table))];
    zombie.becomeZombie();
    before.exit();
    const after = await join(await storeOf(host.spawn({ pid: before.pid }).table));
    expect(exitedIn((await beat(store, self)).pods)).toEqual(dead);
    expect(await store.evict([...dead, after])).toEqual(dead);
  });

  it('is evicted with all pods of its process, after one lookup of the process', async () => {
    const [mine, other] = [host.spawn(), host.spawn()];
    const store = await storeOf(mine.table);
    const self = await join(store);
    const theirs = await storeOf(other.table);
    const pods: PodRef[] = [];
    for (let i = 0; i < 50; i++) pods.push(await join(theirs));
    other.exit();
    host.lookups = 0;
    expect(exitedIn((await beat(store, self)).pods)).toEqual(pods);
    expect(host.lookups).toBe(1);
  });

  it('is ignored if it has left or sleeps', async () => {
    const [mine, other] = [host.spawn(), host.spawn()];
    const [store, theirs] = [await storeOf(mine.table), await storeOf(other.table)];
    const [gone, asleep] = [await join(theirs), await join(theirs)];
    await theirs.leave(gone);
    await beat(theirs, asleep, true);
    other.exit();
    expect(await store.evict([gone, asleep])).toEqual([]);
    expect((await store.fleet()).map(({ pod }) => pod)).toEqual([asleep]);
  });

  it('is looked up in slices that free the event loop between them', async () => {
    const mine = host.spawn();
    const store = await storeOf(mine.table);
    const self = await join(store);
    for (let i = 0; i < 100; i++) await join(await storeOf(host.spawn().table));
    const { lookUp } = mine.table;
    let [now, turns] = [0, 0];
    runtime.monotonicMs = () => now;
    (mine.table as { lookUp: ProcessTable['lookUp'] }).lookUp = (pid) => {
      now += 1; // each lookup takes a millisecond
      return lookUp(pid);
    };
    let over = false;
    const beating = beat(store, self).finally(() => (over = true));
    while (!over) {
      await turn();
      turns++;
    }
    await beating;
    expect(turns).toBeGreaterThanOrEqual(6);
  });
});

interface Given {
  readonly mine?: ProcessTable;
  readonly theirs?: () => VirtualProcess;
  readonly options?: SqliteOptions;
}

describe('only silence evicts', () => {
  const given: Readonly<Record<string, Given>> = {
    'after another boot': { theirs: () => new VirtualHost('boot-0').spawn({ pid: 77 }) },
    'in another PID namespace': { theirs: () => host.spawn({ pid: 77, namespace: 'pid:[2]' }) },
    'if the platform gives no proof': { mine: NO_PROOF },
    'if the peer could not name its process': { theirs: () => ({ ...host.spawn(), table: NO_PROOF }) },
    'if hosts may share the file': { options: { allowNetworkFileSystem: true } },
  };

  it.each(Object.entries(given))('%s', async (_, each) => {
    const { mine = host.spawn().table, theirs = () => host.spawn(), options = {} } = each;
    const process = theirs();
    const [store, other] = [await storeOf(mine, options), await storeOf(process.table, options)];
    const [self, peer] = [await join(store), await join(other)];
    process.exit();
    expect(exitedIn((await beat(store, self)).pods)).toEqual([]);
    expect(await store.evict([peer])).toEqual([]);
    await runtime.advance(HOUR + 1);
    expect(await store.evict([peer])).toEqual([peer]);
  });

  it('if the pod registered under version 1 of the schema', async () => {
    const old = new Database(path);
    for (const statement of MIGRATIONS[0]!) old.exec(statement);
    old.exec(`CREATE TABLE SCHEMA_INFO (one INTEGER PRIMARY KEY, version INTEGER, oldest_allowed INTEGER) STRICT;
      INSERT INTO SCHEMA_INFO VALUES (1, 1, 1);
      INSERT INTO POD_HEALTH (incarnation, pod_id, birth_ts, last_heartbeat_ts, heartbeat_ms, dead_after_ms, boot)
      VALUES ('old', 'old', ${runtime.wallMs()}, ${runtime.wallMs()}, 1000, ${HOUR}, 'boot-1')`);
    old.close();
    const store = await storeOf(host.spawn().table);
    const self = await join(store);
    expect((await beat(store, self)).pods).toHaveLength(2);
    expect(exitedIn(await store.fleet())).toEqual([]);
    expect(await store.evict([{ podId: 'old', incarnation: 'old' }])).toEqual([]);
  });
});

it('evicts only the pods of the process that was proved to have exited', () => {
  const { core, connection } = newCore();
  const mark = { namespace: 'boot pid:[1]', pid: 7, startedAt: 100 };
  const pod = { podId: 'pod', incarnation: 'life' };
  const instant = { now: 1_000, hostMs: 0, boot: 'boot', wallMs: 1_000 };
  core.register(instant, { ...pod, heartbeatMs: 1_000, deadAfterMs: HOUR, meta: {} }, mark);
  for (const other of [
    { ...mark, pid: 8 },
    { ...mark, namespace: 'another pid:[1]' },
    { ...mark, startedAt: 101 },
  ]) {
    expect(core.evict(1_000, [pod], new Map([['life', other]]))).toEqual([]);
  }
  expect(core.evict(1_000, [pod], new Map([['life', mark]]))).toEqual([pod]);
  expect(connection.prepare('SELECT final, status FROM POD_HEALTH').raw().get()).toEqual(['evicted', 'down']);
});

it('names the process in the row of a pod, readable for people', async () => {
  const store = await newStore({ path });
  await join(store);
  const row = rawConnection(path).prepare('SELECT pid, pid_namespace, process_started FROM POD_HEALTH').get();
  if (process.platform === 'linux') {
    expect(row).toEqual({
      pid: process.pid,
      pid_namespace: expect.stringMatching(/ pid:\[/),
      process_started: expect.any(Number),
    });
  } else expect(row).toEqual({ pid: null, pid_namespace: null, process_started: null });
});
