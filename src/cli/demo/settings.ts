/** What all processes of the demo share: the store, and the timing on it. */
import type { FleetQOptions, StoreFactory } from '../../index.js';
import type { SnowflakeOptions } from '../../snowflake.js';

/** Where the steps live. It is passed to the pods as JSON. */
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
  /** How long a step waits, so that some always run. */
  readonly waitMs: number;
  /** How long a slow step waits. A pod is frozen in the first half of this time. */
  readonly slowMs: number;
  /** How many files, unless `--files` says; `undefined`: as many as `files-to-count.ts` finds. */
  readonly files: number | undefined;
  /** How many of them are submitted only while a pod is frozen. */
  readonly keptBack: number;
  /** The time within which the other pods must make progress while one is frozen. */
  readonly goesOnMs: number;
  readonly pollEveryMs: number;
  /** If the demo takes longer than this, it fails. */
  readonly timeLimitMs: number;
  /** How many pods, unless `--pods` says; and the least, so that one is left that is neither killed nor frozen. */
  readonly pods: number;
  readonly fewestPods: number;
}

/** The intervals are short, so that the demo fits into a minute on SQLite. Ten pods on Snowflake need some 20 s to notice a death. */
export const PACES: Readonly<Record<StoreName, Pace>> = {
  sqlite: {
    timing: { heartbeatIntervalMs: 500, deadAfterMs: 2_500, recoveryIntervalMs: 500 },
    ...{ waitMs: 20, files: undefined, keptBack: 300, slowMs: 2_000, goesOnMs: 2_000 },
    ...{ pollEveryMs: 100, timeLimitMs: 80_000, pods: 3, fewestPods: 3 },
  },
  // One process emulates the warehouse, so there are fewer statements, and fewer steps that each take longer.
  snowflake: {
    timing: {
      ...{ heartbeatIntervalMs: 2_000, deadAfterMs: 20_000, recoveryIntervalMs: 2_000 },
      ...{ claimIntervalMs: 200, idleIntervalMs: 500 },
    },
    ...{ waitMs: 200, files: 1_200, keptBack: 150, slowMs: 10_000, goesOnMs: 10_000 },
    ...{ pollEveryMs: 400, timeLimitMs: 600_000, pods: 10, fewestPods: 4 },
  },
};

/** From this number of files on, the pods are busy for long enough. */
const MANY: Readonly<Record<StoreName, number>> = { sqlite: 2_500, snowflake: 700 };
/** So many files need no more than `timeLimitMs`. */
const IN_TIME = 20_000;

/** The steps wait as long as so many pods need to run them. */
const FEW_PODS = 3;

/**
 * The pace for this number of files and pods: with few files or many pods, each step waits longer, so that a pod that dies
 * still holds steps. With very many files, the demo may take longer.
 */
export function paceFor(store: StoreName, files: number, pods: number): Pace {
  const pace = PACES[store];
  const factor = Math.max(1, MANY[store] / files) * Math.max(1, pods / FEW_PODS);
  return {
    ...pace,
    waitMs: Math.round(pace.waitMs * factor),
    keptBack: Math.min(pace.keptBack, Math.floor(files / 4)),
    timeLimitMs: Math.round(pace.timeLimitMs * Math.max(1, files / IN_TIME)),
  };
}

const NAMES = ['ada', 'grace', 'linus', 'barbara', 'dennis', 'edsger', 'frances', 'ken', 'margaret', 'tim'];
export const MOST_PODS = 50;

/** The podIds of a fleet. */
export function podIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => NAMES[i] ?? `pod-${i + 1}`);
}

export async function storeAt(place: Place): Promise<StoreFactory> {
  if (place.store === 'sqlite') return (await import('../../sqlite.js')).sqlite({ path: place.path });
  // A part of the driver prints a warning about old versions of Node.js, once in each process.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { snowflake } = await import('../../snowflake.js');
  const { connection, database, schema } = place;
  return snowflake({ ...(connection !== undefined && { connection }), database, schema });
}

/** The variable that holds the store for a pod. Other processes can read arguments, and the connection has a password. */
const VARIABLE = 'DEMO_PLACE';

export const placeInEnv = (place: Place): NodeJS.ProcessEnv => ({ [VARIABLE]: JSON.stringify(place) });
export const placeFromEnv = (): Place => JSON.parse(process.env[VARIABLE] ?? '') as Place;
