/** A replica of the Deployment: one worker process, and what the kubelet knows of it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { HttpClient } from './http-client.js';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const STEPS = fileURLToPath(new URL('steps.mjs', import.meta.url));
const PROBE_EVERY_MS = 100;
const PROBE_TIMEOUT_MS = 3_000;

type Line = Readonly<Record<string, unknown>> & { readonly message: string };

export class Replica {
  readonly name: string;
  readonly lines: Line[] = [];
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** What the last readiness probe found. */
  ready = false;
  /** Probes of liveness that failed after the pod had started. */
  readonly deaths: string[] = [];
  #url: string | undefined;
  #started = false;
  #watching = true;
  readonly #probes: Promise<void>;

  constructor(name: string, env: Readonly<Record<string, string>>, http: HttpClient) {
    this.name = name;
    this.child = spawn(process.execPath, [CLI, 'worker', STEPS, '--port', '0'], {
      env: { ...process.env, DEBUG: '', FLEET_Q_POD_ID: name, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null);
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.#read(line));
    this.#probes = this.#probe(http);
  }

  /** The address of its API, once it listens. */
  get url(): string {
    if (this.#url === undefined) throw new Error(`${this.name} does not listen yet`);
    return this.#url;
  }

  /** The end of the container: SIGTERM, then the exit code. */
  async terminate(): Promise<number | null> {
    this.child.kill('SIGTERM');
    const code = await this.exited;
    await this.endProbes();
    return code;
  }

  async endProbes(): Promise<void> {
    this.#watching = false;
    this.ready = false;
    await this.#probes;
  }

  #read(text: string): void {
    const line = JSON.parse(text) as Line;
    this.lines.push(line);
    if (typeof line['url'] === 'string') this.#url = line['url'];
  }

  /** As Kubernetes does: liveness and readiness are asked once startup has succeeded. */
  async #probe(http: HttpClient): Promise<void> {
    while (this.#watching && this.child.exitCode === null) {
      if (this.#url !== undefined) {
        this.#started ||= await this.#succeeds(http, 'startupz');
        if (this.#started) {
          this.ready = (await this.#succeeds(http, 'readyz')) && this.#watching;
          const live = await this.#succeeds(http, 'livez');
          if (!live && this.child.exitCode === null && !this.#closes()) this.deaths.push(`${this.name} was not live`);
        }
      }
      await pause(PROBE_EVERY_MS);
    }
    this.ready = false;
  }

  /** The last thing that a worker does is to close HTTP. */
  #closes(): boolean {
    return this.lines.some(({ message, part }) => message === 'stopped' && part === 'queue');
  }

  #succeeds(http: HttpClient, probe: string): Promise<boolean> {
    return http.get(`${this.url}/${probe}`, PROBE_TIMEOUT_MS).then(
      ({ status }) => status === 200,
      () => false,
    );
  }
}
