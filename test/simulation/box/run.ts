/**
 * Runs a plan, and returns the history of what happened.
 *
 * Invariants:
 * - The same plan gives the same history, in any process.
 * - The run ends: after the last fault the fleet has a bounded time to drain.
 */
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { History, type Entry } from '../history/history.js';
import type { Plan } from '../plan/plan.js';
import { SqliteWorld } from '../worlds/sqlite-world.js';
import { defaultSleep, WarehouseWorld, type WarehouseWorldOptions } from '../worlds/warehouse-world.js';
import type { World, WorldListener } from '../worlds/world.js';
import { drain, Members } from './drain.js';
import { FleetBox } from './fleet-box.js';
import { isThorough } from './thorough.js';
import { OFF, SILENT } from '../../support/silent-logger.js';
import type { SimulatedProcess, Surroundings } from './simulated-process.js';
import { trace } from './tracing.js';

/** How long a queue may take to stop. */
const STOP_LIMIT_MS = 60_000;

export async function runPlan(plan: Plan): Promise<readonly Entry[]> {
  const root = new VirtualRuntime({ seed: plan.seed });
  const network = root.fork();
  const history = new History(() => root.monotonicMs());
  const members = new Members();
  const listener: WorldListener = (change, process) => {
    members.note(change);
    history.add({ ...change, process });
  };
  const habits = plan.habits ?? {};
  const world = await worldOf(plan, network, listener);
  const untrace = trace(habits);
  try {
    const logger = isThorough(plan) ? SILENT : OFF;
    const shared: Surroundings = {
      habits,
      root,
      network,
      world,
      history,
      logger,
      runs: new Map(),
      nextRun: 0,
      nextCall: 0,
    };
    const box = new FleetBox(plan, shared);
    box.begin();
    await root.advance(plan.calmAt);
    box.calm();
    await drain(plan, root, { box, world, members });
    await finish(root, box, world, history);
    return history.entries;
  } finally {
    untrace();
    world.close();
  }
}

function worldOf(plan: Plan, network: VirtualRuntime, listener: WorldListener): Promise<World> {
  if (plan.world === 'warehouse')
    return Promise.resolve(new WarehouseWorld(network, { hazards: plan.hazards, listener, store: storeOf(plan) }));
  return SqliteWorld.open(network, plan.hazards, listener, plan.habits);
}

/** How the store of a plan's pods is set otherwise than by the hazards. */
function storeOf(plan: Plan): NonNullable<WarehouseWorldOptions['store']> {
  const { sleeps, combines } = plan.habits ?? {};
  const sleep = sleeps === 'never' ? false : { ...defaultSleep(plan.hazards), checkIntervalMs: 1_000 };
  return {
    checksAccess: isThorough(plan),
    ...(sleeps === undefined ? {} : { sleep }),
    ...(combines === 'never' ? { combines: false } : {}),
    ...(combines === 'always' ? { combines } : {}),
  };
}

/** Stops every queue, and notes what is left. */
async function finish(root: VirtualRuntime, box: FleetBox, world: World, history: History): Promise<void> {
  const drainedAt = root.monotonicMs();
  const alive = box.alive.filter(({ started }) => started).map(shown);
  const open = box.processes.filter(({ gone }) => !gone);
  const stopped = Promise.all(open.map((process) => process.stop()));
  await root.until(stopped, STOP_LIMIT_MS).catch(() => undefined); // those that did not are seen by what is left of them
  await root.advance(STOP_LIMIT_MS / 4); // calls that nobody waits for any more
  const { steps, archived } = world.rows();
  const timersLeft = Object.fromEntries(open.map(({ name, machine }) => [name, machine.pending]));
  history.add({ kind: 'finished', steps, archived, drainedAt, alive, timersLeft });
}

function shown({ name, podId, incarnation, queue }: SimulatedProcess) {
  const { isLeader, started, reasons, currentCapacity, strays } = queue.health();
  const phase = started ? 'running' : 'starting';
  return { process: name, podId, incarnation, isLeader, phase, problems: reasons, held: currentCapacity + strays };
}
