/**
 * How fast the whole product is, in one process: no-op steps through a started `FleetQ`, against the floor.
 *
 * `npm run build && npx tsx --tsconfig tsconfig.build.json bench/queue.ts [steps] [rounds]`. Floor and queue take turns on
 * one machine, each round on a fresh file; the median counts. The target: at least 0.6 of the floor.
 */
import { FleetQ } from '../src/index.js';
import { sqlite } from '../src/sqlite.js';
import { floor } from './support/floor.js';
import { median, report, timed, withFile } from './support/measure.js';

const STEPS = Number(process.argv[2] ?? 50_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const workerUrl = new URL('../dist/store/sqlite/helper-worker.js', import.meta.url);

interface Rates {
  readonly floor: number[];
  readonly queue: number[];
  readonly listened: number[];
  readonly asynchronous: number[];
  readonly submitMany: number[];
  readonly submit: number[];
}
const rates: Rates = { floor: [], queue: [], listened: [], asynchronous: [], submitMany: [], submit: [] };

/** Steps a second from `start` until the last settlement has its receipt. */
async function processed(file: string, options: { listen?: boolean; async?: boolean }): Promise<number> {
  let ran = 0;
  let allRan = (): void => undefined;
  const finished = new Promise<void>((resolve) => (allRan = resolve));
  const work = (): void => {
    if (++ran === STEPS) allRan();
  };
  const queue = new FleetQ({ store: sqlite({ path: file, workerUrl }) }).register(
    'noop',
    (options.async === true ? async () => work() : work) as (args: { n: number }) => void,
  );
  if (options.listen === true) queue.on('step:completed', () => undefined);
  const steps = Array.from({ length: STEPS }, (_, n) => ({ type: 'noop' as const, args: { n } }));
  rates.submitMany.push((STEPS / (await timed(() => queue.submitMany(steps)))) * 1_000);
  const tookMs = await timed(async () => {
    await queue.start();
    await finished;
    while ((await queue.stats()).completedSteps < STEPS) await new Promise(setImmediate);
  });
  await queue.stop();
  return (STEPS / tookMs) * 1_000;
}

async function submittedSingly(file: string): Promise<number> {
  const queue = new FleetQ({ store: sqlite({ path: file, workerUrl }) }).register(
    'noop',
    (_: { n: number }) => undefined,
  );
  const count = STEPS / 5;
  const tookMs = await timed(async () => {
    for (let n = 0; n < count; n++) await queue.submit({ type: 'noop', args: { n } });
  });
  await queue.stop();
  return (count / tookMs) * 1_000;
}

for (let round = 0; round < ROUNDS; round++) {
  rates.floor.push(await withFile(async (file) => floor(file, STEPS)));
  rates.queue.push(await withFile((file) => processed(file, {})));
  rates.listened.push(await withFile((file) => processed(file, { listen: true })));
  rates.asynchronous.push(await withFile((file) => processed(file, { async: true })));
  rates.submit.push(await withFile(submittedSingly));
}
const base = median(rates.floor);
const line = (values: readonly number[]): string =>
  `${Math.round(median(values)).toLocaleString('en')} steps/s  (${(median(values) / base).toFixed(2)} × the floor, ${(1e6 / median(values)).toFixed(1)} µs a step)`;
report('floor: bare loop, claim and settle', line(rates.floor));
report('queue, synchronous no-op handler', line(rates.queue));
report('queue, with a listener on step:completed', line(rates.listened));
report('queue, asynchronous no-op handler', line(rates.asynchronous));
report('submitMany', line(rates.submitMany));
report('submit, one after another', line(rates.submit));
