/** Pods on the test bed that run short steps, what becomes of each step, and pods that freeze or die in the middle of an exchange. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetQ, type AnyFleetQ, type Logger } from 'fleet-q';
import { expect, onTestFinished } from 'vitest';
import { systemRuntime, type Runtime } from '../../../../src/runtime/runtime.js';
import type { Combining } from '../../../../src/store/snowflake/combining/pacer.js';
import type { Driver } from '../../../support/warehouse/driver.js';
import { refusals } from '../../../support/warehouse/wire-replies.js';
import { combining } from './direct-scheme.js';
import type { UsedStores } from './stores.js';

export const PATIENCE = { timeout: 90_000, interval: 50 };
/** The UPDATE that serves requests. */
const SERVING = /^UPDATE\b[^]*EXCHANGE_REQUEST/;
const STEP_MS = 20;
/** Of one pod. */
export const SLOTS = 10;

export interface PodOptions {
  /** Default: `'always'`. */
  readonly combines?: Combining;
  readonly runtime?: Runtime;
  /** Default: a minute, so that no slow machine has a pod evicted. */
  readonly deadAfterMs?: number;
}

/** What a pod has said, by level. */
interface Said {
  readonly podId: string;
  readonly level: 'warn' | 'error';
  readonly line: object;
  readonly message: string;
}

export interface FrozenPod {
  /** It sends and receives again, and so does what the network has held. */
  thaw(): void;
}

export class CombiningFleet {
  readonly queues = new Map<string, AnyFleetQ>();
  /** By step, the pods that have started it. */
  readonly ran = new Map<string, string[]>();
  /** By step, how it was reported to have ended, each time. */
  readonly ended = new Map<string, string[]>();
  readonly said: Said[] = [];
  /** Pods that took themselves for dead. */
  readonly fenced: string[] = [];
  readonly submitted: string[] = [];
  readonly #used: UsedStores;
  /** What a handler returns for the args of its step. */
  readonly #result: (args: unknown) => unknown;

  constructor(used: UsedStores, result: (args: unknown) => unknown = () => undefined) {
    this.#used = used;
    this.#result = result;
  }

  /** Starts pods one after the other, so that the first is the oldest. */
  async start(podIds: readonly string[], options: PodOptions = {}): Promise<void> {
    for (const podId of podIds) await this.#pod(podId, options).start();
  }

  async submit(count: number, by: string, args: unknown = null): Promise<string[]> {
    const ids = await this.queues.get(by)!.submitMany(Array.from({ length: count }, () => ({ type: 'work', args })));
    this.submitted.push(...ids);
    return ids;
  }

  /** Resolves when each step has been reported as ended. */
  async done(): Promise<void> {
    await expect.poll(() => this.submitted.filter((id) => !this.ended.has(id)).length, PATIENCE).toBe(0);
  }

  /** Resolves when no row is pending or claimed: a pod that has died reports nothing. */
  async settled(driver: Driver): Promise<void> {
    await this.#none(driver, `status IN ('pending', 'claimed')`);
  }

  /** Resolves when the only rows that are pending or claimed are those that the given holder has claimed. */
  async settledBeside(driver: Driver, holder: string): Promise<void> {
    await this.#none(driver, `status = 'pending' OR (status = 'claimed' AND claimed_by <> '${holder}')`);
  }

