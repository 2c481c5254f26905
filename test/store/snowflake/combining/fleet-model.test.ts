/**
 * A fleet in virtual time that decides by the functions of src/store/snowflake/combining: what it reaches, and what it loses
 * without each rule.
 *
 * The figures are those of the model. Each bound leaves some room, because a change of any rule draws other random numbers.
 */
import { describe, expect, test, vi } from 'vitest';
import { Measurements } from '../../../../src/store/snowflake/combining/measurements.js';
import { Pacer, type FleetLoad } from '../../../../src/store/snowflake/combining/pacer.js';
import { RecentTokens } from '../../../../src/store/snowflake/combining/recent-tokens.js';
import { Fleet, type FleetOptions } from './fleet-model/fleet.js';

vi.setConfig({ testTimeout: 120_000 });

const SEEDS = [1, 2, 3];
/** As long as it warms up. */
const MEASURED_MS = 80_000;
const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

type Options = Omit<FleetOptions, 'seed'>;

/** What fleets with a backlog reach, one for each seed. */
async function saturated(options: Options, seeds = SEEDS, forMs = MEASURED_MS) {
  const fleets = seeds.map((seed) => new Fleet({ ...options, seed }));
  const capacities: number[] = [];
  for (const fleet of fleets) capacities.push(await fleet.capacity(forMs, forMs));
  return { capacity: mean(capacities), fleets };
}

/** How long fleets take for a burst, in modelled seconds; at most ten minutes. */
async function burst(options: Options, count: number, seeds = SEEDS) {
  const seconds: number[] = [];
  const fleets = seeds.map((seed) => new Fleet({ ...options, seed }));
  for (const fleet of fleets) {
    await fleet.run(20_000);
    fleet.submit(count);
    await fleet.run(600_000);
    seconds.push((fleet.clock.now - 20_000) / 1_000);
  }
  return { seconds: mean(seconds), fleets };
}

const figures = (name: string, values: object) => {
  if (process.env['FLEET_MODEL_FIGURES']) console.log(name, JSON.stringify(values));
};

describe('a fleet that combines', () => {
  test('forty busy pods use their capacity, and hardly any UPDATE waits for another', async () => {
    const { capacity, fleets } = await saturated({ pods: 40 }, [1, 2]);
    figures('40', {
      capacity,
      settle: fleets.map((f) => [f.settleMs(0.5), f.settleMs(0.99)]),
      w: fleets.map((f) => f.warehouse.lock.mostWaiting),
      sent: fleets.map((f) => ({ ...f.warehouse.sent, done: f.done })),
    });
    expect(capacity).toBeGreaterThan(0.95);
    for (const fleet of fleets) {
      expect(fleet.runsTooMany).toBe(0);
      expect(fleet.warehouse.lock.refused).toBe(0);
      expect(fleet.warehouse.lock.mostWaiting).toBeLessThanOrEqual(3);
      expect(fleet.settleMs(0.99)).toBeLessThan(10_000);
    }
  });

  test.each([1, 2, 3, 10])('%i busy pods use nearly all of their capacity', async (pods) => {
    const { capacity, fleets } = await saturated({ pods });
    figures(String(pods), {
      capacity,
      w: fleets.map((f) => f.warehouse.lock.mostWaiting),
      sent: fleets.map((f) => ({ ...f.warehouse.sent, done: f.done })),
    });
    expect(capacity).toBeGreaterThan(0.94);
    for (const fleet of fleets) expect(fleet.runsTooMany).toBe(0);
  });

  test('reads that are up to 5 s late run no step twice, and cost ten pods a tenth', async () => {
    const { capacity, fleets } = await saturated({ pods: 10, lateMs: 5_000 });
    figures('10 late', { capacity, sent: fleets.map((f) => ({ ...f.warehouse.sent, done: f.done })) });
    expect(capacity).toBeGreaterThan(0.85);
    for (const fleet of fleets) expect(fleet.runsTooMany).toBe(0);
  });

  test.each([0, 5_000])('a burst ends, and loses nothing, under reads that are up to %i ms late', async (lateMs) => {
    const { seconds, fleets } = await burst({ pods: 40, lateMs }, 10_000);
    figures(`burst ${String(lateMs)}`, { seconds });
    expect(seconds).toBeLessThan(120);
    for (const fleet of fleets) {
      expect(fleet.isDone).toBe(true);
      expect(fleet.runsTooMany).toBe(0);
    }
  });

  test('a lone step takes the lock at most three times among forty idle pods, and starts after about two looks', async () => {
    const starts: number[] = [];
    const locks: number[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      const fleet = new Fleet({ pods: 40, seed });
      await fleet.run(30_000);
      const before = fleet.warehouse.sent.update;
      fleet.submit(1);
      await fleet.run(60_000);
      await fleet.clock.runUntil(fleet.clock.now + 10_000);
      locks.push(fleet.warehouse.sent.update - before);
      starts.push(fleet.startMs(0));
      expect(fleet.runsTooMany).toBe(0);
    }
    starts.sort((a, b) => a - b);
    figures('lone', { locks: Math.max(...locks), p50: starts[20], p90: starts[36], max: starts.at(-1) });
    expect(Math.max(...locks)).toBeLessThanOrEqual(3);
    // 40 pods look every 1.5 s. The statements of the exchange take 2 s besides.
    expect(starts[20]).toBeLessThan(2 * 1_500 + 500);
    expect(starts[36]).toBeLessThan(2 * 1_500 + 2_000);
  });

  test('the same seed gives the same run', async () => {
    const run = async () => {
      const fleet = new Fleet({ pods: 5, seed: 7, lateMs: 2_000 });
      return [await fleet.capacity(10_000, 10_000), fleet.warehouse.sent, fleet.settleMs(0.99)];
    };
    expect(await run()).toEqual(await run());
  });
});

