/** One pod: it runs steps in its slots, and exchanges by the rules of src/store/snowflake/combining. */
import { claimCounts } from '../../../../../src/pool/planning/prefetch.js';
import { mustLook } from '../../../../../src/store/snowflake/combining/asking.js';
import type { Pacer } from '../../../../../src/store/snowflake/combining/pacer.js';
import type { RecentTokens } from '../../../../../src/store/snowflake/combining/recent-tokens.js';
import { nextMove } from '../../../../../src/store/snowflake/combining/turn.js';
import { LockBackoff } from '../../../../../src/store/snowflake/session/lock-backoff.js';
import type { ModelClock } from './model-clock.js';
import type { Claim, Look, Request, Tables, View } from './tables.js';
import type { Warehouse } from './warehouse.js';

export interface PodDependencies {
  readonly clock: ModelClock;
  readonly warehouse: Warehouse;
  readonly tables: Tables;
  readonly pacer: Pacer;
  readonly tokens: RecentTokens;
  /** How late a read is, in ms. */
  readonly lateness: () => number;
  readonly pods: number;
  readonly slots: number;
  readonly stepMs: number;
  /** Whether the prefetch counts on the longest round trip of late, or on a mean. */
  readonly roundTrip: 'longest' | 'mean';
  /** Whether refused INSERTs lengthen the interval. */
  readonly eases: boolean;
  readonly onStarted: (step: number) => void;
  readonly onSettled: (ms: number) => void;
}

const BATCH = 500;
const NEWEST_WEIGHT = 0.3;
const HEARTBEAT_MS = { least: 30_000, perPod: 440 };

export class Pod {
  readonly #id: number;
  readonly #deps: PodDependencies;
  readonly #ready: Claim[] = [];
  readonly #outcomes = new Map<Claim, number>();
  readonly #backoff = new LockBackoff();
  #running = 0;
  #completed = false;
  #tokens = 0;
  #ownUpdateAt = 0;
  #exchangedAt = -Infinity;
  #sawWork = false;
  #intervalMs = 0;
  #roundTripMs = 0;
  #loggedAt = -Infinity;
  #notBefore = 0;
  #wake: (() => void) | undefined;
  /** Unknown claims that a heartbeat has shown, by token and step. */
  #unknown = new Set<string>();

  constructor(id: number, deps: PodDependencies) {
    this.#id = id;
    this.#deps = deps;
  }

  async run(startAfterMs: number): Promise<never> {
    const { clock, pacer, pods } = this.#deps;
    pacer.counted(pods);
    await clock.wait(startAfterMs);
    void this.#beat();
    for (;;) {
      const seen = await this.#exchange();
      const pace = pacer.paceAfter(this.#exchangedAt, clock.now, BATCH, this.#jitter());
      this.#notBefore = clock.now + pace.waitMs;
      if (this.#mustExchange()) await clock.wait(pace.waitMs);
      else if (seen === undefined) await this.#nudged(Infinity);
      else await this.#nudged(Math.max(1, pace.idleMs ?? 0));
      if (this.#outcomes.size > 0) await clock.wait(Math.max(0, this.#notBefore - clock.now));
    }
  }

  #mustExchange(): boolean {
    return this.#outcomes.size > 0 || (this.#sawWork && this.#claim() !== undefined);
  }

  #claim(): { readonly free: number; readonly prefetch: number } | undefined {
    const { slots, stepMs, pacer, clock } = this.#deps;
    const counts = claimCounts({
      slots,
      busy: this.#running,
      unstarted: this.#ready.length,
      startable: this.#ready.length,
      rate: this.#completed ? slots / stepMs : 0,
      intervalMs: Math.max(this.#intervalMs, this.#roundTripMs, 1.25 * pacer.intervalMs(clock.now)),
      roundTripMs: this.#roundTripMs,
      maxPrefetch: 5_000,
      batch: BATCH,
    });
    return counts.free + counts.prefetch > 0 ? counts : undefined;
  }

  /** @returns what it has seen last; `undefined` if there was nothing to do */
  async #exchange(): Promise<Look | undefined> {
    const { clock, pacer } = this.#deps;
    const claim = this.#claim();
    if (this.#outcomes.size === 0) {
      if (claim === undefined) return undefined;
      if (!this.#sawWork || mustLook(pacer.readAgeMs(clock.now))) {
        const seen = await this.#look([]);
        if (!this.#asks(seen, claim.free)) {
          this.#sawWork = false;
          return seen;
        }
      }
    }
    this.#began();
    const request = this.#request();
    const outcomes = new Map(this.#outcomes);
    const seen = pacer.path(clock.now) === 'log' ? await this.#logged(request) : await this.#direct(request);
    const owed = new Set(seen.owed);
    for (const [settled, endedAt] of outcomes) {
      if (owed.has(settled)) continue;
      this.#outcomes.delete(settled);
      this.#deps.onSettled(clock.now - endedAt);
    }
    this.#ended();
    return seen;
  }

  #asks({ overdue }: Look, free: number): boolean {
    const { pacer, clock } = this.#deps;
    return pacer.asks(overdue, free, clock.random());
  }

  #began(): void {
    const { now } = this.#deps.clock;
    if (this.#exchangedAt > -Infinity && this.#running > 0) {
      this.#intervalMs += NEWEST_WEIGHT * (now - this.#exchangedAt - this.#intervalMs);
    }
    this.#exchangedAt = now;
  }

  #ended(): void {
    const tookMs = this.#deps.clock.now - this.#exchangedAt;
    if (this.#deps.roundTrip === 'longest') this.#roundTripMs = Math.max(tookMs, 0.9 * this.#roundTripMs);
    else this.#roundTripMs += NEWEST_WEIGHT * (tookMs - this.#roundTripMs);
  }

