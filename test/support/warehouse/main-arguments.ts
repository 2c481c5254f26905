/** The arguments of `npm run warehouse`, as options of the test bed. */
import { parseArgs } from 'node:util';
import { REAL_LATENCY } from './latency.js';
import type { WarehouseOptions } from './proxy.js';

export type BedArguments = Omit<WarehouseOptions, 'emulatorPort'> & { readonly port: number };

export const USAGE = `Usage: npm run warehouse -- [options]

  --real              statements take as long as they do on a small warehouse, and 8 run at once
  --late-reads <ms>   a session sees up to so late what others have committed
  --insert-lock <ms>  an INSERT holds a lock of its table for so long, and 20 others may wait for it
  --old-sources       an UPDATE reads its source as of before it waited for its table
  --port <number>     where to listen; a free port if not said
`;

const MOST_MS = 3_600_000;

/** `undefined` if they ask for the usage. Throws what is wrong with them. */
export function readArguments(args: readonly string[]): BedArguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      real: { type: 'boolean', default: false },
      'late-reads': { type: 'string', default: '0' },
      'insert-lock': { type: 'string', default: '0' },
      'old-sources': { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const mostMs = numberOf('late-reads', values['late-reads'], MOST_MS);
  const insertMs = numberOf('insert-lock', values['insert-lock'], MOST_MS);
  return {
    port: numberOf('port', values.port, 65_535),
    ...(values.real && { latency: REAL_LATENCY }),
    ...(mostMs > 0 && { lateReads: { mostMs } }),
    ...(insertMs > 0 && { locks: { insertMs } }),
    ...(values['old-sources'] && { oldSources: true }),
  };
}

function numberOf(option: string, given: string, most: number): number {
  if (/^\d{1,7}$/.test(given) && Number(given) <= most) return Number(given);
  throw new Error(`--${option}: expected a number from 0 to ${most}, got '${given}'`);
}
