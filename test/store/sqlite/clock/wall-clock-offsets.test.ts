/** `runAt` is an instant of the wall clock: waiting steps follow a correction of that clock, in either direction. */
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { PodRef, PodView, Store } from '../../../../src/store/contract.js';
import type { NewStep } from '../../../../src/step/submission.js';
import { CREATE_SCHEMA_INFO, MIGRATIONS } from '../../../../src/store/sqlite/schema/schema.js';
import { keepsTime, WallClockOffsets } from '../../../../src/store/sqlite/clock/wall-clock-offsets.js';
import { WallTimeConversion } from '../../../../src/store/sqlite/clock/wall-time-conversion.js';
import { pendingAgain, ids, newStep, settlement } from '../../../conformance/harness.js';
import { claimed, joined, newCore, newFile, newStore, rawConnection } from '../support/files.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const BEAT = { eligible: true, asleep: false, meta: {} };
const A = { podId: 'a', incarnation: 'life-a' };
const B = { podId: 'b', incarnation: 'life-b' };

/** One pod on a machine, and the file of its fleet. */
class Scene {
  readonly path: string;
  readonly machine: VirtualRuntime;

  constructor(machine = new VirtualRuntime(), path = newFile()) {
    this.machine = machine;
    this.path = path;
  }

  store(machine = this.machine): Promise<Store> {
    return newStore({ path: this.path }, machine);
  }

  async pod(pod: PodRef, machine = this.machine): Promise<Store> {
    const store = await this.store(machine);
    await joined(store, pod, 15_000);
    await store.heartbeat(pod, BEAT);
    return store;
  }

  /** The offsets that the file has recorded, and the incarnation that recorded each. */
  offsets(): readonly (readonly [offsetMs: number, by: string])[] {
    return rawConnection(this.path)
      .prepare<[], [number, string]>('SELECT offset_ms, set_by FROM WALL_CLOCK ORDER BY since')
      .raw()
      .all();
  }
}

/** Sends a heartbeat, and waits for the work that it starts in the background. */
async function beat(store: Store, pod: PodRef, machine: VirtualRuntime): Promise<number> {
  const { wallAheadMs } = await store.heartbeat(pod, BEAT);
  await machine.settle();
  return wallAheadMs;
}

const at = (machine: VirtualRuntime, inMs: number): NewStep => newStep({ runAt: machine.wallMs() + inMs });

