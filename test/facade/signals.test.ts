/** Stopping on signals: real processes, and real signals. */
import { describe, expect, test } from 'vitest';
import { stopOnSignals, ValidationError } from 'fleet-q';
import { ended, startScript } from '../support/child.js';
import { newQueue } from '../support/queues.js';

const PROGRAM = 'test/facade/programs/signals.ts';

/** A process that plays a scene; `lines` are what it has printed, `says` resolves with a line. */
async function play(scene: string) {
  const child = startScript(PROGRAM, [scene]);
  let [text, errors] = ['', ''];
  const news = new Set<() => void>();
  child.stdout?.on('data', (data: Buffer) => {
    text += data.toString();
    for (const look of news) look();
  });
  child.stderr?.on('data', (data: Buffer) => void (errors += data.toString()));
  const says = (line: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!text.split('\n').includes(line)) return;
        news.delete(look);
        resolve();
      };
      news.add(look);
      look();
    });
  await says('ready');
  return {
    says,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    ended: () => ended(child),
    lines: () =>
      text
        .trim()
        .split('\n')
        .filter((line) => line !== 'ready'),
    errors: () => errors,
    exists: () => child.exitCode === null && child.signalCode === null,
  };
}

describe('stopOnSignals', { timeout: 60_000 }, () => {
  for (const scene of ['two', 'copies']) {
    test(`stops all queues at once, and ends the process when all have stopped: ${scene}`, async () => {
      const { kill, lines, ended } = await play(scene);
      kill('SIGTERM');
      expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
      expect(lines()).toEqual(['quick stops', 'slow stops', 'quick has stopped', 'slow has stopped']);
    });
  }

  test('ends the process by the signal that came, SIGINT as well', async () => {
    const { kill, ended } = await play('two');
    kill('SIGINT');
    expect(await ended()).toEqual({ code: null, signal: 'SIGINT' });
  });

  test('stops the other queues if one fails to stop, and reports the failure', async () => {
    const { kill, lines, ended, errors } = await play('fails');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines()).toEqual(['broken stops', 'slow stops', 'slow has stopped']);
    expect(errors()).toContain('a queue failed to stop: broken is broken');
  });

  for (const second of ['SIGTERM', 'SIGINT'] as const) {
    test(`waits for a queue that hangs until a second signal ends the process at once: ${second}`, async () => {
      const { kill, says, ended, exists } = await play('hangs');
      kill('SIGTERM');
      await says('quick has stopped');
      expect(exists()).toBe(true);
      kill(second);
      expect(await ended()).toEqual({ code: null, signal: second });
    });
  }

  test('ends the process at once on a second signal that only another queue waits for', async () => {
    const { kill, says, lines, ended } = await play('others');
    kill('SIGTERM');
    await says('for SIGTERM stops');
    kill('SIGINT');
    expect(await ended()).toEqual({ code: null, signal: 'SIGINT' });
    expect(lines()).toEqual(['for SIGTERM stops']);
  });

  test('stops only the queues that are registered for the signal', async () => {
    const { kill, lines, ended } = await play('others');
    kill('SIGINT');
    expect(await ended()).toEqual({ code: null, signal: 'SIGINT' });
    expect(lines()).toEqual(['for SIGINT stops', 'for SIGINT has stopped']);
  });

  test('calls every `onStopped` once all queues have stopped, and leaves the process to them', async () => {
    const { kill, says, lines, exists } = await play('thens');
    kill('SIGTERM');
    await says('then of slow after SIGTERM');
    expect(lines().slice(-3)).toEqual([
      'slow has stopped',
      'then of quick after SIGTERM',
      'then of slow after SIGTERM',
    ]);
    expect(exists()).toBe(true);
  });

  test('awaits an `onStopped` before it ends the process for a queue that has none', async () => {
    const { kill, lines, ended } = await play('mixed');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines().at(-1)).toBe('then has ended');
  });

  test('stops a queue that is registered while others stop, and waits for it', async () => {
    const { kill, lines, ended } = await play('late');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines()).toEqual(['first stops', 'late stops', 'first has stopped', 'late has stopped']);
  });

  test('keeps the handlers of queues that wait for another signal if the process continues', async () => {
    const { kill, says, lines, ended } = await play('reload');
    kill('SIGHUP');
    await says('then after SIGHUP');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines()).toEqual([
      'reloaded stops',
      'reloaded has stopped',
      'then after SIGHUP',
      'worker stops',
      'worker has stopped',
    ]);
  });

  test('keeps those handlers also if a handler of the host keeps the process alive', async () => {
    const { kill, says, lines, ended } = await play('handled');
    kill('SIGHUP');
    await says('the host has seen SIGHUP 2 times');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines().slice(-2)).toEqual(['worker stops', 'worker has stopped']);
  });

  test('does not stop a queue that was removed, and accepts a queue more than once', async () => {
    const { kill, lines, ended } = await play('removed');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines()).toEqual(['same stops', 'same has stopped']);
  });

  test('leaves no handler once every queue is removed', async () => {
    const { kill, lines, ended } = await play('allRemoved');
    kill('SIGTERM');
    expect(await ended()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lines()).toEqual(['handlers: 0 0']);
  });
});

describe('bad input to stopOnSignals', () => {
  for (const [field, options, expected] of [
    ['options.signals[1]', { signals: ['SIGINT', 'SIGKILL'] }, 'SIGKILL'],
    ['options.signals', { signals: [] }, 'an array of signals'],
    ['options.signals', { signals: 'SIGTERM' }, 'SIGTERM'],
    ['options.signals[0]', { signals: ['toString'] }, 'toString'],
    ['options.onStopped', { onStopped: 1 }, 'a function, got 1'],
    ['options.onStoped', { onStoped: () => 1 }, 'onStopped'],
  ] as const) {
    test(`is refused: ${JSON.stringify(options)}`, () => {
      const before = process.listenerCount('SIGTERM');
      const refusal = (): unknown => stopOnSignals(newQueue(), options as never);
      expect(refusal).toThrow(ValidationError);
      expect(refusal).toThrow(field);
      expect(refusal).toThrow(expected);
      expect(process.listenerCount('SIGTERM')).toBe(before);
    });
  }

  test('is refused: no queue', () => {
    expect(() => stopOnSignals({} as never)).toThrow('queue: expected a queue, got {');
  });
});
