/** Settings that all processes and the checker share. The intervals are short, so that much happens in a run. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const TIMING = { heartbeatIntervalMs: 400, deadAfterMs: 2_400, recoveryIntervalMs: 400 } as const;

export const SLOTS = 8;
export const MAX_CRASHES = 3;
export const DRAIN_MS = 1_500;
export const SUBMITTERS = 3;
/** Shorter than the longest lock, so that some calls fail. */
export const BUSY_TIMEOUT_MS = 3_000;

/** The limit of a type on one pod, where it is lower than the number of slots. */
export const CONCURRENCY: Readonly<Record<string, number>> = { single: 1, deaf: 2 };

export const fileIn = (folder: string): string => path.join(folder, 'queue.db');

/** The slot that a process fills: `pod-0` of the life `pod-0.3`. */
export const slotOf = (life: string): string => life.slice(0, life.lastIndexOf('.'));

/** The exit code of a program that could not open the store. It is started again. */
export const TRY_AGAIN = 75;

/**
 * How many times as long as on SQLite the intervals and the faults last on Snowflake. A statement takes longer there, and a heartbeat
 * is sent every 0.55 s for each pod at most.
 */
export const SNOWFLAKE_SCALE = 5;

export const placeFileIn = (folder: string): string => path.join(folder, 'place.json');

/** Where the processes of a run on Snowflake connect to; `undefined`: the run is on SQLite. */
export interface SnowflakePlace {
  readonly connection: object;
  readonly database: string;
  readonly schema: string;
}

export function placeIn(folder: string): SnowflakePlace | undefined {
  const file = placeFileIn(folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SnowflakePlace) : undefined;
}

export const scaleIn = (folder: string): number => (placeIn(folder) === undefined ? 1 : SNOWFLAKE_SCALE);