describe('a wall clock that is corrected while a pod lives', () => {
  it('an hour back: a step waits for its instant, even if it was due before and not claimed', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const [past, due, later] = [at(machine, -2 * HOUR), at(machine, -MINUTE), at(machine, MINUTE)];
    await store.submit([past, due, later]);
    machine.shiftWall(-HOUR);
    await beat(store, A, machine);
    expect(ids(await claimed(store, {}, A))).toEqual([past.stepId]);
    await machine.advance(HOUR - MINUTE - 10);
    expect(await claimed(store, {}, A)).toEqual([]);
    await machine.advance(20);
    expect(ids(await claimed(store, {}, A))).toEqual([due.stepId]);
    await machine.advance(2 * MINUTE);
    expect(ids(await claimed(store, {}, A))).toEqual([later.stepId]);
  });

  it('an hour forward: steps whose instant has passed are due at once, and the others in time', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const [soon, later] = [at(machine, HOUR / 2), at(machine, HOUR + MINUTE)];
    await store.submit([soon, later]);
    machine.shiftWall(HOUR);
    await beat(store, A, machine);
    const { claims, nextDueInMs } = await store.exchange({
      pod: A,
      settlements: [],
      claim: { token: 'token', free: 2, prefetch: 0, quarantine: 1, types: new Map([['work', 2]]) },
    });
    expect(ids(claims)).toEqual([soon.stepId]);
    expect(nextDueInMs).toBe(MINUTE);
    await machine.advance(MINUTE);
    expect(ids(await claimed(store, {}, A))).toEqual([later.stepId]);
  });

  it.each([HOUR, -HOUR])('by %i ms: no delay and no retry changes', async (shiftMs) => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const timed = at(machine, 0);
    await store.submit([timed]);
    const [claim] = await claimed(store, {}, A);
    await store.settle(A, [pendingAgain(claim!, { delayMs: 10 * MINUTE, charge: 1 })]); // was timed, now waits for a delay
    const delayed = newStep({ delayMs: 10 * MINUTE });
    await store.submit([delayed]);
    machine.shiftWall(shiftMs);
    await beat(store, A, machine);
    await machine.advance(10 * MINUTE - 10);
    expect(await claimed(store, {}, A)).toEqual([]);
    await machine.advance(20);
    expect(ids(await claimed(store, {}, A)).toSorted()).toEqual([timed.stepId, delayed.stepId].toSorted());
  });

  it('holds a step back when it is claimed, before any step has been moved', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const steps = Array.from({ length: 40 }, () => at(machine, 0));
    await store.submit([...steps, newStep({ priority: -1 })]);
    rawConnection(scene.path).exec(
      "INSERT INTO WALL_CLOCK SELECT since + 1, offset_ms - 3600000, host_ms, boot, 'test', NULL, NULL FROM WALL_CLOCK",
    );
    await machine.advance(10);
    const free = 10;
    const exchange = () =>
      store.exchange({
        pod: A,
        settlements: [],
        claim: {
          token: `token ${machine.monotonicMs()}`,
          free,
          prefetch: 0,
          quarantine: 1,
          types: new Map([['work', free]]),
        },
      });
    const claims: string[] = [];
    for (let rounds = 0; rounds < 10 && claims.length === 0; rounds++) {
      const reply = await exchange();
      claims.push(...ids(reply.claims));
      if (claims.length === 0) expect(reply.nextDueInMs).toBe(0); // there is more behind the steps that were held back
    }
    expect(claims).toHaveLength(1);
    expect(claims).not.toContain(steps[0]!.stepId);
  });

  it.each([HOUR, -HOUR])('by %i ms: thousands of steps of one instant are moved, in pieces', async (shiftMs) => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const instant = machine.wallMs() + 2 * HOUR;
    const steps = Array.from({ length: 1_500 }, (_, i) => newStep({ runAt: instant + (i % 3) }));
    for (let from = 0; from < steps.length; from += 500) await store.submit(steps.slice(from, from + 500));
    machine.shiftWall(shiftMs);
    await beat(store, A, machine);
    const raw = rawConnection(scene.path);
    const [offset] = raw
      .prepare<[], [number]>('SELECT offset_ms FROM WALL_CLOCK ORDER BY since DESC LIMIT 1')
      .raw()
      .get()!;
    expect(raw.prepare('SELECT count(*) FROM STEP_TRACKER WHERE run_at = run_at_wall - ?').pluck().get(offset)).toBe(
      1_500,
    );
    expect(raw.prepare('SELECT count(moved_wall) FROM WALL_CLOCK').pluck().get()).toBe(0);
  });

  it('an interrupted move continues with the next heartbeat of any pod', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const other = await scene.pod(B);
    await store.submit([at(machine, HOUR)]);
    machine.shiftWall(2 * HOUR);
    // The heartbeat has recorded the offset, and its process has died before the first piece.
    rawConnection(scene.path).exec(
      "INSERT INTO WALL_CLOCK SELECT since + 1, offset_ms + 7200000, host_ms, boot, 'test', since, 0 FROM WALL_CLOCK",
    );
    await machine.advance(10);
    expect(await claimed(other, {}, B)).toEqual([]);
    await beat(other, B, machine);
    expect(await claimed(other, {}, B)).toHaveLength(1);
  });

  it('a second correction keeps what the first has not moved yet', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const [step, overdue] = [at(machine, HOUR + MINUTE), at(machine, HOUR / 2)];
    await store.submit([step, overdue]);
    rawConnection(scene.path).exec(
      "INSERT INTO WALL_CLOCK SELECT since + 1, offset_ms + 3600000, host_ms, boot, 'test', since, 0 FROM WALL_CLOCK",
    );
    machine.shiftWall(HOUR + 30_000); // half a minute more: the step is not due yet when this starts
    await machine.advance(10);
    await beat(store, A, machine);
    expect(ids(await claimed(store, {}, A))).toEqual([overdue.stepId]);
    await machine.advance(30_000);
    expect(ids(await claimed(store, {}, A))).toEqual([step.stepId]);
  });

  it('follows many small changes once their sum is large enough, not each of them', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const step = at(machine, HOUR);
    await store.submit([step]);
    for (let slews = 0; slews < 120; slews++) {
      machine.shiftWall(50); // 6 s in an hour
      await machine.advance(30_000 - 50);
      await beat(store, A, machine);
    }
    const claims = await claimed(store, {}, A);
    expect(ids(claims)).toEqual([step.stepId]);
    expect(machine.wallMs() - claims[0]!.runAt).toBeLessThan(200);
    expect(scene.offsets().length).toBeLessThan(45);
    expect(scene.offsets().length).toBeGreaterThan(10);
  });

  it('keeps a bounded record of corrections', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    for (let steps = 0; steps < 150; steps++) {
      machine.shiftWall(1_000);
      await machine.advance(10);
      await beat(store, A, machine);
    }
    expect(scene.offsets()).toHaveLength(100);
  });

  it('shows in the times of a claim: at once in the pod that recorded it, within a second in others', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const [keeper, other] = [await scene.pod(A), await scene.pod(B)];
    /** Claims a new step, and expects its claim and its row to show the wall clock of now. */
    const shown = async (store: Store, pod: PodRef): Promise<void> => {
      const step = newStep();
      await store.submit([step]);
      const [claim] = await claimed(store, {}, pod);
      const [found] = await store.find([step.stepId]);
      expect([claim!.createdAt, found!.createdAt]).toEqual([machine.wallMs(), machine.wallMs()]);
    };
    await shown(keeper, A);
    await shown(other, B);
    machine.shiftWall(HOUR);
    await beat(keeper, A, machine);
    await shown(keeper, A);
    await machine.advance(1_000);
    await shown(other, B);
  });

  it('survives a boot, with the steps that have not been moved yet', () => {
    const { connection } = newCore();
    const wall = new WallClockOffsets(connection);
    const instant = { now: 1_000, wallMs: 1_000, hostMs: 500, boot: 'one' };
    wall.follow(instant, 'a');
    wall.setMoved({ wallMs: 700, row: 3 });
    expect(wall.follow({ ...instant, now: 2_000, wallMs: 2_000, hostMs: 10, boot: 'two' }, 'a')).toBe(0);
    expect(wall.recorded()).toMatchObject({ since: 2_000, boot: 'two' });
    expect(wall.moved()).toEqual({ wallMs: 700, row: 3 });
  });

  it.each([HOUR, -HOUR])('by %i ms: a step that is submitted afterwards is due at its instant', async (shiftMs) => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    machine.shiftWall(shiftMs);
    await machine.advance(10);
    await beat(store, A, machine);
    const step = at(machine, MINUTE);
    await store.submit([step]);
    await machine.advance(MINUTE - 200);
    expect(await claimed(store, {}, A)).toEqual([]);
    await machine.advance(400);
    expect(ids(await claimed(store, {}, A))).toEqual([step.stepId]);
  });

  it('does not move a step that was retried or delayed, even to the same instant as before', () => {
    const { core, connection } = newCore();
    const now = 1_000;
    core.register(
      { now, wallMs: now, hostMs: 0, boot: '' },
      { ...A, heartbeatMs: 1_000, deadAfterMs: HOUR, meta: {} },
      undefined,
    );
    const [retried, delayed] = [newStep({ runAt: now }), newStep({ runAt: now })];
    core.submit(now, [retried, delayed]);
    expect(core.cancel(now, 'token', [{ stepId: retried.stepId, version: 0 }])).toEqual(['cancelled']);
    expect(core.retry(now, [{ stepId: retried.stepId, version: 1 }])).toEqual(['retried']);
    const claim = { token: 't', free: 2, prefetch: 0, quarantine: 0, types: new Map([['work', 2]]) } as const;
    const { claims } = core.exchange(now, { pod: A, settlements: [], claim }, 10);
    const back = claims
      .filter(({ stepId }) => stepId === delayed.stepId)
      .map((one) => pendingAgain(one, { delayMs: 0 }));
    expect(core.settle(now, A, back)).toEqual(['settled']);
    expect(connection.prepare('SELECT run_at, run_at_wall FROM STEP_TRACKER').raw().all()).toEqual([
      [now, null],
      [now, null],
    ]);
  });

  it('wakes the watchers if the move has made steps due', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    let calls = 0;
    store.watch(() => calls++);
    await store.submit([at(machine, HOUR)]);
    await beat(store, A, machine);
    expect(calls).toBe(0); // a store's own commits do not wake its watchers
    machine.shiftWall(HOUR);
    await machine.advance(10);
    await beat(store, A, machine);
    expect(calls).toBeGreaterThan(0);
  });

  it('moves nothing in a file that a newer version has migrated', async () => {
    const { core, connection } = newCore();
    new WallClockOffsets(connection).follow({ now: 1_000, wallMs: 1_000, hostMs: 500, boot: 'one' }, 'a');
    new WallClockOffsets(connection).setMoved({ wallMs: 0, row: 0 });
    expect(core.moveRunAtSteps(2_000)).toEqual({ rows: 0, more: false });
    new WallClockOffsets(connection).setMoved({ wallMs: 0, row: 0 });
    connection.prepare('UPDATE SCHEMA_INFO SET version = 99, oldest_allowed = 99').run();
    expect(() => core.moveRunAtSteps(2_000)).toThrow(expect.objectContaining({ code: 'STORE_SCHEMA_NEWER' }));
  });

  it('reads nothing for the move after the heartbeat has committed, so no fault there fails the heartbeat', async () => {
    const scene = new Scene();
    const store = await scene.pod(A);
    const raw = rawConnection(scene.path);
    const beating = store.heartbeat(A, BEAT); // commits before it returns
    raw.exec('ALTER TABLE WALL_CLOCK RENAME TO GONE');
    await expect(beating).resolves.toMatchObject({ wallAheadMs: 0 });
  });

  it('moves steps in memory too', async () => {
    const machine = new VirtualRuntime();
    const store = await newStore({ path: ':memory:' }, machine);
    await joined(store, A, 15_000);
    const step = at(machine, HOUR);
    await store.submit([step]);
    machine.shiftWall(-HOUR);
    await beat(store, A, machine);
    await machine.advance(HOUR + MINUTE);
    expect(await claimed(store, {}, A)).toEqual([]);
    await machine.advance(HOUR);
    expect(ids(await claimed(store, {}, A))).toEqual([step.stepId]);
  });
});

