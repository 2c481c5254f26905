/** A process with queues that stop on signals, for `signals.test.ts`. What happens is printed, line by line. */
import { stopOnSignals, type StopOnSignalsOptions } from 'fleet-q';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A fake queue: its stop takes the given time, fails, or never ends. */
function queue(name: string, stop: { afterMs?: number; fails?: boolean; never?: boolean } = {}) {
  const stopping = async (): Promise<void> => {
    say(`${name} stops`);
    if (stop.never === true) await new Promise(() => setInterval(() => {}, 1_000));
    await new Promise((resolve) => setTimeout(resolve, stop.afterMs ?? 0));
    if (stop.fails === true) throw new Error(`${name} is broken`);
    say(`${name} has stopped`);
  };
  let stopped: Promise<void> | undefined;
  return { stop: () => (stopped ??= stopping()) };
}

/** Another copy of the module, as a bundle beside the installed package is. */
async function anotherCopy(): Promise<typeof stopOnSignals> {
  const copy = (await import(`../../../src/signals.js?copy=${String(1)}`)) as { stopOnSignals: typeof stopOnSignals };
  if (copy.stopOnSignals === stopOnSignals) throw new Error('it is the same copy');
  return copy.stopOnSignals;
}

const scenes: Record<string, () => void | Promise<void>> = {
  two() {
    stopOnSignals(queue('quick'));
    stopOnSignals(queue('slow', { afterMs: 300 }));
  },
  async copies() {
    const other = await anotherCopy();
    stopOnSignals(queue('quick'));
    other(queue('slow', { afterMs: 300 }));
  },
  fails() {
    stopOnSignals(queue('broken', { fails: true }));
    stopOnSignals(queue('slow', { afterMs: 300 }));
  },
  hangs() {
    stopOnSignals(queue('hung', { never: true }));
    stopOnSignals(queue('quick'));
  },
  thens() {
    const then = (name: string) => (signal: string) => say(`then of ${name} after ${signal}`);
    stopOnSignals(queue('quick'), { onStopped: then('quick') });
    stopOnSignals(queue('slow', { afterMs: 300 }), { onStopped: then('slow') });
  },
  mixed() {
    const then: StopOnSignalsOptions['onStopped'] = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      say('then has ended');
    };
    stopOnSignals(queue('with then'), { onStopped: then });
    stopOnSignals(queue('without', { afterMs: 50 }));
  },
  late() {
    stopOnSignals(queue('first', { afterMs: 300 }));
    process.once('SIGTERM', () => {
      stopOnSignals(queue('late', { afterMs: 600 }));
    });
  },
  others() {
    stopOnSignals(queue('for SIGTERM', { afterMs: 300 }), { signals: ['SIGTERM'] });
    stopOnSignals(queue('for SIGINT'), { signals: ['SIGINT'] });
  },
  reload() {
    stopOnSignals(queue('reloaded', { afterMs: 100 }), {
      signals: ['SIGHUP'],
      onStopped: async (signal) => {
        say(`then after ${signal}`);
        await new Promise(() => undefined); // it may never end
      },
    });
    stopOnSignals(queue('worker', { afterMs: 100 }), { signals: ['SIGTERM'] });
    const remove = stopOnSignals(queue('withdrawn'), { signals: ['SIGTERM'] });
    process.once('SIGHUP', () => setImmediate(remove));
  },
  handled() {
    let seen = 0;
    process.on('SIGHUP', () => say(`the host has seen SIGHUP ${++seen} times`));
    stopOnSignals(queue('reloaded'), { signals: ['SIGHUP'] });
    stopOnSignals(queue('worker', { afterMs: 100 }), { signals: ['SIGTERM'] });
  },
  removed() {
    stopOnSignals(queue('removed'))();
    const same = queue('same');
    stopOnSignals(same);
    stopOnSignals(same)();
    stopOnSignals(same);
  },
  allRemoved() {
    stopOnSignals(queue('removed'))();
    say(`handlers: ${process.listenerCount('SIGTERM')} ${process.listenerCount('SIGINT')}`);
  },
};

await scenes[process.argv[2] ?? '']?.();
setInterval(() => {}, 1_000);
say('ready');
