/**
 * Checks an account: creates a schema, runs the measurements and the conformance suite within the budget, and drops the schema.
 *
 * Invariants:
 * - The schema is dropped whatever happens: a failure, a budget that is reached, a signal.
 * - A part starts only if the time that it takes at most fits into the budget. If one takes longer, it is ended when the budget is
 *   used up.
 * - After a fatal answer nothing else is measured.
 */
import { FleetQError } from '../../src/errors.js';
import { Secrets } from '../../src/store/snowflake/session/secrets.js';
import { LiveAccount, showWarehouse } from './account.js';
import { Budget } from './budget.js';
import type { RunConformance } from './conformance/run.js';
import type { Measurement } from './measurement.js';
import { Redaction } from './redaction.js';
import type { LeftOut, LiveReport, Result } from './report.js';
import { OwnSchema } from './schema.js';
import { connecting, type Connect, type LiveSession } from './session.js';
import { settingsOf, type Settings } from './settings.js';
import type { Target } from './variables.js';
import { warehouseFrom, type Warehouse } from './warehouse.js';

export interface CheckOptions {
  readonly target: Target;
  readonly measurements: readonly Measurement[];
  /** The groups of the conformance suite; none: it is not run. */
  readonly groups: readonly string[];
  readonly mayAlterWarehouse: boolean;
  readonly runConformance: RunConformance;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** A line about the progress, for the person who waits. */
  readonly log: (line: string) => void;
  /** Replaces the driver's sessions. */
  readonly connectWith?: (connect: Connect) => Connect;
  readonly now?: () => number;
}

/** The account cannot be checked: the sign-in, the warehouse or a grant. Nothing was left behind. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
}

/** How long the conformance suite needs at least to say anything. */
const CONFORMANCE_MINUTES = 2;
const LEAST_STALE_MS = 500;
/** Longer than a test takes between two of its calls: in statements, and in waits for late reads. */
const TICK = { statements: 40, waits: 8 };

/** @throws CheckError */
export async function checkAccount(options: CheckOptions): Promise<LiveReport> {
  const { target, signal, now = () => performance.now() } = options;
  const secrets = new Secrets();
  let statements = 0;
  const driver = connecting(target.connection, secrets, () => statements++);
  const connect = options.connectWith?.(driver) ?? driver;
  const redaction = new Redaction(secrets);
  const { settings, warehouse } = await lookAround(connect, target, redaction);
  const budget = new Budget({
    ...{ maxCredits: target.maxCredits, maxMinutes: target.maxMinutes, creditsPerHour: warehouse.creditsPerHour, now },
    tailSeconds: warehouse.autoSuspendSeconds ?? 0,
    statements: () => statements,
  });
  const schema = new OwnSchema(target.database, connect);
  redaction.learn('schema', schema.place.schema);
  const run = new Run(options, budget, redaction);
  let failure: Error | undefined;
  try {
    if (budget.fits(0) && !signal.aborted) {
      await schema.create().catch((error: unknown) => {
        throw new CheckError(`The schema could not be created: ${(error as Error).message}`);
      });
      await run.all(connect, schema, warehouse);
    }
  } finally {
    failure = await schema.drop();
    if (failure !== undefined) sayHowToDrop(options.log, schema, failure);
  }
  const { creditsPerHour, size, autoSuspendSeconds = null } = warehouse;
  return {
    settings: redaction.applyTo(settings),
    warehouse: { size, creditsPerHour, autoSuspendSeconds },
    results: run.results(),
    conformance: run.conformance ?? { leftOut: run.whyNot },
    budget: {
      ...{ credits: budget.credits, maxCredits: target.maxCredits, minutes: budget.minutes },
      ...{ maxMinutes: target.maxMinutes, statements: budget.statements, reached: run.budgetReached },
    },
    interrupted: signal.aborted,
    schemaDropped: failure === undefined,
  };
}

/** The measurements of one check, and what became of them. */
class Run {
  readonly #options: CheckOptions;
  readonly #budget: Budget;
  readonly #redaction: Redaction;
  readonly #results = new Map<string, Result>();
  #isRefused = false;
  #wasCut = false;
  #isFull = false;
  #conformance: LiveReport['conformance'] | undefined;

  constructor(options: CheckOptions, budget: Budget, redaction: Redaction) {
    this.#options = options;
    this.#budget = budget;
    this.#redaction = redaction;
  }

  get conformance(): LiveReport['conformance'] | undefined {
    return this.#conformance;
  }

