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
import { WarehouseWorld } from '../worlds/warehouse-world.js';
import type { World, WorldListener } from '../worlds/world.js';
import { FleetBox } from './fleet-box.js';
import type { SimulatedProcess, Surroundings } from './simulated-process.js';

/** How long a fleet has to drain after the last fault, in ms. */
const DRAIN_LIMIT_MS = 120_000;
/** Between two looks at whether it has. */
const LOOK_MS = 500;
/** How long a queue may take to stop. */
const STOP_LIMIT_MS = 60_000;

export async function runPlan(plan: Plan): Promise<readonly Entry[]> {
  const root = new VirtualRuntime({ seed: plan.seed });
  const network = root.fork();
  const history = new History(() => root.monotonicMs());
  const listener: WorldListener = (change, process) => history.add({ ...change, process });
  const world = await worldOf(plan, network, listener);
  try {
    const shared: Surroundings = { root, network, world, history, runs: new Map(), nextRun: 0, nextCall: 0 };
    const box = new FleetBox(plan, shared);
    box.begin();
    await root.advance(plan.calmAt);
    box.calm();
    await drain(plan, root, box, world);
    await finish(root, box, world, history);
    return history.entries;
  } finally {
    world.close();
  }
}

function worldOf(plan: Plan, network: VirtualRuntime, listener: WorldListener): Promise<World> {
  if (plan.world === 'warehouse')
    return Promise.resolve(new WarehouseWorld(network, { hazards: plan.hazards, listener }));
  return SqliteWorld.open(network, plan.hazards, listener);
}

/** Runs until nothing is left to do, and long enough for the dead to be found and a leader to be agreed on. */
async function drain(plan: Plan, root: VirtualRuntime, box: FleetBox, world: World): Promise<void> {
  const startedAt = root.monotonicMs();
  const settled = Math.max(...plan.pods.map(({ deadAfterMs, heartbeatMs }) => deadAfterMs + 6 * heartbeatMs));
  for (;;) {
    await root.advance(LOOK_MS);
    box.complete(); // a pod that was superseded drains, and is replaced
    const ranFor = root.monotonicMs() - startedAt;
    if (ranFor > DRAIN_LIMIT_MS) return;
    if (ranFor > settled && isDrained(world) && isLed(box) && isWell(box)) return;
  }
}

/** Of a step with two rows one may stay pending until housekeeping removes it, which may be much later. */
function isDrained(world: World): boolean {
  const { steps } = world.rows();
  if (steps.some(({ status }) => status === 'claimed')) return false;
  const ended = new Set(steps.filter(({ status }) => status !== 'pending').map(({ stepId }) => stepId));
  return steps.every(({ stepId }) => ended.has(stepId));
}

/** One pod leads; none, if all sleep. */
function isLed(box: FleetBox): boolean {
  const alive = box.alive.filter(({ drained }) => !drained).map(({ queue }) => queue.health());
  return alive.filter(({ isLeader }) => isLeader).length === 1 || alive.every(({ asleep }) => asleep);
}

/** A call that was lost before the calm may hang for a while. */
function isWell(box: FleetBox): boolean {
  return box.alive.every(({ queue, drained }) => drained || queue.health().reasons.length === 0);
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
