/** The log file of a host that uses the Snowflake driver itself. The driver writes it asynchronously. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const HOST_LOG = 'host.log';

export const readHostLog = (): string => readFileSync(HOST_LOG, 'utf8');

/** Whether the log grows beyond this length within some seconds. */
export async function growsBeyond(length: number): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) {
    if (readHostLog().length > length) return true;
    await sleep(10);
  }
  return false;
}

/** Its length once nothing more is written. */
export async function settledLength(): Promise<number> {
  for (let last = -1; ;) {
    const { length } = readHostLog();
    if (length === last) return length;
    last = length;
    await sleep(300);
  }
}
