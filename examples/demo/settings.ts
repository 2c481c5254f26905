/** What all processes of the demo agree on: the store, and how fast the story goes on it. */
import type { FleetQOptions, StoreFactory } from 'fleet-q';
import { snowflake, type SnowflakeOptions } from 'fleet-q/snowflake';
import { sqlite } from 'fleet-q/sqlite';

/** Where the steps live. It travels to the pods as JSON. */
export type Place =
  | { readonly store: 'sqlite'; readonly path: string }
  | ({ readonly store: 'snowflake' } & Pick<SnowflakeOptions, 'connection' | 'database' | 'schema'>);

export type StoreName = Place['store'];

type Timing = Pick<
  FleetQOptions,
  'heartbeatIntervalMs' | 'deadAfterMs' | 'recoveryIntervalMs' | 'claimIntervalMs' | 'idleIntervalMs'
>;

export interface Pace {
  readonly timing: Timing;
  /** How long a step waits, so that there are always some under way. */
  readonly waitMs: number;
  /** How many files, if nobody says. */
  readonly most: number;
  /** How many of them are submitted only while a pod is frozen. */
  readonly keptBack: number;
  /** Within which the other pods must be seen to go on beside a frozen one. */
  readonly goesOnMs: number;
  readonly lookEveryMs: number;
  /** A machine on which the whole takes longer than this is stuck. */
  readonly patienceMs: number;
}

/** The intervals are short, so that the story fits into a minute. */
export const PACES: Readonly<Record<StoreName, Pace>> = {
  sqlite: {
    timing: { heartbeatIntervalMs: 500, deadAfterMs: 2_500, recoveryIntervalMs: 500 },
    ...{ waitMs: 20, most: Infinity, keptBack: 300, goesOnMs: 1_000, lookEveryMs: 100, patienceMs: 55_000 },
  },
  // One process stands in for the warehouse: fewer statements, and fewer steps, each of which takes longer.
  snowflake: {
    timing: {
      ...{ heartbeatIntervalMs: 1_000, deadAfterMs: 5_000, recoveryIntervalMs: 1_000 },
      ...{ claimIntervalMs: 200, idleIntervalMs: 500 },
    },
    ...{ waitMs: 200, most: 1_200, keptBack: 150, goesOnMs: 3_000, lookEveryMs: 400, patienceMs: 100_000 },
  },
};

export function storeAt(place: Place): StoreFactory {
  if (place.store === 'sqlite') return sqlite({ path: place.path });
  const { connection, database, schema } = place;
  return snowflake({ ...(connection !== undefined && { connection }), database, schema });
}

/** The variable that tells a pod its place: a connection's password is nobody else's business, as arguments are. */
const VARIABLE = 'FLEET_Q_DEMO_PLACE';

export const placeInEnv = (place: Place): NodeJS.ProcessEnv => ({ [VARIABLE]: JSON.stringify(place) });
export const placeFromEnv = (): Place => JSON.parse(process.env[VARIABLE] ?? '') as Place;
