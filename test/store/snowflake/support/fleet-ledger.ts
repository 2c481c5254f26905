/** Records what a fleet has done, by its events, its handlers and the table. The three must agree. */
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
  /** How often each step was reported as completed. */
  readonly completed = new Map<string, number>();
  /** For each step, the attempts that its handler was started for. */
  readonly #runs = new Map<string, number[]>();
  /** For each step, its distinct claims, each by its token and version. */
  readonly #claims = new Map<string, Set<string>>();

  /** For each pod and step, the newest claim. */
  readonly #held = new Map<string, Claim>();
  /** Claims whose handler was aborted because its pod reported them as lost, with the time. */
  readonly #aborted: { readonly pod: string; readonly claim: Claim; readonly at: number }[] = [];
  /** When each pod has fenced itself. It then aborts claims that it may still hold. */
  readonly #fenced: { readonly pod: string; readonly at: number }[] = [];
  readonly #settled = new Set<string>();

  announced(id: string): void {
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

  /** How many handlers were aborted for a claim that their pod no longer held. */
  get abortedAsLost(): number {
    return this.#lost().length;
  }

  /**
   * Steps whose handler was aborted although the claim was still held: a settlement of the same claim was accepted later, so
   * the row was still claimed by it.
   */
  wrongAborts(): string[] {
    return this.#lost().flatMap(({ claim }) => (this.#settled.has(nameOf(claim)) ? [claim.stepId] : []));
  }

  #lost() {
    const isFenced = (pod: string, at: number) =>
      this.#fenced.some((one) => one.pod === pod && Math.abs(one.at - at) < NEAR_MS);
    return this.#aborted.filter(({ pod, at }) => !isFenced(pod, at));
  }

  /** How many attempts were started more than once, which at-least-once execution allows. */
  get ranTwice(): number {
    return [...this.#runs.values()].reduce((sum, attempts) => sum + attempts.length - new Set(attempts).size, 0);
  }

  /**
   * The faults of the table, step by step. Empty if each of `ids` was settled as completed exactly once.
   *
   * Until housekeeping removes duplicates, a step may have pending rows beside its completed row. A duplicate may have been
   * claimed before it turned out not to be the first row, and its version is lost when it is removed. So the runs are compared
   * with the claims, not with the versions.
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
      else if (this.completed.get(id) !== 1) say(`was reported as completed ${this.completed.get(id) ?? 0} times`);
      // Only a claimed step runs, and each claim runs once.
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
