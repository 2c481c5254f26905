/**
 * Runs the demo: a fleet of pods, and one step for each file that is to be counted, on the given store.
 *
 * After a third of the steps it kills pods with SIGKILL: the head of the exchange log, if the store has one, while its UPDATE
 * serves other pods; then the leader, which would have taken back the steps of the first. Later it freezes another pod with SIGSTOP while that pod
 * runs steps. When the other pods have declared it dead, it resumes that pod, which then tries to settle steps that it has
 * lost. At the end it compares every result with an independent pass over the same files.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { FleetQ, type Step, type StoreFactory } from '../../index.js';
import type { FileToCount } from './count-file.js';
import type { FilesToCount } from './files-to-count.js';
import type { Entry } from './ledger.js';
import { PodProcess } from './pod-process.js';
import type { Progress } from './progress.js';
import { paceFor, podIds, storeAt, type Pace } from './settings.js';
import type { HeadOfLog, Stage } from './stage.js';
import { summarize, type Kill, type Summary } from './summary.js';

type Steps = { count_file: { args: FileToCount; result: unknown } };

export interface StoryParts {
  readonly stage: Stage;
  /** How many pods. */
  readonly pods: number;
  readonly toCount: FilesToCount;
  /** Where the pods keep their ledgers. */
  readonly folder: string;
  readonly progress: Progress;
}

/** A pod that was frozen, and steps that it ran then. */
interface Frozen {
  readonly pod: PodProcess;
  readonly held: ReadonlySet<string>;
}

/** How many slow steps are submitted before a pod is frozen, and how many others while it is. */
const SLOW = 2;
const WHILE_FROZEN = 4;
/** How often steps are submitted until a pod serves the requests of others, and how long each time it may take. */
const HEAD_TRIES = 8;
const HEAD_WITHIN_MS = 10_000;

export class Story {
  readonly #parts: StoryParts;
  readonly #pace: Pace;
  readonly #queue: FleetQ<Steps>;
  readonly #startedAt = performance.now();
  readonly #pods: PodProcess[] = [];
  readonly #files = new Map<string, string>();

  private constructor(parts: StoryParts, store: StoreFactory) {
    this.#parts = parts;
    this.#pace = paceFor(parts.stage.place.store, parts.toCount.files.length, parts.pods);
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
    const { toCount, folder, stage, progress, pods } = this.#parts;
    const { keptBack } = this.#pace;
    const { root, files } = toCount;
    progress.print(`${files.length.toLocaleString('en')} files below ${root}, ${pods} pods, ${stage.what}`);
    this.#pods.push(...podIds(pods).map((podId) => new PodProcess(folder, podId, stage.place)));
    await this.#until('the pods are ready', () => this.#pods.every((pod) => pod.state === 'alive'));
    // Half of the files come once the leader can be killed, so that it has steps to run however slow this process is. Some
    // come only when a pod is frozen: submitting them shows that the others can still write.
    const kept = files.slice(0, keptBack);
    const half = files.slice(keptBack, keptBack + Math.ceil(files.length / 2));
    await this.#submit(half);
    await this.#until('a third is done', ({ completed }) => completed >= this.#total / 3);
    const rest = files.slice(keptBack + half.length);
    const forHead = stage.headOfLog === undefined ? [] : rest.splice(0, Math.ceil(rest.length / 2));
    const headKill = stage.headOfLog === undefined ? [] : [await this.#killHead(stage.headOfLog, forHead)];
    const kills = [...headKill, await this.#killLeader(rest, kept)];
    await this.#until('half is done', ({ completed }) => completed >= this.#total / 2);
    const { pod, held } = await this.#freezeOne(kept);
    await this.#until('all is done', ({ completed }) => completed >= this.#files.size);
    await this.#until('the frozen pod has tried', () =>
      pod.ledger.has('refused', ({ stepId = '' }) => held.has(stepId)),
    );
    const steps = await this.#steps();
    await Promise.all(this.#pods.map((pod) => pod.stop()));
    this.#refresh();
    progress.print('every pod has stopped; comparing with an independent pass');
    return summarize({ root, files: this.#files, steps, entries: this.#entries(), kills, seconds: this.#seconds });
  }

  async #submit(files: readonly string[], slowMs?: number): Promise<readonly string[]> {
    const { waitMs } = this.#pace;
    const { root } = this.#parts.toCount;
    const ids = await this.#queue.submitMany(
      files.map((file) => ({
        type: 'count_file',
        args: { root, file, waitMs: slowMs ?? waitMs },
        priority: slowMs === undefined ? 0 : 1, // before all that wait
      })),
    );
    ids.forEach((stepId, i) => this.#files.set(stepId, files[i] ?? ''));
    return ids;
  }

  /** Kills the pod whose UPDATE serves the requests of others. The UPDATE runs only after that, and nobody gets its reply. */
  async #killHead(headOfLog: NonNullable<Stage['headOfLog']>, files: string[]): Promise<Kill> {
    const head = await this.#headAtWork(headOfLog, files);
    const pod = this.#pods.find(({ podId }) => podId === head.podId);
    if (pod === undefined) throw new Error(`no pod of the demo serves the requests: ${head.podId}`);
    pod.kill();
    const at = Date.now();
    await pod.ended;
    head.goOn();
    this.#refresh();
    this.#parts.progress.print(
      `${pod.podId}, the head of the exchange log, was killed with SIGKILL while it served ${head.serves} other pods; ` +
        `it was running ${pod.ledger.underWay.length} steps`,
    );
    return { podId: pod.podId, reason: 'head of the log', at };
  }

  /** Submits the files little by little, so that pods go on asking for steps, and the rest when it has found the head. */
  async #headAtWork(headOfLog: NonNullable<Stage['headOfLog']>, files: string[]): Promise<HeadOfLog> {
    const { currentLeader } = await this.#queue.leader();
    const found = headOfLog(currentLeader);
    const atATime = Math.ceil(files.length / HEAD_TRIES);
    for (let tries = 0; tries < HEAD_TRIES; tries++) {
      await this.#submit(files.splice(0, atATime));
      const head = await Promise.race([found, pause(HEAD_WITHIN_MS, undefined, { ref: false })]);
      if (head === undefined) continue;
      await this.#submit(files);
      return head;
    }
    throw new Error('waited too long: a pod serves the requests of others');
  }