describe('a suspended host', () => {
  it('runs a step at its instant after the resume, and counts a delay in time awake', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const [timed, delayed] = [at(machine, 8 * HOUR), newStep({ delayMs: 8 * HOUR })];
    await store.submit([timed, delayed]);
    machine.suspend(8 * HOUR - MINUTE);
    await beat(store, A, machine);
    expect(await claimed(store, {}, A)).toEqual([]);
    await machine.advance(MINUTE);
    expect(ids(await claimed(store, {}, A))).toEqual([timed.stepId]);
    await machine.advance(8 * HOUR);
    expect(ids(await claimed(store, {}, A))).toEqual([delayed.stepId]);
  });

  it('shows times from before the suspension unchanged, and later times by the current wall clock', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const store = await scene.pod(A);
    const before = newStep();
    await store.submit([before]);
    const createdAt = machine.wallMs();
    await machine.advance(1_000);
    machine.suspend(8 * HOUR);
    await beat(store, A, machine);
    const after = newStep({ delayMs: MINUTE });
    await store.submit([after]);
    const [one] = await store.find([before.stepId]);
    const [other] = await store.find([after.stepId]);
    expect(one).toMatchObject({ createdAt, updatedAt: createdAt, runAt: createdAt });
    expect(other).toMatchObject({ createdAt: machine.wallMs(), runAt: machine.wallMs() + MINUTE });
    const { steps } = await store.list({ order: 'oldest', limit: 10 });
    expect(steps).toEqual([one, other]);
    await machine.advance(2_000);
    const claims = await claimed(store, {}, A);
    expect(claims.map((claim) => claim.createdAt)).toEqual([createdAt]);
    await store.settle(A, [settlement(claims[0]!)]);
    expect(await store.find([before.stepId])).toMatchObject([{ createdAt, updatedAt: machine.wallMs() }]);
  });
});

