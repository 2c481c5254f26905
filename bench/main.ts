/**
 * Measures FLEET-Q beside other queues: the same work, on the same machine, in one run.
 *
 * `npm run bench -- [--json] [--only throughput,latency] [--quick] [--rounds 3] [--against FOLDER]`. With `--json` the last line is
 * `{ machine, results, ratios }`; `--quick` does a tenth of the work, to check that everything runs; do not quote its figures.
 */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { claims } from './figures/claims.js';
import { footprint } from './figures/footprint.js';
import { latency } from './figures/latency.js';
import { pollers } from './figures/pollers.js';
import { processes } from './figures/processes.js';
import { responsiveness } from './figures/responsiveness.js';
import { throughput } from './figures/throughput.js';
import { tracing } from './figures/tracing.js';
import { Report } from './support/report.js';
import { startServers, stopServers, type Servers } from './support/servers.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    against: { type: 'string' },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
const scale = options.quick ? 0.1 : 1;
const rows = 1_000_000 * scale;
if (options.against !== undefined)
  process.env['BENCH_AGAINST'] = path.resolve(process.env['INIT_CWD'] ?? '.', options.against);

const PARTS: Readonly<
  Record<string, { readonly title: string; readonly run: (report: Report, servers: Servers) => Promise<void> }>
> = {
  throughput: {
    title: 'Throughput (acknowledged work survives the death of any process)',
    run: (report, servers) => throughput(report, { servers, rounds, steps: 50_000 * scale, seconds: 8 }, false),
  },
  full: {
    title: 'Throughput (acknowledged work survives a power loss)',
    run: (report, servers) =>
      throughput(report, { servers, rounds: Math.min(3, rounds), steps: 50_000 * scale, seconds: 4 }, true),
  },
  latency: {
    title: 'Latency from submit to the start of the handler',
    run: (report, servers) => latency(report, servers, 500 * scale),
  },
  responsiveness: {
    title: 'Delay of a timer of the host',
    run: (report) => responsiveness(report, { steps: 100_000 * scale, rows }),
  },
  claims: { title: 'An exchange that settles ten and claims ten', run: (report) => claims(report, rows) },
  processes: {
    title: 'Processes that share a file',
    run: (report) => processes(report, { count: 200_000 * scale, rounds: Math.min(3, rounds) }),
  },
  tracing: {
    title: 'Tracing: nobody subscribes, subscribers that do nothing, and another checkout (--against)',
    run: (report, servers) =>
      tracing(report, { servers, rounds, steps: 50_000 * scale, seconds: 8 }, options.against !== undefined),
  },
  pollers: {
    title: 'Clients that poll the HTTP API beside a full load',
    run: (report) => pollers(report, { rounds: Math.min(3, rounds), seconds: 60 * scale }),
  },
  footprint: { title: 'Footprint', run: (report) => footprint(report, { rows, seconds: options.quick ? 3 : 10 }) },
};

function machine(loadBefore: number) {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadBefore,
    loadAfter: loadavg()[0] ?? NaN,
    versions: dependencies,
  };
}

async function main(): Promise<void> {
  const loadBefore = loadavg()[0] ?? NaN;
  const report = new Report((line) => console.log(line));
  const chosen = options.only?.split(',') ?? Object.keys(PARTS);
  const servers = await startServers();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopServers(servers).finally(() => process.exit(1)));
  }
  try {
    for (const name of chosen) {
      const part = PARTS[name];
      if (part === undefined) throw new Error(`--only takes ${Object.keys(PARTS).join(', ')}, got ${name}`);
      report.section(part.title);
      await part.run(report, servers);
    }
  } finally {
    await stopServers(servers);
  }
  report.verdicts();
  const { results, ratios } = report;
  const about = machine(loadBefore);
  console.log(
    `\n${about.cores} × ${about.cpu}, Node.js ${about.node}; load ${loadBefore} before, ${about.loadAfter} after`,
  );
  if (options.json) console.log(JSON.stringify({ machine: about, results, ratios }));
}

await main();
