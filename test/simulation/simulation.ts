/** A fleet of whole pods on one clock and one file, watched from outside. */
import type { PodDead } from '../../src/events.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { sqlite } from '../../src/sqlite.js';
import type { NewStep } from '../../src/step/submission.js';
import type { StepRecord, Store } from '../../src/store/contract.js';
import { LateWorld, type Lateness } from '../support/late-store.js';
import type { VirtualHost } from '../support/virtual-host.js';
import { log } from '../fleet/support/recorded-events.js';
import { SimulatedPod, type PodGiven } from './simulated-pod.js';

/** Between two checks of the watcher, in ms. */
const LOOK = 250;

export class Simulation {
  readonly world: VirtualRuntime;
  readonly pods: SimulatedPod[] = [];
  readonly stepIds: string[] = [];
  /** Evictions of pods that no fault had affected. */
  readonly unjust: string[] = [];
  readonly #store: Store;
  readonly #path: string;
  readonly #host: VirtualHost | undefined;
  /** When each pod was last seen with a fault. */
  readonly #hindered = new Map<SimulatedPod, number>();

  readonly #late: LateWorld | undefined;

  /**
   * @param host on which the pods are processes that can be looked up; without one nothing can be proved
   * @param late how late a pod sees what others have committed; default: at once
   */
  constructor(seed: number, path: string, host?: VirtualHost, late?: (random: () => number) => Lateness) {
    this.world = new VirtualRuntime({ seed });
    this.#path = path;
    this.#host = host;
    this.#late =
      late &&
      new LateWorld(
        this.world,
        late(() => this.world.random()),
      );
    this.#store = this.#shown(sqlite({ path }).create({ runtime: this.world, log }) as Store);
  }

  #shown(store: Store): Store {
    return this.#late?.over(store) ?? store;
  }

  async open(): Promise<void> {
    await this.#store.open();
  }

  get now(): number {
    return this.world.monotonicMs();
  }

  get alive(): SimulatedPod[] {
    return this.pods.filter(({ gone }) => !gone);
  }

  /** A whole number from `least` up to, not including, `most`. */
  chance(least: number, most: number): number {
    return least + Math.floor(this.world.random() * (most - least));
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.chance(0, from.length)];
  }

  async add(podId = `pod-${this.pods.length + 1}`, given: PodGiven = {}): Promise<SimulatedPod> {
    const pod = new SimulatedPod(podId, this.world.fork(), this.#path, this.#host?.spawn(), {
      over: (store) => this.#shown(store),
      ...given,
    });
    this.pods.push(pod);
    pod.recorded.events.on('pod:dead', (dead: PodDead) => this.#judge(dead));
    await pod.open(); // the real file system takes no time of this world
    await this.world.until(pod.start());
    return pod;
  }

  async submit(count: number, given: Partial<NewStep> = {}): Promise<void> {
    const steps = Array.from({ length: count }, () => {
      const stepId = `step-${String(this.stepIds.length + 1).padStart(5, '0')}`;
      this.stepIds.push(stepId);
      const payload = '{"type":"work"}';
      return { stepId, type: 'work', payload, priority: 0, maxRetries: 3, delayMs: 0, runAt: null, ...given };
    });
    await this.world.until(this.#store.submit(steps));
  }

  async steps(): Promise<readonly StepRecord[]> {
    const found: StepRecord[] = [];
    for (let from = 0; from < this.stepIds.length; from += 500) {
      found.push(...(await this.world.until(this.#store.find(this.stepIds.slice(from, from + 500)))));
    }
    return found;
  }

  /** Moves time, and watches. */
  async run(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= LOOK) {
      for (const pod of this.pods) if (!pod.well) this.#hindered.set(pod, this.now);
      await this.world.advance(Math.min(left, LOOK));
    }
  }

  /** How often the end of each step was emitted. */
  ends(): Map<string, number> {
    const ends = new Map<string, number>();
    for (const { recorded } of this.pods) {
      for (const { stepId } of [...recorded.of('step:completed'), ...recorded.of('step:failed')]) {
        ends.set(stepId, (ends.get(stepId) ?? 0) + 1);
      }
    }
    return ends;
  }

  async close(): Promise<void> {
    for (const pod of this.pods) pod.release();
    await this.world.advance(10_001); // what hangs comes to its end
    for (const pod of this.pods) await this.world.until(pod.stop());
    await this.world.advance(1_000); // open calls that nothing waits for any more
    for (const pod of this.pods) await pod.close();
    await this.#store.close();
  }

  /** An eviction is justified only if a fault affected the pod while it was silent; as exited, only if the pod is gone. */
  #judge({ podId, incarnation, reason }: PodDead): void {
    const pod = this.pods.find(({ incarnations }) => incarnations.has(incarnation));
    const recorded = `${podId} (${reason}) at ${this.now}`;
    if (reason === 'exited' && pod?.gone !== true) this.unjust.push(recorded);
    if (pod?.well === false) return;
    const hinderedAt = pod === undefined ? undefined : this.#hindered.get(pod);
    const deadAfterMs = pod?.settings.deadAfterMs ?? 0;
    if (hinderedAt === undefined || this.now - hinderedAt > deadAfterMs) this.unjust.push(recorded);
  }
}
