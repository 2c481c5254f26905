/**
 * A rolling update, played with real processes under load: the test is the kubelet, the deployment controller and the load
 * balancer, with the times of deploy/kubernetes/deployment.yaml made shorter.
 */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FleetQ, type Step } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/temp.js';
import { HttpClient } from './support/http-client.js';
import { Replica } from './support/replica.js';

const REPLICAS = 3;
/** How long after a change the load balancer still has the old endpoints. */
const ENDPOINT_LAG_MS = 300;
const PRE_STOP_MS = 700;
const CLIENTS = 6;
const BETWEEN_REQUESTS_MS = 15;
const REQUEST_TIMEOUT_MS = 20_000;
const TOKEN = 'a-token-of-the-rolling-update';

test(
  'a rolling update under load loses nothing, charges nothing, and no ready pod refuses a request',
  { timeout: 180_000 },
  async () => {
    const file = path.join(temporaryFolder(), 'queue.db');
    const cluster = new Cluster(file);
    onTestFinished(() => cluster.end());
    await cluster.scaleUp(REPLICAS);

    const load = Array.from({ length: CLIENTS }, (_, i) => cluster.submitUntilStopped(i));
    await pause(500);
    const before = [...cluster.replicas];
    for (const old of before) await cluster.replace(old);
    await pause(500);
    cluster.stopLoad();
    await Promise.all(load);

    expect(cluster.refusals).toEqual([]);
    expect(cluster.submitted.size).toBeGreaterThan(100);
    expect(before.flatMap(({ deaths }) => deaths)).toEqual([]);
    expect(cluster.exitCodes).toEqual(before.map(() => 0));
    // The pods that were replaced had steps under way, or the test would show nothing.
    const drained = before.flatMap(({ lines }) => lines).filter(({ finished }) => Number(finished) > 0);
    expect(drained.length).toBeGreaterThan(0);

    const steps = await cluster.stepsOnceEnded();
    expect(steps.map(({ stepId }) => stepId).toSorted()).toEqual([...cluster.submitted].toSorted());
    expect(steps.filter(({ status }) => status !== 'completed')).toEqual([]);
    expect(steps.filter(({ retryCount, crashes }) => retryCount > 0 || crashes > 0)).toEqual([]);
  },
);

class Cluster {
  readonly replicas: Replica[] = [];
  readonly submitted = new Set<string>();
  readonly refusals: string[] = [];
  readonly exitCodes: (number | null)[] = [];
  readonly #file: string;
  readonly #http = new HttpClient({ authorization: `Bearer ${TOKEN}` });
  /** Where the load balancer sends requests. */
  readonly #endpoints = new Set<Replica>();
  #loaded = true;
  #made = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async scaleUp(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#add()));
  }

  /** maxSurge 1, maxUnavailable 0: a new pod is ready before the old one is terminated. */
  async replace(old: Replica): Promise<void> {
    await this.#add();
    const removed = pause(ENDPOINT_LAG_MS).then(() => this.#endpoints.delete(old));
    await pause(PRE_STOP_MS);
    await removed;
    this.exitCodes.push(await old.terminate());
    this.replicas.splice(this.replicas.indexOf(old), 1);
  }

  async submitUntilStopped(client: number): Promise<void> {
    for (let n = client; this.#loaded; n++) {
      const replica = [...this.#endpoints][n % this.#endpoints.size]!;
      const step = { type: 'work', args: { ms: 30 + ((n * 37) % 300) } };
      try {
        const { status, body } = await this.#http.post(`${replica.url}/submit`, step, REQUEST_TIMEOUT_MS);
        if (status === 201) this.submitted.add((JSON.parse(body) as { step_id: string }).step_id);
        else this.refusals.push(`${replica.name}: ${status} ${body}`);
      } catch (error) {
        this.refusals.push(`${replica.name}: ${String(error)}`);
      }
      await pause(BETWEEN_REQUESTS_MS);
    }
  }

  stopLoad(): void {
    this.#loaded = false;
  }

  async stepsOnceEnded(): Promise<readonly Step[]> {
    await using queue = new FleetQ({ store: sqlite({ path: this.#file }) });
    await expect
      .poll(
        async () => {
          const { pendingSteps, claimedSteps } = await queue.stats();
          return pendingSteps + claimedSteps;
        },
        { timeout: 60_000, interval: 100 },
      )
      .toBe(0);
    const steps: Step[] = [];
    for await (const step of queue.listSteps({ pageSize: 1_000 })) steps.push(step);
    return steps;
  }

  async end(): Promise<void> {
    this.stopLoad();
    await Promise.all(
      this.replicas.map(async (replica) => {
        replica.child.kill('SIGKILL');
        await replica.exited;
        await replica.endProbes();
      }),
    );
    this.#http.close();
  }

  async #add(): Promise<void> {
    const env = { FLEET_Q_SQLITE_PATH: this.#file, FLEET_Q_API_TOKEN: TOKEN, FLEET_Q_LOG_FORMAT: 'json' };
    const replica = new Replica(`worker-${++this.#made}`, env, this.#http);
    this.replicas.push(replica);
    await expect.poll(() => replica.ready, { timeout: 60_000, interval: 20 }).toBe(true);
    this.#endpoints.add(replica);
  }
}
