/** A real store whose idle pods sleep, with a change token and a row count that a test sets. */
import type { SleepRhythm, Store } from '../../../src/store/contract.js';

const RHYTHM: SleepRhythm = {
  quietForMs: 30_000,
  pollIntervalMs: 10_000,
  checkIntervalMs: 3_600_000,
  lookIntervalMs: 21_600_000,
};

export class SleepyStore {
  rhythm = RHYTHM;
  token = 'token-1';
  rows = 0;
  /** Makes the question for the token fail. */
  pulseFails = false;
  pulses = 0;
  censuses = 0;

  over(store: Store): Store {
    const own: Record<string, unknown> = {
      sleep: this.rhythm,
      pulse: () => {
        this.pulses++;
        return this.pulseFails ? Promise.reject(new Error('no answer')) : Promise.resolve(this.token);
      },
      census: () => {
        this.censuses++;
        return Promise.resolve(String(this.rows));
      },
    };
    return new Proxy(store, {
      get: (target, key) => {
        if (Object.hasOwn(own, key)) return own[String(key)];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}
