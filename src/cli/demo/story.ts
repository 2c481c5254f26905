/**
 * Runs the demo: three pods, and one step for each file that is to be counted, on the given store.
 *
 * After a third of the steps it kills the leader with SIGKILL. Later it freezes another pod with SIGSTOP while that pod
 * runs steps. When the other pods have declared it dead, it resumes that pod, which then tries to settle steps that it has
 * lost. At the end it compares every result with an independent pass over the same files.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { FleetQ, type Step, type StoreFactory } from '../../index.js';
import type { FileToCount } from './count-file.js';
import type { FilesToCount } from './files-to-count.js';
import { PodProcess } from './pod-process.js';
import type { Progress } from './progress.js';
import { paceFor, storeAt, type Pace } from './settings.js';
import type { Stage } from './stage.js';
import { summarize, type Summary } from './summary.js';

const POD_IDS = ['ada', 'grace', 'linus'];

type Steps = { count_file: { args: FileToCount; result: unknown } };

export interface StoryParts {
  readonly stage: Stage;
  readonly toCount: FilesToCount;
  /** Where the pods keep their ledgers. */
  readonly folder: string;
  readonly progress: Progress;
}

export class Story {
  readonly #parts: StoryParts;
  readonly #pace: Pace;
  readonly #queue: FleetQ<Steps>;
  readonly #startedAt = performance.now();
  readonly #pods: PodProcess[] = [];
  readonly #files = new Map<string, string>();

  private constructor(parts: StoryParts, store: StoreFactory) {
    this.#parts = parts;
    this.#pace = paceFor(parts.stage.place.store, parts.toCount.files.length);
    // Never started: it only submits and reads.
    this.#queue = new FleetQ<Steps>({ store, podId: 'demo', ...this.#pace.timing });
  }

  static async of(parts: StoryParts): Promise<Story> {
    return new Story(parts, await storeAt(parts.stage.place));
  }

  get #total(): number {
    return this.#parts.toCount.files.length;
  }

  /** Runs to the end, or until `signal` aborts. In both cases no process is left. */
  async run(signal: AbortSignal): Promise<Summary> {
    signal.throwIfAborted();
    const interrupted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    try {
      return await Promise.race([this.#run(), interrupted]);
    } finally {
      await Promise.all(this.#pods.map((pod) => pod.end()));
      await this.#queue.stop();
    }
  }

  async #run(): Promise<Summary> {
    const { toCount, folder, stage, progress } = this.#parts;
    const { keptBack } = this.#pace;
    const { root, files } = toCount;
    progress.print(`${files.length.toLocaleString('en')} files below ${root}, three pods, ${stage.what}`);
    this.#pods.push(...POD_IDS.map((podId) => new PodProcess(folder, podId, stage.place)));
    await this.#until('the pods are ready', () => this.#pods.every((pod) => pod.state === 'alive'));
    // Some files are kept back until a pod is frozen: submitting them shows that the others can still write.
    await this.#submit(files.slice(keptBack));
    await this.#until('a third is done', ({ completed }) => completed >= this.#total / 3);
    const killed = await this.#killLeader();
    await this.#until('half is done', ({ completed }) => completed >= this.#total / 2);
    await this.#freezeOne(files.slice(0, keptBack));
    await this.#until('all is done', ({ completed }) => completed >= this.#files.size);
    await this.#until('the frozen pod has tried', () => this.#entries().some(({ what }) => what === 'refused'));
    const steps = await this.#steps();
    await Promise.all(this.#pods.map((pod) => pod.stop()));
    this.#refresh();
    progress.print('every pod has stopped; comparing with an independent pass');
    return summarize({ root, files: this.#files, steps, entries: this.#entries(), killed, seconds: this.#seconds });
  }

  async #submit(files: readonly string[]): Promise<void> {
    const ids = await this.#queue.submitMany(
      files.map((file) => ({
        type: 'count_file',
        args: { root: this.#parts.toCount.root, file, waitMs: this.#pace.waitMs },
      })),
    );
    ids.forEach((stepId, i) => this.#files.set(stepId, files[i] ?? ''));
  }

  async #killLeader(): Promise<{ podId: string; at: number }> {
    const { currentLeader } = await this.#queue.leader();
    const leader = this.#pods.find((pod) => pod.podId === currentLeader);
    if (leader === undefined) throw new Error(`no pod leads: ${String(currentLeader)}`);
    await this.#until('the leader holds steps', () => leader.ledger.underWay.length > 0);
    leader.kill();
    const at = Date.now();
    this.#parts.progress.print(
      `${leader.podId}, the leader, was killed with SIGKILL; it was running ${leader.ledger.underWay.length} steps`,
    );
    return { podId: leader.podId, at };
  }

  /** Freezes a pod that runs steps until it has been declared dead, then resumes it. */
  async #freezeOne(files: readonly string[]): Promise<void> {
    const pod = this.#pods.filter((each) => each.state === 'alive').at(-1);
    const others = this.#pods.filter((each) => each !== pod && each.state === 'alive');
    if (pod === undefined) throw new Error('no pod is alive');
    let rest = files;
    for (;;) {
      await this.#until('it holds steps', () => pod.ledger.underWay.length > 0);
      pod.freeze();
      const settled = (): number =>
        others.reduce((sum, each) => sum + each.ledger.entries.filter(({ what }) => what === 'settled').length, 0);
      this.#refresh();
      const before = settled();
      const third = Math.ceil(files.length / 3);
      const [batch, later] = [rest.slice(0, third), rest.slice(third)];
      const submitting = this.#submit(batch);
      rest = later;
      const goesOn = await this.#within(this.#pace.goesOnMs, () => settled() > before);
      if (goesOn && pod.ledger.underWay.length > 0) {
        await submitting;
        break;
      }
      pod.thaw(); // frozen inside a transaction, it would hold the file
      await submitting;
    }
    this.#parts.progress.print(
      `${pod.podId} was frozen with SIGSTOP; it was running ${pod.ledger.underWay.length} steps`,
    );
    await this.#submit(rest);
    await this.#until('its steps were taken back', () =>
      this.#entries().some(({ what, deadPods }) => what === 'recovered' && deadPods?.includes(pod.podId) === true),
    );
    this.#parts.progress.print(`${pod.podId} was declared dead; resuming it with SIGCONT`);
    pod.thaw();
  }

  async #steps(): Promise<Map<string, Step>> {
    const steps = new Map<string, Step>();
    for await (const step of this.#queue.listSteps({ pageSize: 1_000 })) steps.set(step.stepId, step);
    return steps;
  }

  get #seconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 100) / 10;
  }

  #refresh(): void {
    for (const pod of this.#pods) pod.ledger.refresh();
  }

  #entries() {
    return this.#pods.flatMap((pod) => pod.ledger.entries);
  }

  async #until(what: string, test: (snapshot: { completed: number }) => boolean): Promise<void> {
    for (;;) {
      const { completedSteps: completed, claimedSteps: claimed, currentLeader: leader } = await this.#queue.stats();
      this.#refresh();
      this.#parts.progress.draw({
        seconds: this.#seconds,
        total: this.#total,
        completed,
        claimed,
        leader,
        pods: this.#pods,
      });
      if (test({ completed })) return;
      if (this.#seconds * 1_000 > this.#pace.timeLimitMs) throw new Error(`waited too long: ${what}`);
      await pause(this.#pace.pollEveryMs);
    }
  }

  async #within(ms: number, test: () => boolean): Promise<boolean> {
    for (const end = performance.now() + ms; performance.now() < end;) {
      this.#refresh();
      if (test()) return true;
      await pause(20);
    }
    return false;
  }
}
