/**
 * Measures fleets on a modelled warehouse: FLEET-Q, the same with one UPDATE for each pod and exchange, and the scheme of the Python FLEET-Q.
 *
 * `npm run bench:snowflake [-- --json] [--only onePod,idle] [--schemes ours,naive] [--minutes 0.5] [--rounds 3]
 * [--chart FILE] [--from FILE]`. With `--json` the last line of the output is `{ ours, direct, naive }`. The exit code is 1 if a bound
 * is missed. Progress goes to stderr. `--minutes` shortens the measured time of each part, to check that everything runs; do not quote its figures. `--from` reads the line of an earlier run: figures
 * that are not measured again are taken from it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.js';
import { emptyFigures, type Figures } from './figures/figures.js';
import { fortyPods } from './figures/forty-pods.js';
import { idle } from './figures/idle.js';
import { loneStep } from './figures/lone-step.js';
import { statementsOfBacklog, statementsOfSteadyLoad } from './figures/statements.js';
import { direct, ours } from './fleets/fleet-q.js';
import type { Scheme } from './fleets/fleet.js';
import { naive } from './fleets/naive.js';
import { misses, table, type Results } from './report.js';
import { Warehouse } from './warehouse.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    schemes: { type: 'string' },
    minutes: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    chart: { type: 'string' },
    from: { type: 'string' },
  },
});
const minutes = numberOf('minutes', options.minutes);
const rounds = numberOf('rounds', options.rounds) ?? 3;

interface Part {
  /** How many real ms a modelled second takes: so many that the emulator's own time does not matter. */
  readonly secondMs: number;
  readonly run: (warehouse: Warehouse, scheme: Scheme) => Promise<Partial<Figures>>;
}

/** A steady load for ten pods. */
const STEPS_PER_SECOND = 500;

/** Cheap ones first. */
const PARTS: Readonly<Record<string, Part>> = {
  onePod: {
    secondMs: 1_000,
    async run(warehouse, scheme) {
      const counts = await statementsOfBacklog(scheme, warehouse, 1, { steps: 10_000, seconds: secondsOr(30) });
      return { statementsPer1000OnePod: counts.per1000, statementsPerExchangeDirect: counts.perUpdate };
    },
  },
  tenPods: {
    secondMs: 2_000,
    async run(warehouse, scheme) {
      const load = { stepsPerSecond: STEPS_PER_SECOND, seconds: secondsOr(20), warmUp: secondsOr(10) };
      const counts = await statementsOfSteadyLoad(scheme, warehouse, 10, load);
      return {
        statementsPer1000TenPods: counts.per1000,
        creditsPerMillionSteps: counts.creditsPerMillion,
      };
    },
  },
  loneStep: {
    // All pods look when the step is due. Faster, the emulator cannot keep up, and their looks queue for slots.
    secondMs: 4_000,
    run: (warehouse, scheme) => loneStep(scheme, warehouse, scheme === ours ? rounds : 1),
  },
  fortyPods: {
    secondMs: 3_000,
    run: (warehouse, scheme) =>
      fortyPods(scheme, warehouse, secondsOr(scheme === ours ? 24 : 12), secondsOr(scheme === ours ? 36 : 12)),
  },
  idle: {
    secondMs: 200,
    // A fleet that never sleeps does the same each minute.
    run: (warehouse, scheme) =>
      idle(scheme, warehouse, {
        hours: secondsOr(scheme === ours ? 86_400 : 300) / 3_600,
        awakeMs: 200,
        asleepMs: 3,
      }),
  },
};

function secondsOr(usual: number): number {
  return minutes === undefined ? usual : minutes * 60;
}

function numberOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!(number > 0)) throw new Error(`--${name} takes a number above 0, got ${value}`);
  return number;
}

function chosen<T>(name: string, value: string | undefined, all: Readonly<Record<string, T>>): readonly [string, T][] {
  return (value?.split(',') ?? Object.keys(all)).map((word) => {
    const found = all[word];
    if (found === undefined) throw new Error(`--${name} takes ${Object.keys(all).join(', ')}, got ${word}`);
    return [word, found];
  });
}

async function measure(name: string, { secondMs, run }: Part, scheme: Scheme): Promise<Partial<Figures>> {
  const startedAt = performance.now();
  const warehouse = await Warehouse.start(secondMs);
  try {
    const figures = await run(warehouse, scheme);
    const took = ((performance.now() - startedAt) / 1_000).toFixed(0);
    process.stderr.write(`${name}, ${scheme.name}: ${took} s, ${secondMs} ms a second: ${JSON.stringify(figures)}\n`);
    return figures;
  } finally {
    await warehouse.stop();
  }
}

const parts = chosen('only', options.only, PARTS);
const schemes = chosen('schemes', options.schemes, { ours, direct, naive });
const results: Results = { ours: emptyFigures(), direct: emptyFigures(), naive: emptyFigures() };
if (options.from !== undefined) {
  const before = JSON.parse(readFileSync(options.from, 'utf8')) as Results;
  for (const name of ['ours', 'direct', 'naive'] as const) Object.assign(results[name], before[name]);
}
const loadBefore = loadavg()[0]!;
for (const [name, part] of parts) {
  for (const [, scheme] of schemes) Object.assign(results[scheme.name], await measure(name, part, scheme));
}
process.stderr.write(`load of the machine: ${loadBefore.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after\n`);
if (options.chart !== undefined) writeFileSync(path.resolve(options.chart), chart(results));
const missed = misses(results);
if (missed.length > 0) process.stderr.write(`missed: ${missed.join(', ')}\n`);
console.log(options.json ? JSON.stringify(results) : table(results));
process.exitCode = missed.length > 0 ? 1 : 0;