  /** @param kept files to take slow steps from, should the leader run none of `files` */
  async #killLeader(files: readonly string[], kept: string[]): Promise<Kill> {
    const leader = await this.#leaderAtWork(files, kept);
    leader.kill();
    const at = Date.now();
    this.#parts.progress.print(
      `${leader.podId}, the leader, was killed with SIGKILL; it was running ${leader.ledger.underWay.length} steps`,
    );
    return { podId: leader.podId, reason: 'leader', at };
  }

  async #leaderAtWork(files: readonly string[], kept: string[]): Promise<PodProcess> {
    const { slowMs } = this.#pace;
    await this.#submit(files);
    for (;;) {
      const { currentLeader } = await this.#queue.leader();
      const leader = this.#alive.find((pod) => pod.podId === currentLeader);
      const atWork = await this.#within(slowMs, () => (leader?.ledger.underWay.length ?? 0) > 0 || undefined);
      if (leader !== undefined && atWork !== undefined) return leader;
      if (kept.length <= SLOW) throw new Error(`the leader runs no steps: ${String(currentLeader)}`);
      await this.#submit(kept.splice(0, SLOW), slowMs);
    }
  }

  /**
   * Freezes a pod that runs slow steps until it has been declared dead, then resumes it.
   *
   * The settlement of any other step may already be on its way: the store would accept it while the pod is frozen.
   *
   * @returns the pod, and the steps that it has lost
   */
  async #freezeOne(files: readonly string[]): Promise<Frozen> {
    const frozen = await this.#freezeInTime(files);
    const { pod, held } = frozen;
    this.#parts.progress.print(
      `${pod.podId} was frozen with SIGSTOP; it was running ${pod.ledger.underWay.length} steps`,
    );
    await this.#until('its steps were taken back', () =>
      this.#entries().some(({ what, stepIds }) => what === 'recovered' && stepIds?.some((id) => held.has(id)) === true),
    );
    this.#parts.progress.print(`${pod.podId} was declared dead; resuming it with SIGCONT`);
    pod.thaw();
    return frozen;
  }

  /** Tries until a pod is frozen inside slow steps, while the others go on. Submits all files. */
  async #freezeInTime(files: readonly string[]): Promise<Frozen> {
    const rest = [...files];
    while (rest.length > 0) {
      const slow = await this.#submit(rest.splice(0, SLOW), this.#pace.slowMs);
      const pod = await this.#within(this.#pace.slowMs, () =>
        this.#alive.find((each) => this.#heldBy(each, slow).size > 0),
      );
      if (pod === undefined) continue;
      pod.freeze();
      this.#refresh();
      const held = this.#heldBy(pod, slow);
      const before = this.#settledByAlive;
      const submitting = this.#submit(rest.splice(0, WHILE_FROZEN));
      const goesOn = await this.#within(this.#pace.goesOnMs, () => this.#settledByAlive > before || undefined);
      if (goesOn !== undefined && held.size > 0) {
        await submitting;
        await this.#submit(rest);
        return { pod, held };
      }
      pod.thaw(); // frozen inside a transaction, it would hold the file
      await submitting;
    }
    throw new Error('no pod could be frozen while it ran a step and the others went on');
  }

  get #alive(): readonly PodProcess[] {
    return this.#pods.filter(({ state }) => state === 'alive');
  }

  get #settledByAlive(): number {
    return this.#alive.reduce((sum, { ledger }) => sum + ledger.entries.filter(isSettled).length, 0);
  }

  /** The slow steps that the pod runs, and will run for some time: their settlement cannot be on its way. */
  #heldBy({ ledger }: PodProcess, slow: readonly string[]): ReadonlySet<string> {
    const since = Date.now() - this.#pace.slowMs / 2;
    return new Set(
      ledger.underWay.filter(
        (id) => slow.includes(id) && ledger.has('started', ({ stepId, at }) => stepId === id && at > since),
      ),
    );
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

  /** @returns what `test` returns, or `undefined` if that is all it returns within this time */
  async #within<T>(ms: number, test: () => T | undefined): Promise<T | undefined> {
    for (const end = performance.now() + ms; performance.now() < end;) {
      this.#refresh();
      const result = test();
      if (result !== undefined) return result;
      await pause(20);
    }
    return undefined;
  }
}

const isSettled = ({ what }: Entry): boolean => what === 'settled';