  /** Why the next part does not run. */
  get whyNot(): LeftOut {
    if (this.#isRefused) return 'refused';
    if (this.#options.signal.aborted) return 'interrupted';
    return this.#options.groups.length === 0 && this.#options.measurements.length === this.#results.size
      ? 'not asked for'
      : 'budget';
  }

  /** Whether anything was left out, or cut short, because of the budget. */
  get budgetReached(): boolean {
    if (this.#isRefused || this.#options.signal.aborted) return false;
    const isConformanceMissing = this.#options.groups.length > 0 && this.#conformance === undefined;
    return this.#wasCut || isConformanceMissing || this.#results.size < this.#options.measurements.length;
  }

  async all(connect: Connect, schema: OwnSchema, warehouse: Warehouse): Promise<void> {
    const { signal, mayAlterWarehouse, measurements } = this.#options;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      this.#wasCut = true;
      stop.abort();
    }, this.#budget.remainingMs);
    const both = AbortSignal.any([signal, stop.signal]);
    const { place } = schema;
    const resumed = () => this.#budget.resumed();
    const { log } = this.#options;
    const account = new LiveAccount({ connect, place, warehouse, mayAlterWarehouse, signal: both, resumed, log });
    // Ends what runs, so that the measurement fails at once.
    both.addEventListener('abort', () => void account.close(), { once: true });
    try {
      await account.lookAtRest();
      for (const measurement of measurements) await this.#measure(measurement, account, both);
      if (!both.aborted) await this.#conform(account, schema, both);
    } finally {
      clearTimeout(timer);
      await account.close();
    }
  }

  async #measure(measurement: Measurement, account: LiveAccount, signal: AbortSignal): Promise<void> {
    const { name, question, assumed, minutes } = measurement;
    // Once one does not fit, no later one runs, so that none runs on an account whose first answers are missing.
    this.#isFull ||= !this.#budget.fits(minutes);
    if (this.#isRefused || this.#isFull || signal.aborted) return;
    const { log } = this.#options;
    const start = performance.now();
    let outcome: Pick<Result, 'verdict' | 'answer'> & Partial<Result>;
    try {
      outcome = await unlessAborted(measurement.run(account), signal);
    } catch (error) {
      if (signal.aborted) return;
      outcome = { verdict: 'failed', answer: (error as Error).message.replace(/\s+/g, ' ').slice(0, 300) };
    }
    const seconds = (performance.now() - start) / 1_000;
    const { verdict, answer, evidence = [], figures = {} } = outcome;
    this.#results.set(name, { name, question, assumed, verdict, answer, evidence, figures, seconds });
    log(`${name}: ${verdict} (${seconds.toFixed(1)} s). ${answer}`);
    if (verdict === 'fatal') this.#isRefused = true;
  }

  async #conform(account: LiveAccount, { place }: OwnSchema, signal: AbortSignal): Promise<void> {
    const { groups, runConformance, log } = this.#options;
    if (groups.length === 0 || this.#isRefused || this.#isFull || !this.#budget.fits(CONFORMANCE_MINUTES)) return;
    log(`conformance suite: ${groups.join(', ')}`);
    const latestMs = this.#results.get('late-reads')?.figures['latestMs'] ?? 0;
    const staleReadMs = Math.max(LEAST_STALE_MS, 3 * latestMs);
    const tickMs = Math.round(TICK.statements * (await account.floorMs()) + TICK.waits * staleReadMs);
    const totals = await runConformance(groups, { ...place, staleReadMs, tickMs }, signal);
    this.#conformance = { ...totals, failures: this.#redaction.applyTo(totals.failures) };
    log(`conformance suite: ${totals.passed} passed, ${totals.failed} failed`);
  }

  /** Also those that did not run. */
  results(): Result[] {
    return this.#options.measurements.map(({ name, question, assumed }) => {
      const found = this.#results.get(name);
      if (found !== undefined) return this.#redaction.applyTo(found);
      const answer = `left out: ${this.whyNot}`;
      return { name, question, assumed, verdict: 'left out', answer, evidence: [], figures: {}, seconds: 0 };
    });
  }
}

/** What the account says of itself. Nothing here needs a warehouse. @throws CheckError */
async function lookAround(
  connect: Connect,
  { connection, database }: Target,
  redaction: Redaction,
): Promise<{ readonly settings: Settings; readonly warehouse: Warehouse }> {
  const session = await connect().catch((error: unknown) => {
    throw new CheckError(`The sign-in failed: ${(error as Error).message}`);
  });
  try {
    const { rows } = await session.run(
      'SELECT CURRENT_WAREHOUSE() AS warehouse_name, CURRENT_ROLE() AS role_name, CURRENT_USER() AS user_name, CURRENT_ACCOUNT() AS account_name',
    );
    const text = (column: string) => (rows[0]?.[column] ?? undefined) as string | undefined;
    const name = text('WAREHOUSE_NAME');
    for (const [kind, ...names] of [
      ['account', connection?.account, text('ACCOUNT_NAME')],
      ['user', connection?.username, text('USER_NAME')],
      ['role', connection?.role, text('ROLE_NAME')],
      ['warehouse', connection?.warehouse, name],
      ['database', database],
      ['host', connection?.accessUrl, hostOf(connection?.accessUrl)],
    ] as const) {
      for (const one of names) redaction.learn(kind, one);
    }
    if (name === undefined) {
      throw new CheckError('The session has no warehouse: it does not exist, or its use is not granted to the role.');
    }
    return { settings: await settingsOf(session, name), warehouse: await warehouseOf(session, name) };
  } catch (error) {
    if (error instanceof CheckError || error instanceof FleetQError) throw error;
    throw new CheckError(`The account could not be looked at: ${(error as Error).message}`);
  } finally {
    await session.close();
  }
}

async function warehouseOf(session: LiveSession, name: string): Promise<Warehouse> {
  const { rows } = await session.run(showWarehouse(name));
  const row = rows.find((one) => one['name'] === name);
  const warehouse = row && warehouseFrom(row);
  if (warehouse !== undefined) return warehouse;
  const why = row === undefined ? 'SHOW WAREHOUSES does not show it' : `its size is ${String(row['size'])}`;
  throw new CheckError(`What the warehouse costs is not known, so no budget can be kept: ${why}.`);
}

function hostOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).host : undefined;
}

function sayHowToDrop(log: (line: string) => void, schema: OwnSchema, failure: Error): void {
  log(`The schema could not be dropped: ${failure.message}\nDrop it by hand: ${schema.dropStatement};`);
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => {}); // its session was closed
  }
}
