/**
 * All faults of the network and of Snowflake, at random, under three working pods: nothing is lost, nothing is settled twice, nothing
 * hangs, and no handler that holds its claim is aborted. The pods combine their exchanges or do not, and reads are late or are not. `STEPS=`, `RATE=` and `SEED=` choose another run,
 * `SPEED=` a slower one for a busy machine. A seed does not repeat what the speed of the machine decides.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetQ, SubmitIncompleteError, type FleetQError, type AnyFleetQ, type StoreFactory } from 'fleet-q';
import { expect, onTestFinished, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import type { ExchangeReply, ExchangeRequest } from '../../../src/store/contract.js';
import { Random } from '../../chaos/random.js';
import type { Meter } from '../../support/warehouse/meter.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { acceleratedRuntime, hurryDriver, refuseResends } from './support/accelerated-runtime.js';
import { directScheme } from './support/direct-scheme.js';
import { Ledger } from './support/fleet-ledger.js';
import { useStores } from './support/stores.js';
import { LATE_MS, STORMS, SUBMISSION, submitTwice, unleash } from './support/fault-storms.js';

const STEPS = Number(process.env['STEPS'] ?? 5_000);
/** The other variants hold the same, and need not meet every fault. */
const FEWER_STEPS = Math.min(STEPS, 1_000);
const RATE = Number(process.env['RATE'] ?? 0.05);
const SEED = process.env['SEED'] ?? String(Date.now() % 1_000_000);
/** Steps of one submission. */
const CHUNK = 250;
/** How many times faster than real time. */
const SPEED = Number(process.env['SPEED'] ?? 20);
/** Up to 5 s late, and now and then the 10 s that the store reckons with. */
const LATE_READS = { mostMs: 5_000 / SPEED, tailMs: 10_000 / SPEED, tailRate: 0.01 };
/** One handler in twenty is slow, so that a heartbeat is sent soon after its step is claimed. */
const LONG_MS = 10_000 / SPEED;
const STATEMENT_TIMEOUT_MS = 5_000;
/** A call is retried under back-pressure for two minutes, and its last statement then has a deadline of 15 s beyond the server's. */
const LONGEST_CALL_MS = (120_000 + 15_000 + STATEMENT_TIMEOUT_MS) / SPEED;

/** One call of a store: how long it took, and what came of it. */
interface Call {
  readonly verb: string;
  readonly args: readonly unknown[];
  readonly ms: number;
  readonly came: unknown;
}

/** A store that notes its calls. */
function watched(factory: StoreFactory, note: (call: Call) => void): StoreFactory {
  return {
    name: factory.name,
    async create(environment) {
      const store = await factory.create(environment);
      return new Proxy(store, {
        get(target, verb: string) {
          const member = Reflect.get(target, verb, target) as unknown;
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown => {
            const began = performance.now();
            const answer = (member as (...all: unknown[]) => unknown).apply(target, args);
            const noted = (came?: unknown) => note({ verb, args, ms: performance.now() - began, came });
            if (answer instanceof Promise) answer.then(noted, () => noted());
            return answer;
          };
        },
      });
    },
  };
}

/** Submits again until every step is known to be stored, as the guide recommends. */
async function submitAll(queue: AnyFleetQ, steps: readonly { type: 'work'; stepId: string }[]): Promise<string[]> {
  for (;;) {
    try {
      return await queue.submitMany(steps);
    } catch (error) {
      if (!(error instanceof SubmitIncompleteError)) throw error;
    }
  }
}

/** How many requests were logged. */
function requestsLogged({ readings }: Meter): number {
  return readings.filter(({ kind, table }) => kind === 'insert' && table?.endsWith('.EXCHANGE_REQUEST') === true)
    .length;
}

/** How many rows submissions have made. */
function rowsSubmitted({ readings }: Meter): number {
  return readings.reduce((sum, { text, rows }) => sum + (SUBMISSION.test(text) ? rows : 0), 0);
}

