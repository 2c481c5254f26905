import { LATER, type ModelRequest, type ModelRow, type ModelSettlement } from './exchange-model.js';

/** A seeded world of steps, requests and pods that leave. */
export class World {
  readonly rows: ModelRow[] = [];
  readonly logged: ModelRequest[] = [];
  readonly gone = new Set<string>();
  #seed: number;
  #born = 0;
  #tokens = 0;
  #seq = 100;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** 0 to below `most`. */
  upTo(most: number): number {
    this.#seed = (this.#seed * 1103515245 + 12345) & 0x7fffffff;
    return (this.#seed >> 8) % most;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.upTo(all.length)]!;
  }

  step(id: string): ModelRow {
    const nobody = { token: null, holder: null, settledToken: null, settledVersion: null, settledBy: null };
    const row = `w${this.upTo(1e9)}-${++this.#born}`;
    return {
      id,
      row,
      type: 't',
      priority: 0,
      status: 'pending',
      made: 0,
      nth: 0,
      at: 0,
      retries: 0,
      crashes: 0,
      version: 0,
      ...nobody,
    };
  }

  /** New steps, some of them second rows of old ones, some struck, some not yet due. */
  arrivals(): ModelRow[] {
    const all = Array.from({ length: this.upTo(45) }, () => {
      const id = `r${this.upTo(5) > 0 ? this.#born + 1 : 1 + this.upTo(this.#born + 1)}`;
      const type = this.rows.find((row) => row.id === id)?.type ?? this.pick(['t', 'u', 'v']);
      const at = this.upTo(6) === 0 ? LATER : this.upTo(20); // equals are common
      const crashes = this.upTo(3) > 0 ? 0 : this.upTo(4);
      const step = {
        ...this.step(id),
        type,
        at,
        crashes,
        priority: this.upTo(3),
        retries: this.upTo(2),
        made: this.upTo(3),
        nth: this.upTo(4),
      };
      this.rows.push(step);
      return step;
    });
    return all;
  }

  /** Half of them stay. */
  departure(): string {
    const incarnation = `i${this.upTo(3)}`;
    this.gone.add(incarnation);
    return incarnation;
  }

  request(logged: boolean): ModelRequest {
    const group = this.pick(['g', 'h']);
    const types = group === 'g' ? ['t', 'u'] : ['v', 'u'];
    const request = {
      token: `k${String(++this.#tokens).padStart(5, '0')}`,
      pod: 'p',
      incarnation: `i${this.upTo(6)}`,
      seq: (this.#seq += 2) - (this.upTo(8) === 0 ? 21 : 0), // no two are the same
      group,
      free: this.upTo(5),
      prefetch: this.upTo(4),
      quarantine: this.upTo(2),
      limits: Object.fromEntries(types.filter(() => this.upTo(4) > 0).map((type) => [type, 1 + this.upTo(6)])),
      settlements: this.#settlements(),
    };
    if (logged) this.logged.push(request);
    return request;
  }

  #settlements(): ModelSettlement[] {
    const byStep = new Map<string, ModelSettlement>();
    for (let more = this.upTo(14); more > 0 && this.rows.length > 0; more--) {
      const held = this.rows.filter((row) => row.token !== null);
      const row = this.upTo(3) > 0 && held.length > 0 ? this.pick(held) : this.pick(this.rows);
      const delay = this.upTo(3);
      byStep.set(row.id, {
        id: row.id,
        token: this.upTo(5) > 0 && row.token !== null ? row.token : `k${this.upTo(this.#tokens + 1)}`,
        version: this.upTo(8) > 0 ? row.version : row.version - 1,
        status: this.pick(['completed', 'failed', 'pending', 'pending', 'cancelled']),
        charge: this.upTo(2),
        crash: this.upTo(2),
        ...(delay === 0 ? {} : { delayMs: delay === 1 ? 0 : 18_000_000 }),
      });
    }
    return [...byStep.values()];
  }
}
