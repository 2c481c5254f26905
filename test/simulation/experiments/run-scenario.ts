/** Runs one experiment on virtual time, and measures it. */
import { creditsPerMillion, percentile, perThousand, shareOfCapacity } from '../../../bench/snowflake/arithmetic.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { NO_HAZARDS } from '../plan/no-hazards.js';
import { ModelledTables } from '../warehouse/tables/modelled-tables.js';
import { ModelledWarehouse } from '../warehouse/traffic/modelled-warehouse.js';
import type { Reading } from '../warehouse/traffic/meter.js';
import type { StepRow } from '../warehouse/tables.js';
import { CALM, MEASURED } from '../warehouse/traffic/settings.js';
import { WarehouseWorld } from '../worlds/warehouse-world.js';
import { FleetQFleet } from './fleets/fleet-q-fleet.js';
import { NaiveFleet } from './fleets/naive-fleet.js';
import { naiveRegistry } from './fleets/naive-statements.js';
import { LoadGenerator } from './load.js';
import { Measures } from './measures.js';
import { isSteady, type Outcome, type Scenario } from './scenario.js';

/** Pods start one after the other within this time, or as fast as this if they are many. The load begins when all have started. */
const START_MS = 20_000;
/**
 * When a thousand pods start within 20 s, the warehouse cannot answer their first heartbeats in time: starts fail, and are tried again
 * for minutes.
 */
const STARTS_PER_SECOND = 15;
/** A fleet that has not started by then never will. */
const LONGEST_START_MS = 900_000;
/** Between two looks at whether the fleet has started, or a burst or a lone step is settled. */
const LOOK_MS = 250;
const STATEMENT_TIMEOUT_MS = 60_000;
/** The default of the store. The modelled reads are not late, but a pod does not know that. */
const STALE_READ_MS = 10_000;
const OWNER = 0;

interface Stage {
  readonly warehouse: ModelledWarehouse;
  readonly tables: ModelledTables;
  readonly fleet: FleetQFleet | NaiveFleet;
  /** The process that ran the last UPDATE of an exchange. */
  readonly head: () => string;
}

export async function runScenario(scenario: Scenario): Promise<Outcome> {
  const startedAt = process.cpuUsage();
  const root = new VirtualRuntime({ seed: scenario.seed });
  const measures = new Measures(() => root.monotonicMs());
  const { warehouse, tables, fleet, head } = stageOf(root, measures, scenario);
  const insert = (rows: readonly StepRow[]): void =>
    void tables.commit({ rows: [], insertSteps: rows }, OWNER, root.wallMs());
  const unclaimed = (): number => tables.view(OWNER, Infinity).waitingOf('work').countDue(root.wallMs(), false);
  const load = new LoadGenerator({ root, measures, insert, unclaimed, scenario });
  const { load: kind, warmUpMs, measureMs, headsDieEveryMs } = scenario;
  const steady = isSteady(kind);
  await started(root, fleet, scenario);
  load.begin(steady ? 0 : warmUpMs);
  if (headsDieEveryMs !== undefined) everyMs(root, headsDieEveryMs, () => fleet.replace(head()));
  await root.advance(warmUpMs);
  warehouse.meter.forgetMost();
  const [before, from, earlier] = [warehouse.meter.reading, root.monotonicMs(), steady ? load.made : 0];
  await measured(root, measures, load, steady, measureMs);
  const { user, system } = process.cpuUsage(startedAt);
  return {
    ...outcome(
      scenario,
      measures,
      load.made - earlier,
      { from, to: root.monotonicMs() },
      before,
      warehouse.meter.reading,
    ),
    cpuS: Math.round((user + system) / 100_000) / 10,
  };
}

/** @throws Error if not all pods start in time */
async function started(root: VirtualRuntime, fleet: Stage['fleet'], { pods }: Scenario): Promise<void> {
  fleet.begin(Math.max(START_MS, (pods / STARTS_PER_SECOND) * 1_000));
  while (fleet.ready < pods) {
    if (root.monotonicMs() >= LONGEST_START_MS) throw new Error(`only ${fleet.ready} of ${pods} pods have started`);
    await root.advance(LOOK_MS);
  }
}