describe('pods whose wall clocks differ', () => {
  async function pair(shiftMs: number) {
    const scene = new Scene();
    const { machine } = scene;
    const right = await scene.pod(A);
    await machine.advance(1_000);
    const shifted = machine.fork();
    shifted.shiftWall(shiftMs);
    const wrong = await scene.pod(B, shifted);
    return { scene, machine, right, shifted, wrong };
  }

  it.each([HOUR, -HOUR])('by %i ms: the oldest pod records the wall clock, without flapping', async (shiftMs) => {
    const { scene, machine, right, wrong } = await pair(shiftMs);
    const step = at(machine, HOUR / 2);
    await wrong.submit([step]);
    for (let beats = 0; beats < 5; beats++) {
      await machine.advance(1_000);
      expect(await beat(right, A, machine)).toBe(0);
      expect(await beat(wrong, B, machine)).toBe(shiftMs);
    }
    expect(scene.offsets()).toHaveLength(1);
    await machine.advance(HOUR / 2 - 5_000 - 100);
    expect(await claimed(wrong, {}, B)).toEqual([]);
    await machine.advance(100);
    expect(ids(await claimed(wrong, {}, B))).toEqual([step.stepId]);
  });

  it('the next pod records it once the oldest is silent, and the oldest again once it is back', async () => {
    const { scene, machine, right, wrong } = await pair(HOUR);
    await machine.advance(1_900); // three of the intervals that it registered
    await beat(wrong, B, machine);
    expect(scene.offsets()).toHaveLength(1);
    await machine.advance(200);
    await beat(wrong, B, machine);
    expect(scene.offsets().map(([, by]) => by)).toEqual(['opening', 'life-b']);
    await machine.advance(10);
    expect(await beat(right, A, machine)).toBe(0);
    expect(scene.offsets().map(([, by]) => by)).toEqual(['opening', 'life-b', 'life-a']);
  });

  it('a process that only opens the file records nothing while a pod lives', async () => {
    const { scene, machine } = await pair(0);
    const client = machine.fork();
    client.shiftWall(HOUR);
    await (await scene.store(client)).submit([newStep()]);
    expect(scene.offsets()).toHaveLength(1);
  });
});

