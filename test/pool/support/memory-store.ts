/** A small, correct store of steps in memory, with its requests and rows in the open for the pool's tests. */
import type { Runtime } from '../../../src/runtime/runtime.js';
import type {
  FreshClaim,
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  PodRef,
  Receipt,
  Settlement,
  SleepRhythm,
} from '../../../src/store/contract.js';

export interface Row {
  stepId: string;
  type: string;
  payload: string;
  status: 'pending' | 'claimed' | 'completed' | 'failed' | 'cancelled';
  priority: number;
  retryCount: number;
  maxRetries: number;
  crashes: number;
  version: number;
  runAt: number;
  createdAt: number;
  claimToken: string | null;
  incarnation: string | null;
  settled: string | null;
  result: string | null;
  error: string | null;
}

export interface StepGiven {
  readonly args?: unknown;
  readonly payload?: string;
  readonly priority?: number;
  readonly maxRetries?: number;
  readonly crashes?: number;
  readonly delayMs?: number;
}

export class MemoryStore {
  readonly rows = new Map<string, Row>();
  readonly requests: ExchangeRequest[] = [];
  readonly staleReadMs: number;
  readonly sleep?: SleepRhythm;
  pace: ExchangeReply['pace'] = { waitMs: 0, batch: 250 };
  /** What one exchange takes, by the clock. */
  latencyMs = 0;
  /** Runs before each exchange; may throw. */
  before: (request: ExchangeRequest) => Promise<void> | void = () => undefined;
  /** Runs after it, before the reply; may throw. */
  after: (request: ExchangeRequest) => Promise<void> | void = () => undefined;
  readonly #runtime: Runtime;

  constructor(runtime: Runtime, staleReadMs = 0, sleep?: SleepRhythm) {
    this.#runtime = runtime;
    this.staleReadMs = staleReadMs;
    if (sleep !== undefined) this.sleep = sleep;
  }

  add(stepId: string, type: string, given: StepGiven = {}): void {
    const payload = given.payload ?? JSON.stringify({ type, args: given.args });
    const now = this.#runtime.monotonicMs();
    this.rows.set(stepId, {
      ...{ stepId, type, payload, status: 'pending', priority: given.priority ?? 0, retryCount: 0 },
      ...{ maxRetries: given.maxRetries ?? 3, crashes: given.crashes ?? 0, version: 1 },
      ...{ runAt: now + (given.delayMs ?? 0), createdAt: now, claimToken: null, incarnation: null, settled: null },
      ...{ result: null, error: null },
    });
  }

  addMany(count: number, type: string, given: StepGiven = {}): string[] {
    const ids = Array.from({ length: count }, (_, i) => `${type}-${String(i).padStart(5, '0')}`);
    for (const id of ids) this.add(id, type, given);
    return ids;
  }

  row(stepId: string): Row {
    return this.rows.get(stepId)!;
  }

  count(status: Row['status']): number {
    return [...this.rows.values()].filter((row) => row.status === status).length;
  }

  /** What the store says that this incarnation holds. */
  held(pod: PodRef): Fence[] {
    return [...this.rows.values()]
      .filter((row) => row.status === 'claimed' && row.incarnation === pod.incarnation)
      .map(({ stepId, claimToken, version }) => ({ stepId, claimToken: claimToken!, version }));
  }

  /** Somebody else takes the step away from its holder. */
  requeue(stepId: string): void {
    Object.assign(this.row(stepId), { status: 'pending', claimToken: null, incarnation: null });
    this.row(stepId).version++;
  }

  cancel(stepId: string): void {
    const row = this.row(stepId);
    Object.assign(row, { status: 'cancelled', version: row.version + 1 });
  }

  cancelled = async (stepIds: readonly string[]): Promise<{ stepId: string; agoMs: number }[]> =>
    stepIds.filter((id) => this.rows.get(id)?.status === 'cancelled').map((stepId) => ({ stepId, agoMs: 5 }));

  exchange = async (request: ExchangeRequest): Promise<ExchangeReply> => {
    this.requests.push(request);
    await this.before(request);
    if (this.latencyMs > 0) await new Promise<void>((r) => this.#runtime.after(this.latencyMs, r));
    const reply = this.#apply(request);
    await this.after(request);
    return reply;
  };

  #apply({ pod, settlements, claim, readBack }: ExchangeRequest): ExchangeReply {
    const receipts = settlements.map((settlement) => this.#settle(pod, settlement));
    const back = [...this.rows.values()].filter((r) => r.status === 'claimed' && r.claimToken === readBack);
    const claims = [
      ...back.map((row) => claimOf(row, this.#now())),
      ...(claim === undefined ? [] : this.#claim(pod, claim)),
    ];
    const due = this.#pending().filter((row) => claim === undefined || claim.types.has(row.type));
    const nextDueInMs = due.length === 0 ? null : Math.max(0, Math.min(...due.map((row) => row.runAt)) - this.#now());
    const isQuiet = this.sleep !== undefined && claim !== undefined && this.count('claimed') === 0 && nextDueInMs !== 0;
    const quiet = { census: String(this.rows.size) };
    return { receipts, claims, nextDueInMs, ...(isQuiet && { quiet }), pace: this.pace };
  }

  #claim(pod: PodRef, demand: ClaimRequest): FreshClaim[] {
    const left = new Map(demand.types);
    let { free, prefetch } = demand;
    let quarantine: number = demand.quarantine;
    const taken: Row[] = [];
    const due = this.#pending().filter((row) => row.runAt <= this.#now());
    for (const row of due.sort(
      (a, b) => b.priority - a.priority || a.runAt - b.runAt, // stable: among equals in the order of submission
    )) {
      const most = left.get(row.type) ?? 0;
      if (most === 0 || taken.length >= this.pace.batch) continue;
      if (row.crashes >= 2 && quarantine === 0) continue;
      if (free > 0) free--;
      else if (prefetch > 0 && row.crashes === 0) prefetch--;
      else continue;
      if (row.crashes >= 2) quarantine--;
      left.set(row.type, most - 1);
      Object.assign(row, { status: 'claimed', claimToken: demand.token, incarnation: pod.incarnation });
      row.version++;
      taken.push(row);
    }
    return taken.map((row) => claimOf(row, this.#now()));
  }

  #settle(pod: PodRef, s: Settlement): Receipt {
    const row = this.rows.get(s.stepId);
    const name = JSON.stringify([s.claimToken, s.version, pod.incarnation]);
    if (row === undefined) return 'lost';
    if (row.settled === name) return 'settled';
    if (row.status === 'cancelled') return 'cancelled';
    const held = row.status === 'claimed' && row.claimToken === s.claimToken && row.version === s.version;
    if (!held || row.incarnation !== pod.incarnation) return 'lost';
    Object.assign(row, { status: s.status, settled: name, result: s.result, error: s.error, claimToken: null });
    if (s.delayMs !== null) row.runAt = this.#now() + s.delayMs;
    row.retryCount += s.charge;
    row.crashes += s.crash;
    row.version++;
    return 'settled';
  }

  #pending(): Row[] {
    return [...this.rows.values()].filter((row) => row.status === 'pending');
  }

  #now(): number {
    return this.#runtime.monotonicMs();
  }
}

function claimOf(row: Row, now: number): FreshClaim {
  const { stepId, type, payload, priority, retryCount, maxRetries, crashes, version, runAt, createdAt } = row;
  return {
    ...{ stepId, type, payload, priority, retryCount, maxRetries, crashes, version, runAt, createdAt },
    claimToken: row.claimToken!,
    dueForMs: Math.max(0, now - runAt),
  };
}
