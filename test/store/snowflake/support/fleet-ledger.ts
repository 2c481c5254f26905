/** What a fleet has done, by its events, its handlers and the table. The three must agree. */
import type { Claim, Fence, Receipt } from '../../../../src/store/contract.js';
import type { Driver } from '../../../support/warehouse/driver.js';

/** One row of STEP_TRACKER. */
interface Row {
  readonly id: string;
  readonly status: string;
  readonly version: number;
  readonly settledVersion: number | null;
  readonly settled: boolean;
}

/** A pod that fences itself aborts its handlers and says so within this time. */
const NEAR_MS = 1_000;

export class Ledger {
  /** How often each step was told as completed. */
  readonly completed = new Map<string, number>();
  /** Of each step, the attempts that its handler was begun for. */
  readonly #runs = new Map<string, number[]>();
  /** Of each step, the claims that a store has handed out: each by its token and version, however often it was shown. */
  readonly #claims = new Map<string, Set<string>>();

  /** Of each pod, the newest claim that it was given of each step. */
  readonly #held = new Map<string, Claim>();
  /** Claims whose handler was aborted because its pod no longer held them, as it said; and when. */
  readonly #aborted: { readonly pod: string; readonly claim: Claim; readonly at: number }[] = [];
  /** When each pod has fenced itself: then it aborts what it may well hold. */
  readonly #fenced: { readonly pod: string; readonly at: number }[] = [];
  readonly #settled = new Set<string>();

  told(id: string): void {
    this.completed.set(id, (this.completed.get(id) ?? 0) + 1);
  }

  ran(id: string, attempt: number): void {
    this.#runs.set(id, [...(this.#runs.get(id) ?? []), attempt]);
  }

  claimed(pod: string, claim: Claim): void {
    const claims = this.#claims.get(claim.stepId) ?? new Set();
    this.#claims.set(claim.stepId, claims.add(nameOf(claim)));
    this.#held.set(`${pod} ${claim.stepId}`, claim);
  }

  /** The store's receipt for a settlement. */
  received(fence: Fence, receipt: Receipt | undefined): void {
    if (receipt === 'settled') this.#settled.add(nameOf(fence));
  }

  aborted(pod: string, id: string): void {
    const claim = this.#held.get(`${pod} ${id}`);
    if (claim !== undefined) this.#aborted.push({ pod, claim, at: performance.now() });
  }

  fenced(pod: string): void {
    this.#fenced.push({ pod, at: performance.now() });
  }

  /** How many handlers were aborted for a claim that their pods held no longer. */
  get abortedAsLost(): number {
    return this.#lost().length;
  }

  /**
   * Steps whose handler was aborted for a claim that was held all the same: a settlement of that very claim was accepted
   * later, so its row had stood claimed by it.
   */
  wrongAborts(): string[] {
    return this.#lost().flatMap(({ claim }) => (this.#settled.has(nameOf(claim)) ? [claim.stepId] : []));
  }

  #lost() {
    const isFenced = (pod: string, at: number) =>
      this.#fenced.some((one) => one.pod === pod && Math.abs(one.at - at) < NEAR_MS);
    return this.#aborted.filter(({ pod, at }) => !isFenced(pod, at));
  }

  /** How many attempts were begun more than once: what at-least-once allows. */
  get ranTwice(): number {
    return [...this.#runs.values()].reduce((sum, attempts) => sum + attempts.length - new Set(attempts).size, 0);
  }

  /**
   * What is wrong with the table, step by step; nothing where each of `ids` was settled as completed, and once. Beside its
   * completed row a step may have others that wait: duplicates, until housekeeping removes them. What they were claimed for
   * before they turned out not to be the first goes with them, so the runs are held against the claims, not the versions.
   */
  async complaints(driver: Driver, ids: readonly string[]): Promise<string[]> {
    const rows = await rowsOf(driver);
    const complaints = [...rows.keys()].filter((id) => !ids.includes(id)).map((id) => `${id}: nobody submitted it`);
    for (const id of ids) {
      const all = rows.get(id) ?? [];
      const ended = all.filter(({ status }) => status === 'completed');
      const say = (what: string) => void complaints.push(`${id}: ${what} ${JSON.stringify(all)}`);
      if (all.length === 0) say('is lost');
      else if (ended.length !== 1) say(`has ${ended.length} rows that say completed`);
      else if (!isConsistent(ended[0]!)) say('has versions that do not fit');
      else if (all.some((row) => row !== ended[0] && row.status !== 'pending')) say('has a second row that went on');
      else if (this.completed.get(id) !== 1) say(`was told as completed ${this.completed.get(id) ?? 0} times`);
      // Nobody runs what was not claimed, and no claim twice.
      else if (sizeOf(this.#runs, id) > sizeOf(this.#claims, id)) say(`ran ${sizeOf(this.#runs, id)} times`);
    }
    return complaints;
  }
}

const nameOf = ({ stepId, claimToken, version }: Fence): string => `${stepId} ${claimToken} ${version}`;

function sizeOf(of: ReadonlyMap<string, readonly unknown[] | ReadonlySet<unknown>>, id: string): number {
  return [...(of.get(id) ?? [])].length;
}

/** A completed row was pending, claimed and settled in turn, and keeps what settled it: its version before. */
function isConsistent({ version, settledVersion, settled }: Row): boolean {
  return settled && version >= 2 && version % 2 === 0 && settledVersion === version - 1;
}

async function rowsOf(driver: Driver): Promise<Map<string, Row[]>> {
  const rows = new Map<string, Row[]>();
  const found = await driver.run(
    'SELECT step_id, status, version, settled_version, settled_token, settled_by FROM STEP_TRACKER',
  );
  for (const row of found) {
    const id = String(row['STEP_ID']);
    const one: Row = {
      id,
      status: String(row['STATUS']),
      version: Number(row['VERSION']),
      settledVersion: row['SETTLED_VERSION'] === null ? null : Number(row['SETTLED_VERSION']),
      settled: row['SETTLED_TOKEN'] !== null && row['SETTLED_BY'] !== null,
    };
    rows.set(id, [...(rows.get(id) ?? []), one]);
  }
  return rows;
}
