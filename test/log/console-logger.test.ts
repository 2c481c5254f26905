/** The console logger: its two formats, its levels and its colors; and that its lines stay lines. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { consoleLogger, type Logger } from 'fleet-q';
import { createLog } from '../../src/log.js';
import { ended, startScript } from '../support/child.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const spies = () => ({
  debug: vi.spyOn(console, 'debug').mockReturnValue(),
  info: vi.spyOn(console, 'info').mockReturnValue(),
  warn: vi.spyOn(console, 'warn').mockReturnValue(),
  error: vi.spyOn(console, 'error').mockReturnValue(),
});

const all = (logger: Logger) => {
  logger.debug({ n: 1 }, 'a');
  logger.info({ n: 2 }, 'b');
  logger.warn({ n: 3 }, 'c');
  logger.error({ n: 4 }, 'd');
};

/** The one line that is written. Every call of the console has one argument, so it is not read as a format. */
function lineOf(work: (logger: Logger) => void, format: 'json' | 'console' = 'json'): string {
  const { info } = spies();
  work(consoleLogger('info', format));
  expect(info.mock.calls).toEqual([[expect.any(String)]]);
  return String(info.mock.calls[0]?.[0]);
}

const parsed = (work: (logger: Logger) => void): Record<string, unknown> =>
  JSON.parse(lineOf(work)) as Record<string, unknown>;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('writes text from info on, each line at its own level', () => {
  const { debug, info, warn, error } = spies();
  all(consoleLogger());
  expect(debug).not.toHaveBeenCalled();
  expect(info).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^\S+Z INFO {2}b n=2$/));
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^\S+Z WARN {2}c n=3$/));
  expect(error).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^\S+Z ERROR d n=4$/));
});

test('writes nothing below its level, and reports this', () => {
  const { info, warn, error } = spies();
  const logger = consoleLogger('error');
  all(logger);
  expect([info, warn].flatMap((spy) => spy.mock.calls)).toEqual([]);
  expect(error).toHaveBeenCalledOnce();
  expect(logger.isLevelEnabled?.('warn')).toBe(false);
  expect(logger.isLevelEnabled?.('error')).toBe(true);
});

test.each(['json', 'console'] as const)('a message that looks like a format stays as it is: %s', (format) => {
  expect(lineOf((logger) => logger.info({ n: 1 }, '100%d done, 5 %%'), format)).toContain('100%d done, 5 %%');
});

describe('JSON', () => {
  test('is one line for each message, which begins with time, level and message', () => {
    const { debug, info } = spies();
    all(consoleLogger('debug', 'json'));
    const [line] = debug.mock.calls[0] as [string];
    expect(JSON.parse(line)).toEqual({ time: expect.stringMatching(TIME), level: 'debug', message: 'a', n: 1 });
    expect(line).toMatch(/^{"time":"[^"]+","level":"debug","message":"a"/);
    expect(info).toHaveBeenCalledOnce();
  });

  test('stays one line without control characters, whatever it holds', () => {
    const nasty = 'one\r\ntwo\u2028three\u0085four\u001b[31mred\u007f\u0000';
    const line = lineOf((logger) => logger.info({ nasty, [nasty]: [nasty] }, nasty));
    expect(line).toMatch(/^[\u0020-\u007e]+$/);
    expect(JSON.parse(line)).toMatchObject({ message: nasty, nasty, [nasty]: [nasty] });
  });

  test('no field replaces time, level or message', () => {
    const line = parsed((logger) => logger.info({ level: 9, message: 'm', time: 't', n: 1 }, 'text'));
    expect(line).toEqual({
      ...{ time: expect.stringMatching(TIME), level: 'info', message: 'text' },
      ...{ level_: 9, message_: 'm', time_: 't', n: 1 },
    });
  });

  test('shows an error with its name, message, code and stack, at any depth', () => {
    const error = Object.assign(new TypeError('broken'), { code: 'E_BROKEN' });
    const shown = { name: 'TypeError', message: 'broken', code: 'E_BROKEN', stack: expect.stringContaining('broken') };
    expect(parsed((logger) => logger.info({ error, in: [error] }, 'x'))).toMatchObject({ error: shown, in: [shown] });
  });

  test('shows as text what JSON cannot hold, and keeps the other fields', () => {
    const cyclic: Record<string, unknown> = { big: 10n };
    cyclic['self'] = cyclic;
    const fields = { stepId: 's-1', cyclic, throws: { toJSON: () => JSON.parse('{') as unknown }, big: 10n };
    const line = parsed((logger) => createLog('pool', logger).with({ stepId: 's-1' }).info(fields, 'odd'));
    expect(line).toMatchObject({ message: 'odd', part: 'pool', stepId: 's-1', big: '10' });
    expect(line['cyclic']).toContain('Circular');
    expect(line['throws']).toContain('toJSON');
  });

  test('loses no message if the fields cannot be read', () => {
    const trap = (): never => {
      throw new Error('a trap');
    };
    const hostile = new Proxy({}, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap });
    expect(parsed((logger) => logger.info(hostile, 'still here'))).toMatchObject({ message: 'still here' });
    vi.restoreAllMocks();
    expect(lineOf((logger) => logger.info(hostile, 'still here'), 'console')).toContain('still here');
  });
});

