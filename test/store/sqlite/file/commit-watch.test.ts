/** The watch that notices the commits of other processes. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import { CommitWatch } from '../../../../src/store/sqlite/file/commit-watch.js';
import { newSteps } from '../../../conformance/harness.js';
import { eventually, newCore, newFile, newStore, turn } from '../support/files.js';

describe('a watch', () => {
  it('reports the commits of others quickly, and not its own', async () => {
    const path = newFile();
    const [ours, theirs] = [await newStore({ path }), await newStore({ path })];
    await ours.open();
    await theirs.open();
    let calls = 0;
    const end = ours.watch(() => calls++);
    for (let i = 0; i < 20; i++) {
      await ours.submit(newSteps(1));
      await turn();
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(calls).toBe(0);
    await theirs.submit(newSteps(1));
    await eventually(() => calls > 0);
    end();
    const before = calls;
    await theirs.submit(newSteps(1));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(calls).toBe(before);
  });

  it('starts once the file is open, and calls every listener', async () => {
    const path = newFile();
    const [ours, theirs] = [await newStore({ path }), await newStore({ path })];
    const calls = [0, 0];
    const ends = calls.map((_, index) => ours.watch(() => calls[index]!++));
    await ours.open();
    await theirs.submit(newSteps(1));
    await eventually(() => calls.every((times) => times > 0));
    for (const end of ends) end();
  });

  it('polls every 20 ms if the file system reports nothing', async () => {
    const runtime = new VirtualRuntime();
    const { core } = newCore();
    const after = vi.spyOn(runtime, 'after');
    // A missing file fails as on a platform without fs.watch.
    const watch = new CommitWatch(runtime);
    let version = core.dataVersion();
    let calls = 0;
    const end = watch.add(() => calls++);
    watch.start({ path: newFile(), dataVersion: () => version, onMoved: () => undefined });
    await runtime.advance(100);
    expect(calls).toBe(0);
    const options = (after.mock.calls as unknown[][]).map((call) => call[2]);
    expect(options).toEqual(options.map(() => ({ ref: false })));
    version++;
    await runtime.advance(20);
    expect(calls).toBe(1);
    await runtime.advance(100);
    expect(calls).toBe(1);
    end();
    expect(runtime.pending).toBe(0);
    version++;
    await runtime.advance(100);
    expect(calls).toBe(1);
  });

  it('treats BUSY as a change, and reads again', async () => {
    const runtime = new VirtualRuntime();
    const watch = new CommitWatch(runtime);
    let busy = false;
    let calls = 0;
    watch.add(() => calls++);
    const dataVersion = (): number => {
      if (busy) throw new Error('busy');
      return 7;
    };
    watch.start({ path: newFile(), dataVersion, onMoved: () => undefined });
    await runtime.advance(20);
    busy = true;
    await runtime.advance(20);
    busy = false;
    await runtime.advance(20);
    expect(calls).toBe(2);
    watch.stop();
    expect(runtime.pending).toBe(0);
  });

  it('watches a file once for all stores of the process, until the last of them ends', async () => {
    const runtime = new VirtualRuntime();
    const path = newFile();
    const versions = [1, 1, 1];
    const calls = [0, 0, 0];
    const watches = versions.map((_, index) => {
      const watch = new CommitWatch(runtime);
      watch.add(() => calls[index]!++);
      watch.start({ path, dataVersion: () => versions[index]!, onMoved: () => undefined });
      return watch;
    });
    expect(runtime.pending).toBe(1); // the file is missing: one poll for all
    versions[1] = 2;
    await runtime.advance(20);
    expect(calls).toEqual([0, 1, 0]);
    watches[0]!.stop();
    watches[1]!.stop();
    versions[2] = 2;
    await runtime.advance(20);
    expect(calls).toEqual([0, 1, 1]);
    watches[2]!.stop();
    expect(runtime.pending).toBe(0);
    const later = new CommitWatch(runtime);
    let again = 0;
    later.add(() => again++);
    later.start({ path, dataVersion: () => versions[0]!, onMoved: () => undefined });
    versions[0] = 2;
    await runtime.advance(20);
    expect(again).toBe(1);
    later.stop();
  });

  it('never starts after the store is closed, even if the store was opening', async () => {
    const path = newFile();
    const store = await newStore({ path });
    store.watch(() => undefined);
    const opening = store.open();
    const closing = store.close();
    store.watch(() => undefined);
    await Promise.all([opening, closing]);
    store.watch(() => undefined)();
  });

  it('does not keep the process alive', () => {
    const dist = new URL('../../../../dist/', import.meta.url);
    const program = `
      import { sqlite } from '${new URL('sqlite.js', dist).href}';
      import { systemRuntime as runtime } from '${new URL('runtime/runtime.js', dist).href}';
      import { createLog } from '${new URL('log.js', dist).href}';
      const store = sqlite({ path: ${JSON.stringify(newFile())} }).create({ runtime, log: createLog('test') });
      await store.open();
      store.watch(() => undefined);
      await store.stats();
      console.log('done');
    `;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect(stdout.trim()).toBe('done');
    expect(status).toBe(0);
  });
});
