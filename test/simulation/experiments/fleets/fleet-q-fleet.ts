/** Whole pods of FLEET-Q on one modelled warehouse. */
import { FleetQ } from '../../../../src/index.js';
import { sleep } from '../../../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { ProcessLink } from '../../box/process-link.js';
import type { WarehouseWorld } from '../../worlds/warehouse-world.js';
import type { Measures } from '../measures.js';
import type { Scenario } from '../scenario.js';
import { OFF } from '../../../support/silent-logger.js';

/** How long the host of a pod waits after a start that has failed, before it starts the pod again. */
const START_AGAIN_MS = 10_000;

interface Member {
  readonly queue: FleetQ;
  readonly machine: VirtualRuntime;
  readonly link: ProcessLink;
}

export class FleetQFleet {
  readonly #root: VirtualRuntime;
  readonly #world: WarehouseWorld;
  readonly #measures: Measures;
  readonly #scenario: Scenario;
  readonly #members = new Map<string, Member>();
  #made = 0;
  #ready = 0;

  constructor(root: VirtualRuntime, world: WarehouseWorld, measures: Measures, scenario: Scenario) {
    this.#root = root;
    this.#world = world;
    this.#measures = measures;
    this.#scenario = scenario;
  }

  /** How many pods have started. */
  get ready(): number {
    return this.#ready;
  }

  /** Starts every pod, spread over `withinMs`. */
  begin(withinMs: number): void {
    const { pods, busyPods = pods } = this.#scenario;
    for (let i = 0; i < pods; i++) {
      this.#root.after((i * withinMs) / pods, () => this.#start(i < busyPods ? 'work' : 'other'));
    }
  }

  /** Kills a pod as SIGKILL does, and starts another one in its place. */
  replace(process: string): void {
    const member = this.#members.get(process);
    if (member === undefined) return;
    this.#members.delete(process);
    member.link.kill();
    member.machine.remove();
    this.#start('work');
  }

  #start(type: string): void {
    const { slots, stepMs, maxPrefetch = 500 } = this.#scenario;
    const name = `p${++this.#made}`;
    const machine = this.#root.fork();
    const link = new ProcessLink(name, this.#root);
    const store = this.#world.storeOf(machine, link);
    const pool = { concurrency: slots, maxPrefetch };
    const queue: FleetQ = new FleetQ({ store, runtime: machine, logger: OFF, podId: name, ...pool });
    queue.register(type, async (_args: unknown, { stepId }) => {
      this.#measures.started(stepId);
      await sleep(machine, stepMs);
      this.#measures.ended(stepId);
    });
    queue.onBrief('step:completed', ({ stepId }) => this.#measures.settled(stepId));
    this.#members.set(name, { queue, machine, link });
    void this.#run(queue, machine);
  }

  /** Its host starts it until that succeeds. Not once it was killed: no timer of its machine fires any more. */
  async #run(queue: FleetQ, machine: VirtualRuntime): Promise<void> {
    for (;;) {
      try {
        await queue.start();
        this.#ready++;
        return;
      } catch {
        await sleep(machine, START_AGAIN_MS);
      }
    }
  }
}
