/** Logs: where they go, what they say, and that a broken logger affects nothing else. */
import pino from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Logger } from 'fleet-q';
import { Events } from '../src/events.js';
import { createLog } from '../src/log.js';
import { disable, enable } from '../src/log/debug.js';

afterEach(() => {
  disable();
  vi.restoreAllMocks();
});

/** A logger whose methods all throw. */
function hostile(): object {
  const trap = (): never => {
    throw new Error('a trap');
  };
  return new Proxy(new Error('x'), { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
}

describe('by default', () => {
  /** What is written to stderr while `work` runs. */
  function written(work: () => void): string[] {
    const lines: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    work();
    return lines;
  }

  test('a namespace for each part of the library', () => {
    enable('fleet-q:pool');
    const lines = written(() => {
      createLog('pool').info({ claimed: 3 }, 'claimed');
      createLog('heartbeat').info({}, 'not asked for');
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('fleet-q:pool');
    expect(lines[0]).toContain('info claimed');
    expect(lines[0]).toContain('claimed');
  });

  test('is silent unless DEBUG names it, and reports this, so that no line is built needlessly', () => {
    const log = createLog('pool');
    expect(written(() => log.error({}, 'unheard'))).toEqual([]);
    expect(log.verbose).toBe(false);
    enable('fleet-q:*');
    expect(log.verbose).toBe(true);
  });

  test('added fields are on every line', () => {
    enable('fleet-q:*');
    const [line] = written(() => createLog('pool').with({ stepId: 's-1' }).warn({ attempt: 2 }, 'slow'));
    expect(line).toContain('s-1');
    expect(line).toContain('attempt');
  });
});

describe('a structured logger', () => {
  function lines(): { readonly logger: Logger; readonly written: Record<string, unknown>[] } {
    const written: Record<string, unknown>[] = [];
    const stream = { write: (text: string) => void written.push(JSON.parse(text) as Record<string, unknown>) };
    return { logger: pino({ level: 'debug', base: null, timestamp: false }, stream), written };
  }

  test('pino gets the fields, the part and the message, at the level', () => {
    const { logger, written } = lines();
    const log = createLog('pool', logger, { podId: 'p' });
    log.debug({ slots: 1 }, 'a');
    log.info({ slots: 2 }, 'b');
    log.with({ stepId: 's-1' }).warn({ slots: 3 }, 'c');
    log.error({}, 'd');
    expect(log.verbose).toBe(true);
    expect(written).toEqual([
      { level: 20, part: 'pool', podId: 'p', slots: 1, msg: 'a' },
      { level: 30, part: 'pool', podId: 'p', slots: 2, msg: 'b' },
      { level: 40, part: 'pool', podId: 'p', stepId: 's-1', slots: 3, msg: 'c' },
      { level: 50, part: 'pool', podId: 'p', msg: 'd' },
    ]);
  });

  test('is called only at the levels that it writes', () => {
    const called: string[] = [];
    const at = (level: string) => () => void called.push(level);
    const levels = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const log = createLog('pool', { ...levels, isLevelEnabled: (level) => level === 'warn' || level === 'error' });
    log.debug({}, 'a');
    log.info({}, 'b');
    log.with({}).warn({}, 'c');
    log.error({}, 'd');
    expect(called).toEqual(['warn', 'error']);
  });

  test('a logger that throws affects nothing else', () => {
    const fail = () => {
      throw new Error('disk full');
    };
    const log = createLog('pool', { debug: fail, info: fail, warn: fail, error: fail });
    expect(() => {
      log.debug({}, 'a');
      log.info({}, 'b');
      log.with({}).warn({}, 'c');
      log.error({}, 'd');
    }).not.toThrow();
  });

  test('a logger whose methods reject, or that cannot report its level, affects nothing else', async () => {
    const reject = (): Promise<void> => Promise.reject(new Error('the disk is full'));
    const isLevelEnabled = (): never => {
      throw new Error('no level');
    };
    const log = createLog('pool', { debug: reject, info: reject, warn: reject, error: reject, isLevelEnabled });
    const unhandled = vi.fn();
    process.once('unhandledRejection', unhandled);
    log.info({}, 'a');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(log.verbose).toBe(false);
  });

  test('gets the error of a listener that throws or rejects, with the name of the event; the other listeners are called', async () => {
    const { logger, written } = lines();
    const events = new Events(createLog('events', logger));
    const heard = vi.fn();
    events.on('pod:joined', () => {
      throw new Error('sync');
    });
    events.on('pod:joined', () => Promise.reject(new Error('async')));
    events.on('pod:joined', () => ({ then: (_: unknown, no: (error: Error) => void) => no(new Error('thenable')) }));
    events.on('pod:joined', () => {
      throw hostile();
    });
    events.on('pod:joined', heard);
    events.emit('pod:joined', { podId: 'p', incarnation: 'i' });
    await vi.waitFor(() => expect(written).toHaveLength(4));
    expect(heard).toHaveBeenCalledOnce();
    const base = { level: 50, part: 'events', event: 'pod:joined' };
    const errors = written.map(({ error }) => error as { readonly message: string; readonly stack: string });
    expect(errors.map(({ message }) => message).sort()).toEqual(['async', 'sync', 'thenable', 'thrown: [object]']);
    for (const { message, stack } of errors) expect(stack).toContain(message);
    for (const line of written) expect(line).toMatchObject(base);
  });

  test('a listener added by once is called once, and can be removed like any other', () => {
    const events = new Events(createLog('events'));
    const [once, never] = [vi.fn(), vi.fn()];
    events.once('pod:joined', once);
    events.once('pod:joined', never);
    events.off('pod:joined', never);
    events.once('pod:joined', never)();
    for (let i = 0; i < 2; i++) events.emit('pod:joined', { podId: 'p', incarnation: 'i' });
    expect(once).toHaveBeenCalledOnce();
    expect(never).not.toHaveBeenCalled();
    expect(events.has('pod:joined')).toBe(false);
  });
});