  async #none(driver: Driver, condition: string): Promise<void> {
    const count = `SELECT COUNT(*) AS n FROM STEP_TRACKER WHERE ${condition}`;
    await expect.poll(async () => Number((await driver.run(count))[0]!['N']), PATIENCE).toBe(0);
  }

  /** The pods that have started a step. */
  workers(): string[] {
    return [...new Set([...this.ran.values()].flat())].sort();
  }

  /** Nothing is wrong with the steps, once their events have come: a pod emits them after it has read its receipts. */
  async isSound(driver: Driver, dead: readonly string[] = []): Promise<void> {
    await expect.poll(() => this.#complaints(driver, dead), PATIENCE).toEqual([]);
  }

  /**
   * What is wrong with the steps, by their rows, their runs and their events.
   *
   * A row's version grows by one with each claim, and by one with each settlement or recovery.
   *
   * @param dead pods that need not have reported what they have settled
   */
  async #complaints(driver: Driver, dead: readonly string[] = []): Promise<string[]> {
    const rows = new Map<string, { status: string; version: number; by: string }[]>();
    const found = await driver.run('SELECT step_id, status, version, claimed_by FROM STEP_TRACKER');
    for (const { STEP_ID: id, STATUS: status, VERSION: version, CLAIMED_BY: by } of found)
      rows.set(id, [...(rows.get(id) ?? []), { status, version: Number(version), by }]);
    return this.submitted.flatMap((id) => {
      const all = rows.get(id) ?? [];
      const [row] = all;
      const runs = this.ran.get(id)?.length ?? 0;
      const ended = this.ended.get(id)?.join() ?? (dead.includes(row?.by ?? '') ? 'completed' : undefined);
      const isOnce = all.length === 1 && row!.status === 'completed' && ended === 'completed';
      if (isOnce && row!.version % 2 === 0 && runs >= 1 && runs <= row!.version / 2) return [];
      return [`${id}: ran ${runs} times, ended as ${this.ended.get(id)?.join()}, rows ${JSON.stringify(all)}`];
    });
  }

  /** The steps that ran more or less than once. */
  ranTwice(): string[] {
    return this.submitted.filter((id) => this.ran.get(id)?.length !== 1);
  }

  /** The pods that were declared dead. */
  async evicted(driver: Driver): Promise<string[]> {
    const rows = await driver.run(`SELECT DISTINCT pod_id AS p FROM POD_LOG WHERE event = 'evicted' ORDER BY 1`);
    return rows.map((row) => String(row['P']));
  }

  /** Lets none of these pods serve requests, until the returned function is called: their UPDATEs are turned away. */
  turnAway(podIds: readonly string[]): () => void {
    const { faults } = this.#used.bed().proxy;
    const refusal = refusals.tooManyWaiters('STEP_TRACKER', 20);
    const tag = new RegExp(`^(${podIds.join('|')})$`);
    return faults.inject({ kind: 'refused', refusal }, { tag, text: SERVING, times: Infinity });
  }

  /**
   * Freezes a pod around its next UPDATE that serves requests: everything that it sends is held.
   *
   * @param at `request`: the UPDATE has not reached the store yet; `answer`: it has run, and the look after it is still to come
   */
  async freeze(podId: string, at: 'request' | 'answer'): Promise<FrozenPod> {
    const { faults } = this.#used.bed().proxy;
    let release = () => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    const name = `${podId} froze`;
    faults.inject({ kind: 'held', what: at, until }, { tag: podId, text: SERVING, name });
    await this.#happened(name);
    const restore = faults.inject({ kind: 'held', what: 'request', until }, { tag: podId, times: Infinity });
    const thaw = () => {
      restore();
      release();
    };
    onTestFinished(thaw);
    return { thaw };
  }

  /** Cuts a pod off for the rest of the test after its next UPDATE that serves requests: it never learns that the UPDATE has run. */
  async kill(podId: string): Promise<void> {
    const { faults } = this.#used.bed().proxy;
    const name = `${podId} died`;
    faults.inject({ kind: 'lost' }, { tag: podId, text: SERVING, name });
    faults.inject({ kind: 'cut' }, { tag: podId, kinds: ['update'], times: Infinity });
    await this.#happened(name);
    faults.inject({ kind: 'cut' }, { tag: podId, times: Infinity });
    onTestFinished(() => faults.clear());
  }

  async #happened(name: string): Promise<void> {
    const { faults } = this.#used.bed().proxy;
    await expect.poll(() => faults.happened.get(name), { ...PATIENCE, interval: 5 }).toBe(1);
  }

  #pod(podId: string, over: PodOptions): AnyFleetQ {
    const { combines = 'always', runtime = systemRuntime, deadAfterMs = 60_000 } = over;
    const note = (level: Said['level']) => (line: object, message: string) => {
      this.said.push({ podId, level, line, message });
    };
    const logger = { debug() {}, info() {}, warn: note('warn'), error: note('error') } as unknown as Logger;
    const connection = this.#used.options();
    // The tag tells the statements of the pods apart.
    const place = { connection, ...this.#used.place(), queryTag: podId };
    const options = { ...place, staleReadMs: 0, sleep: false, statementSlots: 100 };
    const beats = { heartbeatIntervalMs: 500, deadAfterMs, recoveryIntervalMs: 500 };
    const looks = { claimIntervalMs: 100, idleIntervalMs: 500 };
    const queue = new FleetQ({
      ...{ podId, store: combining(options, combines), runtime, logger, ...beats, ...looks },
      ...{ concurrency: SLOTS, maxPrefetch: 0 },
    });
    queue.register('work', async (args, { stepId }) => {
      add(this.ran, stepId, podId);
      await sleep(STEP_MS);
      return this.#result(args) as never;
    });
    for (const end of ['completed', 'failed'] as const)
      queue.on(`step:${end}`, ({ stepId }) => add(this.ended, stepId, end));
    queue.on('pod:fenced', () => void this.fenced.push(podId));
    onTestFinished(() => queue.stop(), 60_000);
    this.queues.set(podId, queue);
    return queue;
  }
}

function add(lists: Map<string, string[]>, key: string, value: string): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}