  #request(): Request {
    const token = `${this.#id}.${this.#tokens++}`;
    const { free = 0, prefetch = 0 } = this.#claim() ?? {};
    const { tokens, clock, pacer } = this.#deps;
    tokens.use(token, clock.now);
    const slotMs = pacer.measurements.exchangeSlotMs;
    return { pod: this.#id, token, free, prefetch, outcomes: [...this.#outcomes.keys()], slotMs };
  }

  async #direct(request: Request): Promise<Look> {
    for (let tries = 1; !(await this.#update(request)); tries++) await this.#pause(tries);
    return this.#look(request.outcomes);
  }

  async #logged(request: Request): Promise<Look> {
    const { clock, pacer, warehouse } = this.#deps;
    if (!pacer.knowsClient(clock.now)) {
      const startedAt = clock.now;
      await warehouse.answer();
      pacer.answered(clock.now - startedAt, clock.now);
    }
    let slotMs = await this.#log(request);
    const loggedAt = clock.now;
    for (let served = false; ;) {
      const startedAt = clock.now;
      const seen = await this.#look(request.outcomes, request.token);
      slotMs += pacer.measurements.ran(clock.now - startedAt);
      const turn = { place: seen.owed.length > 0 && seen.place === 'served' ? 'behind' : seen.place, rank: seen.older };
      const waitedMs = clock.now - loggedAt;
      const move = nextMove({ ...turn, waitedMs }, pacer.measurements, clock.random());
      if (served || move.kind === 'finish') {
        pacer.measurements.exchanged(slotMs);
        return seen;
      }
      if (move.kind === 'look') await clock.wait(move.afterMs);
      else if (move.kind === 'log') slotMs += await this.#log(request);
      else {
        served = await this.#update();
        if (!served) await clock.wait(pacer.measurements.updateMs * (1 + clock.random()));
      }
    }
  }

  async #log(request: Request): Promise<number> {
    const { clock, pacer, warehouse, tables, eases } = this.#deps;
    let startedAt = clock.now;
    let tries = 1;
    while (!(await warehouse.insert(() => tables.log(request)))) {
      await this.#pause(tries++);
      startedAt = clock.now;
    }
    this.#loggedAt = clock.now;
    pacer.logged(eases ? tries - 1 : 0, clock.now);
    return pacer.measurements.ran(clock.now - startedAt);
  }

  async #update(own?: Request): Promise<boolean> {
    const { clock, warehouse, tables, pacer } = this.#deps;
    const startedAt = clock.now;
    const isTaken = await warehouse.update(() => {
      const { rows, commit } = tables.serve(this.#view(), own);
      return {
        rows,
        commit: () => {
          commit();
          this.#ownUpdateAt = clock.now;
        },
      };
    });
    if (!isTaken) {
      pacer.waited(clock.now);
      return false;
    }
    const tookMs = clock.now - startedAt;
    pacer.measurements.updated(tookMs);
    this.#backoff.updated(tookMs);
    return true;
  }

  async #look(settled: readonly Claim[], token?: string): Promise<Look> {
    const { clock, warehouse, tables, tokens, pacer } = this.#deps;
    const startedAt = clock.now;
    const asked = tokens.at(startedAt);
    const overdueMs = pacer.intervalMs(startedAt);
    const seen = await warehouse.select(() => tables.look(this.#view(), asked, settled, overdueMs, token));
    pacer.measurements.selected(clock.now - startedAt);
    pacer.looked(seen, clock.now);
    this.#sawWork = seen.overdue > 0;
    this.#take(tokens.fresh(seen.claims));
    return seen;
  }

  #take(claims: readonly Claim[]): void {
    const { tokens, clock } = this.#deps;
    tokens.had(claims, clock.now);
    this.#ready.push(...claims);
    this.#start();
  }

  #start(): void {
    const { slots, stepMs, clock, onStarted } = this.#deps;
    while (this.#running < slots) {
      const claim = this.#ready.shift();
      if (claim === undefined) return;
      this.#running++;
      onStarted(claim.step);
      clock.after(stepMs * (0.5 + clock.random()), () => {
        this.#running--;
        this.#completed = true;
        this.#outcomes.set(claim, clock.now);
        this.#start();
        this.#wake?.();
      });
    }
  }

  /** Two heartbeats in a row that show a claim which the pod does not know make it known. */
  async #beat(): Promise<never> {
    const { clock, warehouse, tables, tokens, pods } = this.#deps;
    const everyMs = Math.max(HEARTBEAT_MS.least, HEARTBEAT_MS.perPod * pods);
    for (;;) {
      await clock.wait(everyMs * this.#jitter());
      if (clock.now - this.#loggedAt > 0.9 * everyMs) await warehouse.insert(() => undefined);
      const held = await warehouse.select(() => tables.heldBy(this.#id, (claim) => tokens.fresh([claim]).length === 0));
      const keyOf = ({ claimToken, stepId }: Claim) => `${claimToken} ${stepId}`;
      this.#take(tokens.fresh(held.filter((claim) => this.#unknown.has(keyOf(claim)))));
      this.#unknown = new Set(held.map(keyOf));
    }
  }

  #view(): View {
    const { clock, lateness } = this.#deps;
    const at = Math.max(0, clock.now - lateness());
    return { pod: this.#id, now: clock.now, at, own: Math.max(at, this.#ownUpdateAt) };
  }

  async #pause(tries: number): Promise<void> {
    const { clock } = this.#deps;
    await clock.wait(this.#backoff.pause({ tries, waitedMs: 0 }, clock.random()));
  }

  #nudged(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (ms < Infinity) this.#deps.clock.after(ms, resolve);
    });
  }

  #jitter(): number {
    return 0.9 + 0.2 * this.#deps.clock.random();
  }
}
