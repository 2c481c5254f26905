/** What all programs of a run share: they end with their parent, and write a failure to their ledger. */
import type { StoreFactory } from 'fleet-q';
import { snowflake } from 'fleet-q/snowflake';
import { sqlite } from 'fleet-q/sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Ledger } from '../ledger.js';
import { BUSY_TIMEOUT_MS, fileIn, placeIn } from '../settings.js';

export interface Surroundings {
  readonly folder: string;
  /** The name of this process among all that ever fill its slot. */
  readonly life: string;
  readonly ledger: Ledger;
}

export function surroundings(): Surroundings {
  const [folder = '.', life = 'pod-0.0'] = process.argv.slice(2);
  const ledger = new Ledger(folder, life);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      ledger.write('broken', { how: String((error as Error).stack ?? error) });
      process.exit(70);
    });
  process.on('SIGINT', () => {}); // a terminal sends it to the whole group; the main program handles it
  process.stdin.on('end', () => process.exit(0)).resume();
  (process.stdin as { unref?(): void }).unref?.();
  void noteStalls(ledger);
  return { folder, life, ledger };
}

export function storeIn(folder: string): StoreFactory {
  const place = placeIn(folder);
  return place === undefined ? sqlite({ path: fileIn(folder), busyTimeoutMs: BUSY_TIMEOUT_MS }) : snowflake(place);
}

const LOOK_EVERY_MS = 100;
const STALLED_MS = 500;

/** If the machine or a handler held the process up, its silence is not the library's fault. */
async function noteStalls(ledger: Ledger): Promise<void> {
  for (;;) {
    const before = performance.now();
    await pause(LOOK_EVERY_MS, undefined, { ref: false });
    const lateMs = performance.now() - before - LOOK_EVERY_MS;
    if (lateMs > STALLED_MS) ledger.write('stalled', { lastsMs: Math.round(lateMs) });
  }
}
