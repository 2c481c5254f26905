/** Brings steps into the table, without a statement that would disturb the fleet. */
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { newRowId } from '../warehouse/statements/step-rows.js';
import type { StepRow } from '../warehouse/tables.js';
import type { Measures } from './measures.js';
import type { Load, Scenario } from './scenario.js';

/** How often steps come. */
const TICK_MS = 100;
/** In a saturated fleet, how many steps wait unclaimed for each slot: more than its pods ask for at a time. */
const SURPLUS = 30;
const URGENT = 1;

export interface LoadParts {
  readonly root: VirtualRuntime;
  readonly measures: Measures;
  readonly insert: (rows: readonly StepRow[]) => void;
  /** How many steps are due and not claimed. */
  readonly unclaimed: () => number;
  readonly scenario: Scenario;
}

export class LoadGenerator {
  readonly #parts: LoadParts;
  #inserted = 0;
  #made = 0;

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** How many steps that are measured were submitted. */
  get made(): number {
    return this.#made;
  }

  /** Begins the load at `from`, in ms. */
  begin(from: number): void {
    const { root, scenario } = this.#parts;
    const { load } = scenario;
    if (load.kind === 'burst') return void root.after(from, () => this.#submit(load.steps));
    if (load.kind === 'lone') return void root.after(from, () => this.#submit(1));
    const tick = (): void => {
      if (load.kind === 'urgent') this.#insert(this.#missing(), 'b');
      else this.#submit(this.#wanted());
      root.after(TICK_MS, tick);
    };
    root.after(from, tick);
    if (load.kind === 'urgent') this.#urgent(load);
  }

  #urgent(load: Load & { readonly kind: 'urgent' }): void {
    const { root } = this.#parts;
    root.after(load.everyMs, () => {
      this.#submit(load.steps, URGENT);
      this.#urgent(load);
    });
  }

  #wanted(): number {
    const { scenario, root } = this.#parts;
    const { load, stepMs } = scenario;
    if (load.kind === 'saturated') return this.#missing();
    const mean = load.kind === 'share' ? (load.of * this.#places * TICK_MS) / stepMs : 0;
    return poisson(mean, () => root.random());
  }

  /** How many steps the backlog of a saturated fleet is short of. */
  #missing(): number {
    return Math.max(0, SURPLUS * this.#places - this.#parts.unclaimed());
  }

  get #places(): number {
    const { pods, busyPods = pods, slots } = this.#parts.scenario;
    return busyPods * slots;
  }

  /** Steps that are measured. */
  #submit(count: number, priority = 0): void {
    this.#made += count;
    for (const stepId of this.#insert(count, 's', priority)) this.#parts.measures.due(stepId);
  }

  #insert(count: number, letter: string, priority = 0): readonly string[] {
    if (count <= 0) return [];
    const { root, insert } = this.#parts;
    const now = root.wallMs();
    const stepIds = Array.from({ length: count }, () => `${letter}${String(this.#inserted++).padStart(9, '0')}`);
    insert(stepIds.map((stepId) => rowOf(stepId, now, priority)));
    return stepIds;
  }
}

/** How many events come at random if so many come on average (Knuth, for small means; the normal approximation above). */
function poisson(mean: number, random: () => number): number {
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  const limit = Math.exp(-mean);
  let [count, product] = [0, random()];
  while (product > limit) {
    count++;
    product *= random();
  }
  return count;
}

/** The payload of each of them. */
const PAYLOAD = { type: 'work' };
const PAYLOAD_TEXT = JSON.stringify(PAYLOAD);

/**
 * One literal with all columns, also those of `UNTOUCHED`: a saturated fleet of a thousand pods takes millions of rows. A row that
 * spreads them took 20 to 24 us when it was measured, one that is written out 0.4 us.
 */
function rowOf(step_id: string, now: number, priority: number): StepRow {
  return {
    step_id,
    row_id: newRowId(now, step_id),
    status: 'pending',
    claimed_by: null,
    last_update_ts: now,
    payload: PAYLOAD,
    retry_count: 0,
    priority,
    created_ts: now,
    max_retries: 3,
    version: 0,
    step_type: PAYLOAD.type,
    run_at: now,
    far_run_at: null,
    crashes: 0,
    claim_token: null,
    claimed_incarnation: null,
    claimed_ts: null,
    settled_token: null,
    settled_version: null,
    settled_by: null,
    earlier_settlements: null,
    submit_token: null,
    submit_index: null,
    payload_text: PAYLOAD_TEXT,
    result: null,
    error: null,
  };
}
