/**
 * A world in a modelled warehouse: the real Snowflake store, over a driver whose statements run on virtual time.
 *
 * Invariants:
 * - The tables are there when the world begins, in the form that this version makes. So pods open them as they would in a schema
 *   that somebody else has made.
 * - Hazards are drawn by the network's randomness, never by a pod's.
 */
import type { StoreFactory } from '../../../src/store/contract.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { resolveOptions, type ResolvedOptions, type SleepOptions } from '../../../src/store/snowflake/options.js';
import { SCHEMA } from '../../../src/store/snowflake/schema.js';
import { SnowflakeStore } from '../../../src/store/snowflake/store.js';
import type { StepState } from '../history/history.js';
import type { Hazards } from '../plan/plan.js';
import { exchangeModels } from '../warehouse/statements/exchange.js';
import type { KnownStatement } from '../warehouse/statements/known-statement.js';
import { registryOf } from '../warehouse/statements/registry.js';
import { ModelledTables } from '../warehouse/tables/modelled-tables.js';
import { fakeDriver } from '../warehouse/traffic/fake-connection.js';
import { ModelledWarehouse } from '../warehouse/traffic/modelled-warehouse.js';
import { FAST, trafficOf, type Figures } from '../warehouse/traffic/settings.js';
import { ChangeReader, stateOf } from './warehouse-rows.js';
import type { Link, World, WorldListener } from './world.js';

const PLACE = { database: 'BOX', schema: 'FLEET', tablePrefix: '' };
/** Shared by all worlds: it holds no state. */
const REGISTRY = registryOf(PLACE, exchangeModels);
/** The session of the one who made the tables. */
const OWNER = 0;

export interface WarehouseWorldOptions {
  readonly hazards: Hazards;
  readonly listener?: WorldListener;
  /** Default: {@link FAST}. */
  readonly figures?: Figures;
  /** What the stores are given instead of what fits the hazards. */
  readonly store?: Partial<
    Pick<ResolvedOptions, 'statementTimeoutMs' | 'combines' | 'checksAccess' | 'statementSlots' | 'staleReadMs'>
  > & {
    readonly sleep?: false | SleepOptions;
  };
  /** Called for each statement that is committed. */
  readonly onStatement?: (statement: KnownStatement, process: string) => void;
}

export class WarehouseWorld implements World {
  readonly name = 'warehouse';
  readonly warehouse: ModelledWarehouse;
  readonly tables: ModelledTables;
  readonly #epoch: number;
  readonly #options: ResolvedOptions;

  /** @param network its clock, timers and randomness are the warehouse's */
  constructor(network: VirtualRuntime, options: WarehouseWorldOptions) {
    const { hazards, listener, figures = FAST, onStatement } = options;
    const traffic = trafficOf(hazards, figures);
    this.#epoch = network.wallMs();
    this.#options = storeOptions(options, traffic.figures);
    this.tables = new ModelledTables({ latenessMs: hazards.lateReadMs + 1 });
    const reader = new ChangeReader(this.#epoch);
    this.warehouse = new ModelledWarehouse({
      machine: network,
      tables: this.tables,
      registry: REGISTRY,
      traffic,
      ...(onStatement && { onStatement }),
      ...(listener && {
        onChange: (change, process) => {
          const read = reader.read(change);
          if (read !== undefined) listener(read, process);
        },
      }),
    });
    const versions = { version: SCHEMA.version, oldest_allowed: SCHEMA.oldestAllowed, at_ts: this.#epoch };
    this.tables.commit({ rows: [], insertSchemaInfo: [versions] }, OWNER, this.#epoch);
  }

  storeOf(machine: VirtualRuntime, link: Link): StoreFactory {
    const driver = fakeDriver(this.warehouse, machine, link);
    return {
      name: 'snowflake',
      create: (environment) => new SnowflakeStore(this.#options, environment, () => Promise.resolve(driver)),
    };
  }

  rows(): { readonly steps: readonly StepState[]; readonly archived: readonly StepState[] } {
    const view = this.tables.view(OWNER, Infinity);
    const states = (rows: Iterable<Parameters<typeof stateOf>[0]>): StepState[] =>
      [...rows].map((row) => stateOf(row, this.#epoch));
    return { steps: states(view.allSteps()), archived: states(view.allArchived()) };
  }

  calm(): void {
    this.warehouse.calm();
  }

  close(): void {}
}

/** Options whose times fit the hazards, short enough for a run of a minute or two. */
function storeOptions({ hazards, store = {} }: WarehouseWorldOptions, figures: Figures): ResolvedOptions {
  const { sleep = defaultSleep(hazards), combines = true, checksAccess = true, ...given } = store;
  const resolved = resolveOptions({
    ...PLACE,
    connection: { account: 'modelled' },
    staleReadMs: hazards.lateReadMs,
    statementSlots: figures.slots,
    statementTimeoutMs: 5_000,
    sleep,
    ...given,
  });
  return { ...resolved, combines, checksAccess };
}

/** How pods sleep, as far as the hazards let them. */
export function defaultSleep({ lateReadMs, tokenLateMs }: Hazards): SleepOptions {
  return {
    quietForMs: 2_000 + 2 * lateReadMs + tokenLateMs,
    pollIntervalMs: 1_000,
    checkIntervalMs: 10_000,
    lookIntervalMs: 60_000,
  };
}
