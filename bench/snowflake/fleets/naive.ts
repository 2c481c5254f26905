/**
 * A fleet with the scheme of the Python FLEET-Q: each pod sends a heartbeat every 30 s, checks for the leader every 60 s,
 * claims by an UPDATE every 5 s, and settles each step by an UPDATE of its own. A statement that fails is tried again at the next turn; one
 * that settles a step is tried again after a second.
 */
import type { Warehouse } from '../warehouse.js';
import { Driver } from '../../../test/support/warehouse/driver.js';
import { SUBMITTER, type FleetOptions, type RunningFleet, type Scheme, type SettledStep } from './fleet.js';

const HEARTBEAT_S = 30;
const LEADER_CHECK_S = 60;
const CLAIM_S = 5;
const AGAIN_S = 1;

const TABLES = [
  `CREATE TABLE POD_HEALTH (pod_id VARCHAR, birth_ts TIMESTAMP_NTZ, last_heartbeat_ts TIMESTAMP_NTZ, status VARCHAR)`,
  `CREATE TABLE STEP_TRACKER (step_id VARCHAR, status VARCHAR, claimed_by VARCHAR, last_update_ts TIMESTAMP_NTZ, priority NUMBER(38,0))`,
];
const HEARTBEAT = `UPDATE POD_HEALTH SET last_heartbeat_ts = SYSDATE() WHERE pod_id = ?`;
const LEADER = `SELECT pod_id FROM POD_HEALTH WHERE status = 'up' ORDER BY birth_ts LIMIT 1`;
const claim = (most: number) => `UPDATE STEP_TRACKER SET status = 'claimed', claimed_by = ?, last_update_ts = SYSDATE()
FROM (SELECT step_id AS id FROM STEP_TRACKER WHERE status = 'pending' ORDER BY priority DESC, step_id LIMIT ${most}) due
WHERE STEP_TRACKER.step_id = due.id AND STEP_TRACKER.status = 'pending'`;
const CLAIMED = `SELECT step_id AS id FROM STEP_TRACKER WHERE claimed_by = ? AND status = 'claimed'`;
const SETTLE = `UPDATE STEP_TRACKER SET status = 'completed', last_update_ts = SYSDATE() WHERE step_id = ? AND claimed_by = ?`;

export const naive: Scheme = {
  name: 'naive',
  async start(warehouse, { pods, slots, stepSeconds }: FleetOptions): Promise<RunningFleet> {
    const settled: SettledStep[] = [];
    const submitter = await Driver.connect(warehouse.connection);
    await submitter.run(`ALTER SESSION SET QUERY_TAG = '${SUBMITTER}'`);
    for (const table of TABLES) await submitter.run(table);
    const all = await Promise.all(
      Array.from({ length: pods }, async (_, n) => {
        const pod = new NaivePod(warehouse, `pod-${n}`, slots, stepSeconds, settled);
        await pod.start();
        return pod;
      }),
    );
    let submitted = 0;
    const submit = async (count: number, status: 'pending' | 'held') => {
      const ids = Array.from({ length: count }, () => `step-${String(submitted++).padStart(9, '0')}`);
      await submitter.run(
        `INSERT INTO STEP_TRACKER (step_id, status, last_update_ts, priority)
SELECT f.value::VARCHAR, '${status}', SYSDATE(), 0 FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`,
        [JSON.stringify(ids)],
      );
    };
    return {
      settled,
      asleep: 0,
      lookSeconds: CLAIM_S,
      get begunAt() {
        return Math.max(...all.map(({ begunAt }) => begunAt));
      },
      get begun() {
        return all.reduce((sum, { begun }) => sum + begun, 0);
      },
      submit: (count) => submit(count, 'pending'),
      submitHeld: (count) => submit(count, 'held'),
      async release() {
        await submitter.run(`UPDATE STEP_TRACKER SET status = 'pending' WHERE status = 'held'`);
      },
      async stop() {
        await Promise.all(all.map((pod) => pod.stop()));
        await submitter.close();
      },
    };
  },
};

class NaivePod {
  begun = 0;
  begunAt = -Infinity;
  readonly #warehouse: Warehouse;
  readonly #name: string;
  readonly #slots: number;
  readonly #stepSeconds: number;
  readonly #settled: SettledStep[];
  readonly #running = new Set<string>();
  readonly #loops: Promise<void>[] = [];
  #driver: Driver | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #ends = false;

  constructor(warehouse: Warehouse, name: string, slots: number, stepSeconds: number, settled: SettledStep[]) {
    this.#warehouse = warehouse;
    this.#name = name;
    this.#slots = slots;
    this.#stepSeconds = stepSeconds;
    this.#settled = settled;
  }

  async start(): Promise<void> {
    this.#driver = await Driver.connect(this.#warehouse.connection);
    await this.#send(
      `INSERT INTO POD_HEALTH (pod_id, birth_ts, last_heartbeat_ts, status) SELECT ?, SYSDATE(), SYSDATE(), 'up'`,
      [this.#name],
    );
    this.#loops.push(
      this.#every(HEARTBEAT_S, () => this.#send(HEARTBEAT, [this.#name])),
      this.#every(LEADER_CHECK_S, () => this.#send(LEADER)),
      this.#every(CLAIM_S, () => this.#claim()),
    );
  }

  async stop(): Promise<void> {
    this.#ends = true;
    await Promise.all(this.#loops);
    await this.#queue.catch(() => {});
    await this.#driver?.close();
  }

  async #claim(): Promise<void> {
    const free = this.#slots - this.#running.size;
    if (free <= 0) return;
    await this.#send(claim(free), [this.#name]);
    for (const { ID } of await this.#send(CLAIMED, [this.#name])) {
      const id = String(ID);
      if (this.#running.has(id)) continue;
      this.#running.add(id);
      void this.#run(id);
    }
  }

  async #run(id: string): Promise<void> {
    this.begun++;
    this.begunAt = this.#warehouse.now;
    if (this.#stepSeconds > 0) await this.#warehouse.pass(this.#stepSeconds);
    const endedAt = this.#warehouse.now;
    while (!this.#ends) {
      const done = await this.#send(SETTLE, [id, this.#name]).then(
        () => true,
        () => false,
      );
      if (done) {
        this.#settled.push({ endedAt, settledAt: this.#warehouse.now });
        break;
      }
      await this.#warehouse.pass(AGAIN_S);
    }
    this.#running.delete(id);
  }

  /** A connection runs one statement at a time. */
  #send(sql: string, binds: readonly string[] = []): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const sent = this.#queue.catch(() => {}).then(() => this.#driver!.run(sql, [...binds]));
    this.#queue = sent;
    return sent;
  }

  async #every(seconds: number, work: () => Promise<unknown>): Promise<void> {
    await this.#warehouse.pass(seconds * Math.random());
    while (!this.#ends) {
      const begunAt = this.#warehouse.now;
      await work().catch(() => {});
      // In parts, so that the end is noticed.
      for (let left = begunAt + seconds - this.#warehouse.now; left > 0 && !this.#ends; left -= 1) {
        await this.#warehouse.pass(Math.min(1, left));
      }
    }
  }
}
