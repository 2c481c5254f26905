/**
 * The demo: three pods, one SQLite file, one step for each file below node_modules.
 *
 * At about a third of the way the leader is killed with SIGKILL. Later another pod is frozen with SIGSTOP while it holds
 * started steps, until its peers have declared it dead, and then resumed, so that it tries to settle what it has lost.
 * At the end every result is compared with an independent pass over the same files.
 *
 * `--json` ends with the summary as one line of JSON; `--files N` takes the first N files only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FleetQ, type Step } from 'fleet-q';
import { filesBelow } from './check.js';
import type { countFile } from './count-file.js';
import { PodProcess } from './pod-process.js';
import { Progress } from './progress.js';
import { storeIn, TIMING } from './settings.js';
import { isGood, summarize, told, type Summary } from './summary.js';

const POD_IDS = ['ada', 'grace', 'linus'];
/** The whole takes about 20 s; a machine on which it takes longer than this is stuck. */
const PATIENCE_MS = 55_000;
const KEPT_BACK = 300;

type Steps = { count_file: { args: Parameters<(typeof countFile)['__in'] & {}>[0]; result: unknown } };

class Demo {
  readonly #root: string;
  readonly #most: number;
  readonly #folder: string;
  readonly #progress: Progress;
  readonly #queue: FleetQ<Steps>;
  readonly #startedAt = performance.now();
  readonly #pods: PodProcess[] = [];
  readonly #files = new Map<string, string>();
  #total = 0;

  constructor(root: string, folder: string, progress: Progress, most: number) {
    this.#root = root;
    this.#most = most;
    this.#folder = folder;
    this.#progress = progress;
    this.#queue = new FleetQ<Steps>({ store: storeIn(folder), podId: 'demo', ...TIMING }); // never started: it only submits and reads
  }

  async run(): Promise<Summary> {
    try {
      const files = filesBelow(this.#root).slice(0, this.#most);
      this.#total = files.length;
      this.#progress.tell(
        `${files.length.toLocaleString('en')} files below ${this.#root}, three pods, one SQLite file`,
      );
      this.#pods.push(...POD_IDS.map((podId) => new PodProcess(this.#folder, podId)));
      await this.#until('the pods are ready', () => this.#pods.every((pod) => pod.state === 'alive'));
      // Some files are kept back until a pod is frozen: submitting them shows that the others can still write.
      await this.#submit(files.slice(KEPT_BACK));
      await this.#until('a third is done', ({ completed }) => completed >= this.#total / 3);
      const killed = await this.#killLeader();
      await this.#until('half is done', ({ completed }) => completed >= this.#total / 2);
      await this.#freezeOne(files.slice(0, KEPT_BACK));
      await this.#until('all is done', ({ completed }) => completed >= this.#files.size);
      await this.#until('the frozen pod has tried', () => this.#entries().some(({ what }) => what === 'refused'));
      const steps = await this.#steps();
      await Promise.all(this.#pods.map((pod) => pod.stop()));
      this.#progress.tell('every pod has stopped; comparing with an independent pass');
      return summarize({
        root: this.#root,
        files: this.#files,
        steps,
        entries: this.#entries(),
        killed,
        seconds: this.#seconds,
      });
    } finally {
      await this.#queue.stop();
      await Promise.all(this.#pods.map((pod) => pod.stop()));
    }
  }

  async #submit(files: readonly string[]): Promise<void> {
    const ids = await this.#queue.submitMany(
      files.map((file) => ({ type: 'count_file', args: { root: this.#root, file } })),
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
    this.#progress.tell(
      `${leader.podId}, the leader, was killed with SIGKILL; it had ${leader.ledger.underWay.length} steps under way`,
    );
    return { podId: leader.podId, at };
  }

  /** Freezes a pod that holds started steps until it has been declared dead, then lets it go on. */
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
      const [batch, later] = [rest.slice(0, 100), rest.slice(100)];
      const submitting = this.#submit(batch);
      rest = later;
      const goesOn = await this.#within(1_000, () => settled() > before);
      if (goesOn && pod.ledger.underWay.length > 0) {
        await submitting;
        break;
      }
      pod.thaw(); // frozen inside a transaction, it would hold the file
      await submitting;
    }
    this.#progress.tell(`${pod.podId} was frozen with SIGSTOP; it has ${pod.ledger.underWay.length} steps under way`);
    await this.#submit(rest);
    await this.#until('its steps were taken back', () =>
      this.#entries().some(({ what, deadPods }) => what === 'recovered' && deadPods?.includes(pod.podId) === true),
    );
    this.#progress.tell(`${pod.podId} was declared dead, and is resumed with SIGCONT`);
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

  async #until(what: string, test: (picture: { completed: number }) => boolean): Promise<void> {
    for (;;) {
      const { completedSteps: completed, claimedSteps: claimed, currentLeader: leader } = await this.#queue.stats();
      this.#refresh();
      this.#progress.draw({ seconds: this.#seconds, total: this.#total, completed, claimed, leader, pods: this.#pods });
      if (test({ completed })) return;
      if (this.#seconds * 1_000 > PATIENCE_MS) throw new Error(`waited too long: ${what}`);
      await pause(100);
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

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, files: { type: 'string', default: 'Infinity' } },
});
const folder = await mkdtemp(path.join(tmpdir(), 'fleet-q-demo-'));
const progress = new Progress(values.json ? process.stderr : process.stdout);
try {
  const summary = await new Demo(path.resolve('node_modules'), folder, progress, Number(values.files)).run();
  progress.tell(told(summary));
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exitCode = isGood(summary) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