describeOnTestBed('three pods under faults', () => {
  const { bed, options, place, open, byHand } = useStores();

  test.each([
    { pods: 'that combine, with late reads', combines: true, late: true, count: STEPS },
    { pods: 'that combine, with fresh reads', combines: true, late: false, count: FEWER_STEPS },
    { pods: 'that do not combine, with late reads', combines: false, late: true, count: FEWER_STEPS },
    { pods: 'that do not combine, with fresh reads', combines: false, late: false, count: FEWER_STEPS },
  ])(
    `$pods, complete $count steps, each once, ${RATE * 100} % of each, SEED=${SEED}`,
    { timeout: 600_000 },
    async (run) => {
      const { combines, late, count } = run;
      const { faults, lateReads } = bed().proxy;
      const random = new Random(SEED);
      const ledger = new Ledger();
      const longest = new Map<string, number>();
      const note = (podId: string) => (call: Call) => {
        const { verb, ms } = call;
        longest.set(verb, Math.max(ms, longest.get(verb) ?? 0));
        if (verb !== 'exchange' || call.came === undefined) return;
        const [{ settlements }] = call.args as [ExchangeRequest];
        const { claims, receipts } = call.came as ExchangeReply;
        for (const claim of claims) ledger.claimed(podId, claim);
        for (const [i, settlement] of settlements.entries()) ledger.received(settlement, receipts[i]);
      };
      onTestFinished(hurryDriver(SPEED));
      faults.random = () => random.next();
      onTestFinished(() => void (faults.random = Math.random));
      const lateness = new Random(`${SEED} late`);
      if (late) lateReads.between({ ...LATE_READS, random: () => lateness.next() });
      onTestFinished(() => lateReads.off());

      const make = (podId: string) => {
        const where = { connection: options(), ...place(), statementTimeoutMs: STATEMENT_TIMEOUT_MS };
        const store = combines ? snowflake(where) : directScheme(where);
        const more = { retry: { baseMs: 1, capMs: 5 }, maxPrefetch: 100 }; // small batches: many requests
        const runtime = acceleratedRuntime(SPEED);
        const queue = new FleetQ({ podId, store: watched(store, note(podId)), runtime, ...more });
        queue.on('pod:fenced', () => ledger.fenced(podId));
        return queue.register('work', async (_: void, { stepId, attempt, signal }) => {
          ledger.ran(stepId, attempt);
          if (attempt === 1 && stepId.endsWith('7')) throw new Error('the first attempt of one in ten fails');
          if (Number(stepId.slice(1)) % 20 !== 3) return;
          await sleep(LONG_MS, undefined, { signal }).catch((error: unknown) => {
            if ((signal.reason as FleetQError).code === 'CLAIM_ABORTED') ledger.aborted(podId, stepId);
            throw error;
          });
        });
      };
      const queues = ['a', 'b', 'c'].map(make);
      let finish = () => {};
      const finished = new Promise<void>((resolve) => (finish = resolve));
      for (const queue of queues) {
        queue.on('step:completed', ({ stepId }) => {
          ledger.announced(stepId);
          if (ledger.completed.size === count) finish();
        });
      }
      await Promise.all(queues.map((queue) => queue.start()));
      submitTwice(faults, 4); // all of a short run: a second INSERT that does not read late makes no row
      unleash(faults, RATE);
      const steps = Array.from({ length: count }, (_, i) => ({ type: 'work' as const, stepId: `s${i}` }));
      const made = await Promise.all(
        queues.map(async (queue, mine) => {
          const all: string[] = [];
          for (let from = mine * CHUNK; from < count; from += queues.length * CHUNK)
            all.push(...(await submitAll(queue, steps.slice(from, from + CHUNK))));
          return all;
        }),
      );
      await finished;
      const happened = Object.fromEntries(faults.happened);
      faults.clear();
      lateReads.off();
      for (const queue of queues) await queue.stop();
      await refuseResends(bed().proxy, LATE_MS); // and what lands late shall have landed
      const duplicates = rowsSubmitted(bed().meter) - count;
      const summary = JSON.stringify({
        ...{ seed: SEED, happened, duplicates },
        ...{ ranTwice: ledger.ranTwice, abortedAsLost: ledger.abortedAsLost },
        longest: Object.fromEntries(longest),
      });
      if (process.env['PRINT_SUMMARY'] !== undefined) console.log(summary);

      const requests = requestsLogged(bed().meter);
      if (combines) expect(requests, summary).toBeGreaterThan(count / 100);
      else expect(requests, summary).toBe(0);
      expect(made.flat(), summary).toHaveLength(count);
      // Each step has a row at least, and none was inserted after another was deleted: the difference is the number of duplicates.
      expect(duplicates, summary).toBeGreaterThan(0);
      const complaints = await ledger.complaints(
        await byHand(),
        steps.map(({ stepId }) => stepId),
      );
      expect(complaints.slice(0, 5), `${complaints.length} complaints: ${summary}`).toEqual([]);
      expect(ledger.wrongAborts(), summary).toEqual([]);
      const driver = await byHand();
      // A duplicate row that was claimed once, and given back, is deleted only after it has been pending for 15 minutes.
      await driver.run(
        `UPDATE STEP_TRACKER SET last_update_ts = DATEADD(hour, -1, SYSDATE()) WHERE status = 'pending'`,
      );
      await (await open()).prune({ keepMs: 3_600_000 });
      const rows = await driver.run('SELECT COUNT(*) AS n FROM STEP_TRACKER');
      expect(rows, `duplicates stay: ${summary}`).toEqual([{ N: count }]);
      for (const [verb, ms] of longest) expect(ms, `${verb}: ${summary}`).toBeLessThan(LONGEST_CALL_MS);
      const never = Object.entries(STORMS).filter(([name, [, aim]]) => !aim.route && happened[name] === undefined);
      expect(count < 5_000 ? [] : never, summary).toEqual([]);
    },
  );
});