describe('a process that submits before any pod starts', () => {
  it.each([HOUR, -HOUR])(
    'with a clock that is %i ms off and then corrected: an instant of the wall clock is kept',
    async (wrongBy) => {
      const real = new VirtualRuntime();
      const scene = new Scene(real.fork());
      const { machine } = scene;
      machine.shiftWall(wrongBy);
      const client = await scene.store();
      const step = newStep({ runAt: real.wallMs() + 2 * HOUR });
      const delayed = newStep({ delayMs: 3 * HOUR });
      await client.submit([step, delayed]);
      await real.advance(MINUTE);
      machine.shiftWall(-wrongBy);
      const store = await scene.pod(A);
      await beat(store, A, machine);
      await real.advance(2 * HOUR - MINUTE - 10);
      expect(await claimed(store, {}, A)).toEqual([]);
      await real.advance(20);
      expect(ids(await claimed(store, {}, A))).toEqual([step.stepId]);
      await real.advance(HOUR);
      expect(ids(await claimed(store, {}, A))).toEqual([delayed.stepId]);
      const late = newStep({ delayMs: MINUTE });
      await client.submit([late]); // it follows the pod's clock, although its own was set before
      expect((await client.find([late.stepId]))[0]!.createdAt).toBe(real.wallMs());
    },
  );

  it('keeps delays if the wall clock is set forward while the pod restarts: no delay is shortened', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const first = await scene.pod(A);
    const [timed, delayed] = [at(machine, HOUR), newStep({ delayMs: HOUR })];
    await first.submit([timed, delayed]);
    await first.leave(A);
    await first.close();
    await machine.advance(MINUTE);
    machine.shiftWall(2 * HOUR);
    const second = await scene.pod(B);
    await machine.settle();
    expect(ids(await claimed(second, {}, B))).toEqual([timed.stepId]);
    await machine.advance(HOUR - 2 * MINUTE);
    expect(await claimed(second, {}, B)).toEqual([]);
    await machine.advance(MINUTE);
    expect(ids(await claimed(second, {}, B))).toEqual([delayed.stepId]);
  });
});