describe('the same fleet is worse', () => {
  class NewestToken extends RecentTokens {
    override at(now: number): readonly string[] {
      return super.at(now).slice(-1);
    }
  }

  test('if a look asks for the newest token only: claims hang until two heartbeats have shown them', async () => {
    const options = { pods: 40, lateMs: 5_000 };
    const all = await burst(options, 10_000, [1, 2]);
    const newest = await burst({ ...options, tokens: () => new NewestToken() }, 10_000, [1, 2]);
    figures('newest', { all: all.seconds, newest: newest.seconds });
    expect(newest.seconds).toBeGreaterThan(1.25 * all.seconds);
  });

  test('if claims are not remembered: a late look runs a settled step again', async () => {
    class Forgetful extends RecentTokens {
      override had(): void {
        // remembers nothing
      }
    }
    const { fleets } = await saturated({ pods: 5, lateMs: 5_000, tokens: () => new Forgetful() }, [1]);
    figures('forgetful', { twice: fleets.map((f) => f.runsTooMany) });
    expect(fleets[0]!.runsTooMany).toBeGreaterThan(0);
  });

  test('if the round trip is a mean: pods run out of work under late reads', async () => {
    const options = { pods: 10, lateMs: 5_000 };
    const [longest, mean] = [await saturated(options), await saturated({ ...options, roundTrip: 'mean' })];
    figures('mean', { longest: longest.capacity, mean: mean.capacity });
    expect(mean.capacity).toBeLessThan(0.97 * longest.capacity);
  });

  test('if refused INSERTs do not lengthen the interval: far more of them are refused', async () => {
    const options = { pods: 100, latencies: { slots: 32, insertLockMs: 100 } };
    const [eased, not] = [
      await saturated(options, [1], 50_000),
      await saturated({ ...options, eases: false }, [1], 50_000),
    ];
    const refusals = ({ fleets }: typeof eased) => fleets[0]!.warehouse.logLock.refused;
    figures('ease', { with: [eased.capacity, refusals(eased)], without: [not.capacity, refusals(not)] });
    expect(refusals(not)).toBeGreaterThan(1.5 * refusals(eased));
  });

  test('if the slot time is that of the last exchange, and has no bound: a storm at the start sets intervals that nothing shortens', async () => {
    class LastExchange extends Measurements {
      #last = NaN;
      override exchanged(slotMs: number): void {
        this.#last = slotMs;
      }
      override get exchangeSlotMs(): number {
        return this.#last;
      }
    }
    class Unbounded extends Pacer {
      override readonly measurements = new LastExchange();
      #load: FleetLoad = { asked: 0, slotMs: null, otherMs: null, due: 0 };
      override looked(load: FleetLoad, now: number): void {
        this.#load = load;
        super.looked(load, now);
      }
      override intervalMs(now: number): number {
        return this.path(now) === 'direct' ? 0 : (this.#load.asked * (this.#load.slotMs ?? 450)) / (0.5 * 8);
      }
    }
    const options = { pods: 200, startWithinMs: 100 };
    const [bounded, not] = [
      await saturated(options, [1], 40_000),
      await saturated({ ...options, pacer: (its) => new Unbounded(its) }, [1], 40_000),
    ];
    figures('cap', { bounded: bounded.capacity, not: not.capacity });
    expect(not.capacity).toBeLessThan(0.5 * bounded.capacity);
  });
});
