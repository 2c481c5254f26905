/**
 * Pods with the scheme of the Python FLEET-Q: a heartbeat every 30 s, a check for the leader every 60 s, a claim by an UPDATE every 5 s,
 * and an UPDATE for each finished step. A statement that fails is tried again at the next turn; one that settles a step, after a second.
 */
import { sleep } from '../../../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { ProcessLink } from '../../box/process-link.js';
import { FakeConnection } from '../../warehouse/traffic/fake-connection.js';
import type { ModelledWarehouse } from '../../warehouse/traffic/modelled-warehouse.js';
import type { Measures } from '../measures.js';
import type { Scenario } from '../scenario.js';
import type { NaiveStatement } from './naive-statements.js';

const HEARTBEAT_MS = 30_000;
const LEADER_CHECK_MS = 60_000;
const CLAIM_MS = 5_000;
const AGAIN_MS = 1_000;

type Row = Readonly<Record<string, unknown>>;

export class NaiveFleet {
  readonly #root: VirtualRuntime;
  readonly #warehouse: ModelledWarehouse;
  readonly #measures: Measures;
  readonly #scenario: Scenario;
  #ready = 0;

  constructor(root: VirtualRuntime, warehouse: ModelledWarehouse, measures: Measures, scenario: Scenario) {
    this.#root = root;
    this.#warehouse = warehouse;
    this.#measures = measures;
    this.#scenario = scenario;
  }

  /** How many pods have started. */
  get ready(): number {
    return this.#ready;
  }

  begin(withinMs: number): void {
    const { pods } = this.#scenario;
    for (let i = 0; i < pods; i++) {
      this.#root.after((i * withinMs) / pods, () => {
        const pod = new NaivePod(`p${i}`, this.#root, this.#warehouse, this.#measures, this.#scenario);
        void pod.run().then(() => this.#ready++);
      });
    }
  }

  replace(): void {
    throw new Error('the naive scheme has no heads');
  }
}

class NaivePod {
  readonly #name: string;
  readonly #root: VirtualRuntime;
  readonly #connection: FakeConnection;
  readonly #measures: Measures;
  readonly #scenario: Scenario;
  readonly #running = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  #requests = 0;

  constructor(
    name: string,
    root: VirtualRuntime,
    warehouse: ModelledWarehouse,
    measures: Measures,
    scenario: Scenario,
  ) {
    this.#name = name;
    this.#root = root;
    this.#connection = new FakeConnection(warehouse, root, new ProcessLink(name, root));
    this.#measures = measures;
    this.#scenario = scenario;
  }

  async run(): Promise<void> {
    await new Promise<void>((resolve) => this.#connection.connect(() => resolve()));
    void this.#every(HEARTBEAT_MS, () => this.#send('heartbeat'));
    void this.#every(LEADER_CHECK_MS, () => this.#send('leader'));
    void this.#every(CLAIM_MS, () => this.#claim());
  }

  async #claim(): Promise<void> {
    const most = this.#scenario.slots - this.#running.size;
    if (most <= 0) return;
    await this.#send('claim', { most });
    for (const { ID } of await this.#send('claimed')) {
      const stepId = String(ID);
      if (this.#running.has(stepId)) continue;
      this.#running.add(stepId);
      void this.#work(stepId);
    }
  }

  async #work(stepId: string): Promise<void> {
    this.#measures.started(stepId);
    await sleep(this.#root, this.#scenario.stepMs);
    this.#measures.ended(stepId);
    for (;;) {
      const settled = await this.#send('settle', { stepId }).then(
        () => true,
        () => false,
      );
      if (settled) break;
      await sleep(this.#root, AGAIN_MS);
    }
    this.#measures.settled(stepId);
    this.#running.delete(stepId);
  }

  /** A connection runs one statement at a time. */
  #send(statement: NaiveStatement, bind: object = {}): Promise<readonly Row[]> {
    const sent = this.#queue.then(
      () =>
        new Promise<readonly Row[]>((resolve, reject) => {
          this.#connection.execute({
            sqlText: statement,
            requestId: `${this.#name}-${this.#requests++}`,
            binds: [JSON.stringify({ pod: this.#name, ...bind })],
            complete: (error, _statement, rows) => (error === undefined ? resolve(rows ?? []) : reject(error)),
          });
        }),
    );
    this.#queue = sent.catch(() => {}); // its caller gets the error
    return sent;
  }

  async #every(ms: number, work: () => Promise<unknown>): Promise<void> {
    await sleep(this.#root, ms * this.#root.random());
    for (;;) {
      const begunAt = this.#root.monotonicMs();
      await work().catch(() => {}); // tried again at the next turn
      await sleep(this.#root, begunAt + ms - this.#root.monotonicMs());
    }
  }
}
