/** Requests that were given up keep no process alive, although the driver would repeat them for two minutes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { Fault, Route } from '../../support/warehouse/faults.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const PROGRAM = fileURLToPath(new URL('../../e2e/programs/given-up.ts', import.meta.url));
const ROUTES: readonly Route[] = ['login', 'renew', 'logout', 'heartbeat', 'query', 'result', 'abort', 'telemetry'];
/** Far more than a pause of the driver, far less than its two minutes. */
const SOON_MS = 25_000;

/** The lines that a program prints, and how it ends. */
function started(...args: string[]) {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), PROGRAM, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value as string };
}

async function endsSoon(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(SOON_MS) })) as [number];
  return code;
}

describeOnTestBed('a process whose queue has stopped ends by itself', () => {
  const { bed, options, place } = useStores();
  const given = (over = {}) => JSON.stringify({ connection: options(), ...place(), ...over });
  const everywhere = (fault: Fault): void => {
    for (const route of ROUTES) onTestFinished(bed().proxy.faults.inject(fault, { route, times: Infinity }));
  };

  for (const [what, fault] of [
    ['never answers', { kind: 'hang' }],
    ['answers HTTP 503 for ever', { kind: 'status', status: 503 }],
    ['cuts every request', { kind: 'cut' }],
  ] as const) {
    test(`while the server ${what}`, { timeout: 120_000 }, async () => {
      const { child, line } = started(given());
      expect(await line()).toBe('started');
      everywhere(fault);
      const before = bed().proxy.faults.happened.get(fault.kind) ?? 0;
      await expect
        .poll(() => bed().proxy.faults.happened.get(fault.kind) ?? 0, { timeout: 30_000 })
        .toBeGreaterThan(before);
      child.stdin.write('stop\n');
      expect(await line()).toBe('stopped');
      expect(await endsSoon(child)).toBe(0);
    });
  }

  test('while no host can be reached', { timeout: 120_000 }, async () => {
    const { child, line } = started(given());
    expect(await line()).toBe('started');
    bed().proxy.reachable = false;
    onTestFinished(() => void (bed().proxy.reachable = true));
    await expect.poll(() => bed().proxy.refused, { timeout: 30_000 }).toBeGreaterThan(0);
    child.stdin.write('stop\n');
    expect(await line()).toBe('stopped');
    expect(await endsSoon(child)).toBe(0);
  });

  test('while its login is not answered', { timeout: 120_000 }, async () => {
    everywhere({ kind: 'hang' });
    const { child, line } = started(given({ statementTimeoutMs: 1_000 }), 'at once');
    await expect.poll(() => bed().proxy.faults.happened.get('hang') ?? 0, { timeout: 60_000 }).toBeGreaterThan(0);
    child.stdin.write('stop\n');
    expect(await line()).toBe('stopped');
    expect(await endsSoon(child)).toBe(0);
  });
});
