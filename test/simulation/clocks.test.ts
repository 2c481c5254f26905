/**
 * A host whose wall clock is stepped, slewed and outrun by suspensions, while its pods are restarted: by a model in real
 * time, no step with `runAt` starts early or late, no delay is shortened, and nobody is evicted.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BEAT, LOOKED, VirtualFleet } from '../faults/support/virtual-fleet.js';

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** How old the wall clock may be by which a step is started: the heartbeat of the oldest pod, and what follows it. */
const FOLLOWED = BEAT + LOOKED;
/** The same where the oldest has gone, and the next one has to notice: three of its heartbeats. */
const LATE = 3 * BEAT + FOLLOWED + LOOKED;
/** Differences below are not followed. */
const TOLERANCE = 150;

/** An instant of the world in which the host is awake, with what the model knows of it. */
interface Moment {
  readonly world: number;
  readonly real: number;
  /** By how much the host's wall clock is ahead of the real world's. */
  readonly error: number;
}

class Host {
  readonly fleet = new VirtualFleet();
  readonly #moments: Moment[] = [{ world: -HOUR, real: -HOUR, error: 0 }];
  readonly timed = new Map<string, { readonly submitted: number; readonly due: number }>();
  readonly delayed = new Map<string, { readonly world: number; readonly delayMs: number }>();
  readonly #epoch = this.fleet.world.wallMs();
  #pods = 0;

  get now(): Moment {
    return this.at(this.fleet.now);
  }

  /** @param world an instant of the world's time */
  at(world: number): Moment {
    const before = this.#moments.findLast((moment) => moment.world <= world)!;
    return { ...before, world, real: before.real + world - before.world };
  }

  /** The model's moments from then on, that one included. */
  momentsSince(world: number): readonly Moment[] {
    return [this.at(world), ...this.#moments.filter((moment) => moment.world > world)];
  }

  step(ms: number): void {
    this.#moments.push({ ...this.now, error: this.now.error + ms });
    for (const { machine } of [this.fleet.client, ...this.fleet.pods]) machine.shiftWall(ms);
  }

  async slew(totalMs: number): Promise<void> {
    for (let i = 0; i < 20; i++) {
      this.step(Math.trunc(totalMs / 20));
      await this.fleet.pass(500);
    }
  }

  suspend(ms: number): void {
    this.#moments.push({ ...this.now, real: this.now.real + ms });
    for (const { machine } of [this.fleet.client, ...this.fleet.pods]) machine.suspend(ms);
  }

  async start(): Promise<void> {
    const { real, error, world } = this.now;
    await this.fleet.add(`pod-${++this.#pods}`, { prepare: (machine) => machine.shiftWall(real - world + error) });
  }

  async restart(which: number): Promise<void> {
    const [pod] = this.fleet.pods.splice(which % this.fleet.pods.length, 1);
    if (pod === undefined) return;
    await this.fleet.until(pod.queue.stop());
    this.#gone.push(pod);
    await this.start();
  }

  readonly #gone: typeof this.fleet.pods = [];

  async submitAt(inMs: number): Promise<void> {
    const real = this.now.real + inMs;
    const runAt = this.#epoch + real;
    const id = await this.fleet.until(this.fleet.client.queue.submit({ type: 'work', args: { ms: 1 }, runAt }));
    this.timed.set(id, { submitted: this.fleet.now, due: real });
  }

  async submitIn(delayMs: number): Promise<void> {
    const { world } = this.now;
    const id = await this.fleet.until(this.fleet.client.queue.submit({ type: 'work', args: { ms: 1 }, delayMs }));
    this.delayed.set(id, { world, delayMs });
  }

  /** When a step was started, by the world's time. */
  startOf(stepId: string): number {
    const runs = [...this.fleet.pods, ...this.#gone].flatMap((pod) => pod.runs.filter((run) => run.stepId === stepId));
    expect(runs, stepId).toHaveLength(1);
    return runs[0]!.at;
  }

  evicted(): string[] {
    return [...this.fleet.pods, ...this.#gone].flatMap(({ events }) => events.of('pod:dead').map(({ podId }) => podId));
  }
}

const upTo = (ms: number) => fc.integer({ min: -ms, max: ms });
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('runAt' as const), ms: fc.integer({ min: -MINUTE, max: 2 * MINUTE }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delay' as const), ms: fc.integer({ min: 0, max: MINUTE }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 20_000 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('step' as const), ms: upTo(2 * MINUTE) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('correct' as const), ms: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('slew' as const), ms: upTo(2_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('suspend' as const), ms: fc.integer({ min: 1, max: 2 * MINUTE }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const), ms: fc.nat(5) }) },
);

test('runAt follows real time and delays the time awake, whatever the wall clock does', async () => {
  await fc.assert(
    fc.asyncProperty(
      upTo(2 * MINUTE),
      fc.array(happening, { minLength: 4, maxLength: 14 }),
      async (wrongBy, happenings) => {
        const host = new Host();
        host.step(wrongBy);
        await host.submitAt(30_000); // before any pod has started
        await host.start();
        await host.start();
        for (const { kind, ms } of happenings) {
          await host.fleet.pass(1); // one at a time
          if (kind === 'runAt') await host.submitAt(ms);
          if (kind === 'delay') await host.submitIn(ms);
          if (kind === 'pass') await host.fleet.pass(ms);
          if (kind === 'step') host.step(ms);
          if (kind === 'correct') host.step(-host.now.error);
          if (kind === 'slew') await host.slew(ms);
          if (kind === 'suspend') host.suspend(ms);
          if (kind === 'restart') await host.restart(ms);
        }
        await host.fleet.pass(1);
        host.step(-host.now.error);
        await host.fleet.pass(2 * MINUTE + LATE + 10_000);
        for (const [stepId, { submitted, due }] of host.timed) expectInTime(host, stepId, submitted, due);
        for (const [stepId, { world, delayMs }] of host.delayed) {
          const waited = host.startOf(stepId) - world;
          expect(waited, stepId).toBeGreaterThanOrEqual(delayMs);
          expect(waited, stepId).toBeLessThan(delayMs + LATE);
        }
        expect(host.evicted()).toEqual([]);
      },
    ),
    { numRuns: 12 },
  );
});

/** Not before a wall clock of the last moments has reached the instant, and soon after it has reached it permanently. */
function expectInTime(host: Host, stepId: string, submitted: number, due: number): void {
  const start = host.startOf(stepId);
  const recent = host.momentsSince(start - FOLLOWED).filter(({ world }) => world <= start);
  const ahead = Math.max(...recent.map(({ error }) => error));
  expect(host.at(start).real + ahead + TOLERANCE, `${stepId} too early`).toBeGreaterThanOrEqual(due);
  const lately = start - LATE;
  if (lately < submitted) return;
  const moments = host.momentsSince(lately).filter(({ world }) => world < start);
  const wasDue = moments.every(({ real, error }) => real + error - TOLERANCE > due);
  expect(wasDue, `${stepId} too late`).toBe(false);
}