async function measured(
  root: VirtualRuntime,
  measures: Measures,
  load: LoadGenerator,
  steady: boolean,
  measureMs: number,
): Promise<void> {
  if (steady) return root.advance(measureMs);
  for (let ran = 0; ran < measureMs; ran += LOOK_MS) {
    await root.advance(LOOK_MS);
    if (load.made > 0 && measures.settledCount === load.made) return;
  }
}

function stageOf(root: VirtualRuntime, measures: Measures, scenario: Scenario): Stage {
  const network = root.fork();
  if (scenario.scheme === 'naive') {
    const tables = new ModelledTables({ latenessMs: 1 });
    const traffic = { ...CALM, figures: MEASURED, reading: scenario.reading };
    const warehouse = new ModelledWarehouse({ machine: network, tables, registry: naiveRegistry, traffic });
    return { warehouse, tables, fleet: new NaiveFleet(root, warehouse, measures, scenario), head: () => '' };
  }
  let head = '';
  const world = new WarehouseWorld(network, {
    hazards: { ...NO_HAZARDS, oldSources: scenario.reading === 'b' },
    figures: MEASURED,
    store: { statementTimeoutMs: STATEMENT_TIMEOUT_MS, staleReadMs: STALE_READ_MS, checksAccess: false, sleep: false },
    onStatement: ({ name }, process) => {
      if (name === 'exchange.exchange') head = process;
    },
  });
  const fleet = new FleetQFleet(root, world, measures, scenario);
  return { warehouse: world.warehouse, tables: world.tables, fleet, head: () => head };
}

function outcome(
  scenario: Scenario,
  measures: Measures,
  made: number,
  { from, to }: { readonly from: number; readonly to: number },
  before: Reading,
  after: Reading,
) {
  const { name, scheme, pods, busyPods = pods, reading, slots, stepMs, load } = scenario;
  const { settled, doubled, lastSettledAt, startMs, settleMs, lateMs } = measures.summary(from);
  const seconds = (to - from) / 1_000;
  const places = busyPods * slots;
  const share = load.kind === 'share' ? load.of : 1;
  const steady = isSteady(load);
  const isShare = load.kind === 'saturated' || load.kind === 'share';
  const statements = sum(after.kinds) - sum(before.kinds);
  const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
  return {
    ...{ name, scheme, pods, reading },
    capacity: rounded(
      isShare
        ? shareOfCapacity({ steps: settled, stepSeconds: stepMs / 1_000, slots: places * share, seconds })
        : settled / made,
    ),
    settledSteps: settled,
    doubled,
    waiters: after.mostWaiting,
    refused: after.refused - before.refused,
    statementsPer1000: rounded(perThousand(statements, settled)),
    lockTaking: after.lockTaking - before.lockTaking,
    startP50S: rounded(percentile(startMs, 0.5) / 1_000),
    startP99S: rounded(percentile(startMs, 0.99) / 1_000),
    lateP99S: rounded(percentile(lateMs, 0.99) / 1_000),
    latestS: rounded(percentile(lateMs, 1) / 1_000),
    settleP50S: rounded(percentile(settleMs, 0.5) / 1_000),
    settleP99S: rounded(percentile(settleMs, 0.99) / 1_000),
    slotsInUse: rounded((after.slotSeconds - before.slotSeconds) / seconds),
    creditsPerMillionSteps: rounded(creditsPerMillion(seconds, settled)),
    makespanS: steady || settled < made ? null : rounded((lastSettledAt - from) / 1_000),
  };
}

function sum(kinds: Reading['kinds']): number {
  return Object.values(kinds).reduce((total, count) => total + count, 0);
}

function everyMs(root: VirtualRuntime, ms: number, work: () => void): void {
  root.after(ms, () => {
    work();
    everyMs(root, ms, work);
  });
}
