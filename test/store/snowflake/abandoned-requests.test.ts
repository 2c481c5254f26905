/**
 * Requests that were given up keep no process alive, although the driver would repeat them for two minutes.
 *
 * The tests run side by side, each with a test bed of its own: nearly all of their time is spent in waiting.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'vitest';
import type { Fault, Route } from '../../support/warehouse/faults.js';
import { BED_MS, describeOnTestBed } from '../../support/warehouse/suite.js';
import { startTestBed, type TestBed } from '../../support/warehouse/test-bed.js';

const PROGRAM = fileURLToPath(new URL('../../e2e/programs/given-up.ts', import.meta.url));
const ROUTES: readonly Route[] = ['login', 'renew', 'logout', 'heartbeat', 'query', 'result', 'abort', 'telemetry'];
/** Far more than a pause of the driver, far less than its two minutes. */
const SOON_MS = 25_000;
const PATIENCE = { timeout: 60_000 };

/** A process with a queue, on a test bed. */
class Program {
  readonly bed: TestBed;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(bed: TestBed, child: ChildProcess) {
    this.bed = bed;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(test: TestContext, over: object = {}, ...args: string[]): Promise<Program> {
    const bed = await startTestBed();
    test.onTestFinished(() => bed.stop());
    const place = await bed.freshSchema();
    const options = JSON.stringify({ connection: { ...bed.connection, ...place }, ...place, ...over });
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), PROGRAM, options, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    test.onTestFinished(() => void child.kill('SIGKILL'));
    return new Program(bed, child);
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  /** How often a fault has met a request. */
  met({ kind }: Fault): number {
    return this.bed.proxy.faults.happened.get(kind) ?? 0;
  }

  /** From now on, meets every request with a fault. */
  meet(fault: Fault): void {
    for (const route of ROUTES) this.bed.proxy.faults.inject(fault, { route, times: Infinity });
  }

  /** Stops the queue, and returns the exit code of the process, which must end by itself. */
  async stop({ expect }: TestContext): Promise<number> {
    this.#child.stdin!.write('stop\n');
    expect(await this.line()).toBe('stopped');
    const [code] = (await once(this.#child, 'exit', { signal: AbortSignal.timeout(SOON_MS) })) as [number];
    return code;
  }
}

describeOnTestBed('a process whose queue has stopped ends by itself', { timeout: BED_MS + 120_000 }, () => {
  for (const [what, fault] of [
    ['never answers', { kind: 'hang' }],
    ['answers HTTP 503 for ever', { kind: 'status', status: 503 }],
    ['cuts every request', { kind: 'cut' }],
  ] as const) {
    test.concurrent(`while the server ${what}`, async (context) => {
      const { expect } = context;
      const program = await Program.start(context);
      expect(await program.line()).toBe('started');
      program.meet(fault);
      const before = program.met(fault);
      await expect.poll(() => program.met(fault), PATIENCE).toBeGreaterThan(before);
      expect(await program.stop(context)).toBe(0);
    });
  }

  test.concurrent('while no host can be reached', async (context) => {
    const { expect } = context;
    const program = await Program.start(context);
    expect(await program.line()).toBe('started');
    program.bed.proxy.reachable = false;
    await expect.poll(() => program.bed.proxy.refused, PATIENCE).toBeGreaterThan(0);
    expect(await program.stop(context)).toBe(0);
  });

  test.concurrent('while its login is not answered', async (context) => {
    const { expect } = context;
    const program = await Program.start(context, { statementTimeoutMs: 1_000 }, 'at once');
    program.meet({ kind: 'hang' });
    await expect.poll(() => program.met({ kind: 'hang' }), PATIENCE).toBeGreaterThan(0);
    expect(await program.stop(context)).toBe(0);
  });
});
