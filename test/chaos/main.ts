/**
 * The chaos test: `npm run chaos -- --seconds N --pods N --seed N [--store sqlite|snowflake] [--json] [--keep FOLDER]`.
 *
 * The exit code is non-zero if a promise was broken. `--json` ends with the summary as one line; `--keep` leaves the file
 * and the ledgers in an empty folder of yours. `docs/chaos.md` explains the output.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Chaos } from './chaos.js';
import type { Ground } from './grounds/ground.js';
import { SqliteGround } from './grounds/sqlite-ground.js';
import { Ledger } from './ledger.js';
import { textOf } from './report.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    pods: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    store: { type: 'string', default: 'sqlite' },
    json: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
});

function whole(name: 'seconds' | 'pods' | 'seed', least: number, most: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name}: expected a whole number from ${least} to ${most}, got ${values[name]}`);
}

const [seconds, pods, seed] = [whole('seconds', 1, 86_400), whole('pods', 1, 50), whole('seed', 0, 2 ** 31)];
const { store } = values;
if (store !== 'sqlite' && store !== 'snowflake') throw new Error(`--store: expected sqlite or snowflake, got ${store}`);
const log = (news: string): void => void (values.json ? process.stderr : process.stdout).write(`${news}\n`);
const folder = values.keep ?? mkdtempSync(path.join(tmpdir(), 'fleet-q-chaos-'));
if (values.keep !== undefined) mkdirSync(folder, { recursive: true });

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    process.exitCode = 130;
    interrupted.abort();
  });

let ground: Ground | undefined;
try {
  log(`chaos: ${store}, ${seconds} s, ${pods} pods, seed ${seed}`);
  const ledger = new Ledger(folder, 'choreography');
  ground =
    store === 'sqlite'
      ? new SqliteGround(folder, ledger)
      : await (await import('./grounds/snowflake-ground.js')).SnowflakeGround.open(folder);
  const chaos = new Chaos({ folder, ground, ledger, seed, seconds, pods, signal: interrupted.signal, log });
  const { summary, verdict } = await chaos.run();
  log(textOf(summary, verdict));
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exitCode = summary.violations === 0 ? 0 : 1;
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  log('interrupted; no process is left running');
} finally {
  await ground?.close();
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}
