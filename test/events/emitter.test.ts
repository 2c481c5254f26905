/** Listeners: each is isolated, gets its own payload, and is awaited while the queue stops. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test, vi } from 'vitest';
import { Events } from '../../src/events.js';
import { createLog } from '../../src/log.js';
import { QueueContext } from '../../src/runtime/async-context.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

const POD = { podId: 'p', incarnation: 'i' };

function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

const newEvents = (): Events => new Events(createLog('events'));

describe('a listener', () => {
  test('gets its own payload', () => {
    const events = newEvents();
    const heard: unknown[] = [];
    for (let i = 0; i < 2; i++)
      events.on('pod:joined', (payload: { podId: string }) => {
        heard.push(payload.podId);
        payload.podId = 'changed';
      });
    events.emit('pod:joined', { ...POD });
    expect(heard).toEqual(['p', 'p']);
  });

  test('runs in the context of the queue, whatever caused the event', () => {
    const storage = new AsyncLocalStorage<string>();
    const events = storage.run('queue', () => new Events(createLog('events'), new QueueContext()));
    const seen: unknown[] = [];
    events.on('pod:joined', () => seen.push(storage.getStore()));
    storage.run('caller', () => events.emit('pod:joined', { ...POD }));
    expect(seen).toEqual(['queue']);
  });

  test('that throws stops neither the other listeners nor the emit', () => {
    const events = newEvents();
    const heard = vi.fn();
    events.on('pod:joined', () => {
      throw new Error('no');
    });
    events.on('pod:joined', heard);
    events.emit('pod:joined', { ...POD });
    expect(heard).toHaveBeenCalledOnce();
  });

  test('added by once does not get an event that it causes itself', () => {
    const events = newEvents();
    let heard = 0;
    events.once('pod:joined', () => {
      if (++heard < 3) events.emit('pod:joined', { ...POD });
    });
    events.emit('pod:joined', { ...POD });
    expect(heard).toBe(1);
  });
});

describe('a wait for listeners', () => {
  test('ends when the last one settles, and leaves no timer', async () => {
    const runtime = new VirtualRuntime();
    const events = newEvents();
    const [one, other] = [gate(), gate()];
    events.on('pod:joined', () => one.opened);
    events.on('pod:joined', () => other.opened);
    events.emit('pod:joined', { ...POD });
    let left: number | undefined;
    const settled = events.settled(runtime, 10_000).then((count) => (left = count));
    one.open();
    await runtime.settle();
    expect(left).toBeUndefined();
    other.open();
    await runtime.settle();
    expect(left).toBe(0);
    expect(runtime.pending).toBe(0);
    await settled;
  });

  test('ends after the given time if one never settles, and returns how many are left', async () => {
    const runtime = new VirtualRuntime();
    const events = newEvents();
    events.on('pod:joined', () => new Promise(() => undefined));
    events.emit('pod:joined', { ...POD });
    const settled = events.settled(runtime, 10_000);
    await runtime.advance(10_000);
    await expect(settled).resolves.toBe(1);
  });

  test('does not count a listener that called stop', async () => {
    const runtime = new VirtualRuntime();
    const events = newEvents();
    events.on('pod:joined', () => {
      events.doNotAwaitCaller();
      return new Promise(() => undefined);
    });
    events.emit('pod:joined', { ...POD });
    await expect(events.settled(runtime, 10_000)).resolves.toBe(0);
  });
});

test('a callback for ended steps gets each of them until it is removed', () => {
  const events = newEvents();
  const heard: string[] = [];
  const unhear = events.onEnded((stepId) => heard.push(stepId));
  events.ended('a');
  unhear();
  events.ended('b');
  expect(heard).toEqual(['a']);
});

test('a brief listener gets a payload without copies, however many others listen, and can be removed', () => {
  const events = newEvents();
  const [full, brief, never] = [vi.fn(), vi.fn(), vi.fn()];
  const made = vi.fn(() => ({ type: 'a', stepId: 's', args: {}, metadata: {}, receipt: 'created' as const }));
  const emit = () =>
    events.emitLazily('step:submitted', made, () => ({ type: 'a', stepId: 's', receipt: 'created' as const }));
  const remove = events.onBrief('step:submitted', brief);
  events.onBrief('step:submitted', never)();
  expect(events.has('step:submitted')).toBe(true);
  emit();
  expect(made).not.toHaveBeenCalled();
  expect(brief).toHaveBeenCalledExactlyOnceWith({ type: 'a', stepId: 's', receipt: 'created' });
  events.on('step:submitted', full);
  emit();
  expect(full).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ args: {} }));
  expect(brief).toHaveBeenCalledTimes(2);
  remove();
  remove();
  emit();
  expect(brief).toHaveBeenCalledTimes(2);
  expect(never).not.toHaveBeenCalled();
});