describe('text', () => {
  const text = (fields: object, message = 'm'): string => lineOf((logger) => logger.info(fields, message), 'console');

  test('has the part, then the message, then the fields; values are quoted if they need it', () => {
    const fields = { part: 'pool', stepId: 's-1', durationMs: 1.23456, why: 'two words', list: ['a'], gone: undefined };
    const expected = `INFO  [pool] done stepId=s-1 durationMs=1.235 why="two words" list=[ 'a' ]`;
    expect(text(fields, 'done').replace(/^\S+ /, '')).toBe(expected);
  });

  test('has the stack of an error on lines of its own, below', () => {
    const [first, ...stack] = text({ error: { name: 'E', message: 'no', code: 'X', stack: 'E: no\n    at f' } }).split(
      '\n',
    );
    expect(first).toMatch(/ m error="E: no" code=X$/);
    expect(stack).toEqual(['    E: no', '    at f']);
  });

  test('escapes control characters, so that no field can act on the terminal', () => {
    const nasty = 'a\u001b[2Jb\nc\u0007';
    const line = text({ nasty, [nasty]: { nasty }, error: new Error(nasty) }, nasty);
    expect(line.replace(/\n {4}(?=\S)/g, '')).toMatch(/^[\u0020-\u007e]+$/);
  });

  test('has colors only on a terminal, unless NO_COLOR or FORCE_COLOR decides otherwise', () => {
    const colored = (isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean => {
      vi.unstubAllEnvs();
      for (const name of ['FORCE_COLOR', 'NO_COLOR']) vi.stubEnv(name, env[name]);
      const terminal = { isTTY, hasColors: () => true, on: () => undefined };
      vi.spyOn(process, 'stdout', 'get').mockReturnValue(terminal as unknown as typeof process.stdout);
      const line = text({ n: 1 });
      vi.restoreAllMocks();
      return line.includes('\u001b[');
    };
    expect(colored(false, {})).toBe(false);
    expect(colored(true, {})).toBe(true);
    expect(colored(true, { NO_COLOR: '1' })).toBe(false);
    expect(colored(true, { NO_COLOR: '' })).toBe(true);
    expect(colored(false, { FORCE_COLOR: '1' })).toBe(true);
    expect(colored(true, { FORCE_COLOR: '0' })).toBe(false);
    expect(colored(true, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
  });
});

test.each(['json', 'console'] as const)('survives that its outputs are closed (EPIPE): %s', async (format) => {
  const child = startScript('test/log/programs/flood.ts', [format]);
  for (const stream of [child.stdout, child.stderr]) stream?.once('data', () => stream.destroy());
  expect(await ended(child)).toEqual({ code: 7, signal: null });
});
