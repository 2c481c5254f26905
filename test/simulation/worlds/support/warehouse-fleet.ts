/** A few whole pods in a warehouse world, for tests of the world itself. */
import { FleetQ, type AnyFleetQ } from '../../../../src/index.js';
import { sleep } from '../../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { WarehouseWorld, type WarehouseWorldOptions } from '../warehouse-world.js';
import { SILENT } from '../../../support/silent-logger.js';

export interface WarehousePod {
  readonly queue: AnyFleetQ;
  readonly machine: VirtualRuntime;
}

export class WarehouseFleet {
  readonly root: VirtualRuntime;
  readonly world: WarehouseWorld;
  readonly pods: WarehousePod[] = [];
  /** What was committed, in order: the time, the process and the statement. */
  readonly statements: string[] = [];
  /** The events of the pods' sleep. */
  readonly sleeps: string[] = [];
  #completed = 0;

  constructor(seed: number, pods: number, options: Omit<WarehouseWorldOptions, 'onStatement'>) {
    this.root = new VirtualRuntime({ seed });
    this.world = new WarehouseWorld(this.root.fork(), {
      ...options,
      onStatement: ({ name }, process) => this.statements.push(`${this.root.monotonicMs()} ${process} ${name}`),
    });
    for (let i = 1; i <= pods; i++) this.pods.push(this.#pod(`p${i}`));
  }

  get completed(): number {
    return this.#completed;
  }

  start(): Promise<unknown> {
    return this.root.until(Promise.all(this.pods.map(({ queue }) => queue.start())));
  }

  submit(count: number, pod = 0): Promise<unknown> {
    const steps = Array.from({ length: count }, (_, i) => ({ type: 'work', args: { i } }));
    return this.root.until(this.pods[pod]!.queue.submitMany(steps));
  }

  /** Runs until so many steps are completed, or the time is over. */
  async completes(count: number, limitMs: number): Promise<void> {
    const end = this.root.monotonicMs() + limitMs;
    while (this.#completed < count && this.root.monotonicMs() < end) await this.root.advance(100);
  }

  stop(): Promise<unknown> {
    return this.root.until(Promise.all(this.pods.map(({ queue }) => queue.stop())));
  }

  #pod(name: string): WarehousePod {
    const machine = this.root.fork();
    const link = { process: name, outbound: () => Promise.resolve(), inbound: () => Promise.resolve() };
    const queue = new FleetQ({
      store: this.world.storeOf(machine, link),
      runtime: machine,
      logger: SILENT,
      podId: name,
      concurrency: 5,
      heartbeatIntervalMs: 2_000,
      deadAfterMs: 10_000,
      recoveryIntervalMs: 4_000,
      claimIntervalMs: 200,
    });
    queue.register('work', async () => {
      await sleep(machine, 200);
      return { by: name };
    });
    queue.on('step:completed', () => void this.#completed++);
    queue.on('pod:asleep', () => void this.sleeps.push(`${name} asleep`));
    queue.on('pod:awake', () => void this.sleeps.push(`${name} awake`));
    return { queue, machine };
  }
}
