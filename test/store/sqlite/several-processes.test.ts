/** Processes that share a file, some of which are killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newSteps } from '../../conformance/harness.js';
import { newFile, newStore } from './support/files.js';

const DIST = new URL('../../../dist/', import.meta.url);
const PRELUDE = `
  import { sqlite } from '${new URL('sqlite.js', DIST).href}';
  import { systemRuntime as runtime } from '${new URL('runtime/runtime.js', DIST).href}';
  import { createLog } from '${new URL('log.js', DIST).href}';
  const [path, name] = process.argv.slice(1);
  const store = sqlite({ path }).create({ runtime, log: createLog('test') });
  const pod = { podId: name, incarnation: name };
`;

function start(program: string, path: string, name: string): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PRELUDE + program, path, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return child;
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!) text += String(chunk);
  return text;
}

describe('several processes on one file', () => {
  it('a submitted step survives the death of the process right after the answer', async () => {
    const path = newFile();
    const program = `
      for (let n = 0; ; n++) {
        const stepId = name + '-' + n;
        await store.submit([{ stepId, type: 'work', payload: '{"type":"work"}', priority: 0, maxRetries: 3, delayMs: 0, runAt: null }]);
        if (n === 199) { console.log('done'); process.kill(process.pid, 'SIGKILL'); }
      }
    `;
    const children = ['a', 'b', 'c'].map((name) => start(program, path, name));
    await Promise.all(children.map((child) => once(child, 'exit')));
    expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL']);
    const store = await newStore({ path });
    expect((await store.stats()).byStatus.pending).toBe(600);
  });

  it('no step is claimed twice or lost while all processes claim as fast as they can', async () => {
    const path = newFile();
    const store = await newStore({ path });
    for (let i = 0; i < 6; i++) await store.submit(newSteps(500));
    const program = `
      await store.register({ ...pod, heartbeatMs: 1000, deadAfterMs: 3600000, meta: {} });
      const mine = [];
      let settlements = [];
      for (;;) {
        const claim = { token: runtime.uuid(), free: 7, prefetch: 0, quarantine: 0, types: new Map([['work', 7]]) };
        const { claims, receipts } = await store.exchange({ pod, settlements, claim });
        if (receipts.some((receipt) => receipt !== 'settled')) throw new Error(receipts.join());
        mine.push(...claims.map(({ stepId }) => stepId));
        settlements = claims.map(({ stepId, claimToken, version }) =>
          ({ stepId, claimToken, version, status: 'completed', delayMs: null, charge: 0, crash: 0, result: null, error: null }));
        if (claims.length === 0) break;
      }
      await store.close();
      console.log(JSON.stringify(mine));
    `;
    const taken = await Promise.all(['a', 'b', 'c'].map((name) => output(start(program, path, name))));
    const all = taken.flatMap((text) => JSON.parse(text) as string[]);
    expect(all).toHaveLength(3_000);
    expect(new Set(all).size).toBe(3_000);
    expect((await store.stats()).byStatus).toMatchObject({ completed: 3_000, pending: 0, claimed: 0 });
  });
});
