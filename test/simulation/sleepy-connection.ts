/**
 * Lets the pods of a simulation sleep: it adds to their SQLite stores what a store with a warehouse says.
 *
 * The token is derived from the rows: every change of a step raises its version. SQLite's own moves with each heartbeat.
 */
import Database from 'better-sqlite3';
import type { ExchangeReply, ExchangeRequest, SleepRhythm, Store } from '../../src/store/contract.js';

const RHYTHM: SleepRhythm = {
  quietForMs: 3_000,
  pollIntervalMs: 1_000,
  checkIntervalMs: 120_000,
  lookIntervalMs: 600_000,
};

interface Counts {
  readonly rows: number;
  readonly versions: number;
  readonly claimed: number;
}

export class SleepyConnection {
  /** The token that is answered as long as it stands still. */
  frozenToken: string | undefined;
  /** How often pods have asked what needs no warehouse, and how often something else. */
  free = 0;
  paid = 0;
  readonly #database: Database.Database;
  readonly #counts: Database.Statement<[], Counts>;

  constructor(path: string) {
    this.#database = new Database(path, { timeout: 1_000 });
    this.#counts = this.#database.prepare(
      "SELECT count(*) AS rows, coalesce(sum(version), 0) AS versions, coalesce(sum(status = 'claimed'), 0) AS claimed FROM STEP_TRACKER",
    );
  }

  close(): void {
    this.#database.close();
  }

  over(store: Store): Store {
    const own: Partial<Store> = {
      sleep: RHYTHM,
      pulse: () => this.#answer(() => this.frozenToken ?? this.token),
      prune: () => Promise.resolve({ removed: 0, more: false }), // SQLite's runs on a thread, in real time
      census: () => this.#answer(() => String(this.#now().rows)),
      exchange: async (request) => this.#quietOrNot(request, await store.exchange(request)),
    };
    return new Proxy(store, {
      get: (target, key) => {
        if (key === 'exchange' || key === 'heartbeat' || key === 'settle') this.paid++;
        if (Object.hasOwn(own, key)) return own[key as keyof Store];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  get token(): string {
    const { rows, versions } = this.#now();
    return `${rows}/${versions}`;
  }

  #now(): Counts {
    return this.#counts.get() ?? { rows: 0, versions: 0, claimed: 0 };
  }

  #answer(value: () => string): Promise<string> {
    this.free++;
    return Promise.resolve(value());
  }

  #quietOrNot({ claim, settlements }: ExchangeRequest, reply: ExchangeReply): ExchangeReply {
    const { rows, claimed } = this.#now();
    const isQuiet =
      claim !== undefined &&
      settlements.length === 0 &&
      claimed === 0 &&
      reply.claims.length === 0 &&
      reply.nextDueInMs !== 0;
    return isQuiet ? { ...reply, quiet: { census: String(rows) } } : reply;
  }
}