describe('a file of version 1', () => {
  it('is migrated: its steps run when they would have, and new ones follow the wall clock', async () => {
    const scene = new Scene();
    const { machine } = scene;
    const old = new Database(scene.path);
    for (const statement of MIGRATIONS[0]!) old.exec(statement);
    old.exec(CREATE_SCHEMA_INFO);
    old.exec('INSERT INTO SCHEMA_INFO VALUES (1, 1, 1)');
    old
      .prepare("INSERT INTO STEP_TRACKER (step_id, step_type, run_at, created_ts) VALUES ('old', 'work', ?, ?)")
      .run(machine.wallMs() + HOUR, machine.wallMs());
    old.close();
    const store = await scene.pod(A);
    const step = at(machine, HOUR);
    await store.submit([step]);
    machine.shiftWall(-HOUR);
    await beat(store, A, machine);
    await machine.advance(HOUR);
    expect(ids(await claimed(store, {}, A))).toEqual(['old']);
    await machine.advance(HOUR);
    expect(ids(await claimed(store, {}, A))).toEqual([step.stepId]);
  });
});

describe('the pod that records the wall clock', () => {
  const view = (incarnation: string, over: Partial<PodView> = {}): PodView => ({
    ...{ pod: { podId: incarnation, incarnation }, ageMs: 1, silentForMs: 0, beat: '1', heartbeatMs: 2_000 },
    ...{ deadAfterMs: 15_000, eligible: true, asleep: false, exited: false, meta: {}, ...over },
  });
  const keeper = (...pods: PodView[]): string | undefined =>
    pods.find(({ pod }) => keepsTime(pods, pod))?.pod.incarnation;

  it('is the oldest pod that is awake and sends heartbeats', () => {
    expect(keeper(view('a'), view('b'))).toBe('a');
    expect(keeper(view('a', { asleep: true }), view('b'), view('c'))).toBe('b');
    expect(keeper(view('a', { silentForMs: 6_000 }), view('b'))).toBe('a');
    expect(keeper(view('a', { silentForMs: 6_001 }), view('b'))).toBe('b');
    expect(keeper(view('a', { silentForMs: 5_000, deadAfterMs: 4_000 }), view('b'))).toBe('b');
    expect(keeper()).toBeUndefined();
  });
});

describe('wall times', () => {
  it('use the offset that was valid at each instant', () => {
    const times = new WallTimeConversion([
      [1_000, 10],
      [2_000, -300],
      [3_000, 5],
    ]);
    expect([0, 500, 1_000, 1_999, 2_000, 2_999, 3_000, 9_000].map((instant) => times.of(instant))).toEqual([
      0, 510, 1_010, 2_009, 1_700, 2_699, 3_005, 9_005,
    ]);
    expect(new WallTimeConversion([]).of(7)).toBe(7);
  });
});
