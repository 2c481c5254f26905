/** Loggers of hosts, each with a real sink: an accepted logger loses no message, and any other is refused. */
import { Writable } from 'node:stream';
import { Console } from 'node:console';
import bunyan from 'bunyan';
import pino from 'pino';
import pino9 from 'pino-9';
import { describe, expect, test, vi } from 'vitest';
import winston from 'winston';
import { consoleLogger, messageFirst, ValidationError, type Logger } from 'fleet-q';
import { createLog } from '../src/log.js';
import { newQueue } from './support/queues.js';

/** A sink that keeps what is written to it. */
function sink() {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer | string, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, lines: () => text.trim().split('\n') };
}

type Sink = ReturnType<typeof sink>['stream'];
const winstonLogger = (stream: Sink) =>
  winston.createLogger({
    level: 'debug',
    format: winston.format.json(),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types differ by version
    transports: [new winston.transports.Stream({ stream })],
  });

const ACCEPTED: Readonly<Record<string, (stream: Sink) => Logger>> = {
  'pino 10': (stream) => pino({ level: 'debug' }, stream),
  'a child of pino 10': (stream) => pino({ level: 'debug' }, stream).child({ app: 'host' }),
  'pino 9': (stream) => pino9({ level: 'debug' }, stream),
  bunyan: (stream) => bunyan.createLogger({ name: 'host', level: 'debug', stream }),
  console: (stream) => new Console(stream, stream),
  'messageFirst(winston)': (stream) => messageFirst(winstonLogger(stream)),
  'messageFirst(a child of winston)': (stream) => messageFirst(winstonLogger(stream).child({ app: 'host' })),
};

describe('a logger that is accepted', () => {
  for (const [name, make] of Object.entries(ACCEPTED)) {
    test(`gets every message with its fields: ${name}`, async () => {
      const { stream, lines } = sink();
      const logger = make(stream);
      newQueue({ logger });
      const log = createLog('pool', logger, { podId: 'pod-1' });
      log.debug({ slots: 1 }, 'message a');
      log.info({ slots: 2 }, 'message b, 100% done');
      log.with({ stepId: 'step-1' }).warn({ slots: 3 }, 'message c');
      log.error({ slots: 4 }, 'message d');
      await expect.poll(lines).toHaveLength(4);
      const expected = ['message a', 'message b, 100% done', 'message c', 'message d'];
      for (const [i, line] of lines().entries()) {
        expect(line).toContain(expected[i]);
        expect(line).toMatch(/pod-1/);
        expect(line).toMatch(new RegExp(`\\bslots"?: ?${i + 1}`));
      }
      expect(lines()[2]).toContain('step-1');
    });
  }

  test('reports the levels that it writes, if it can', () => {
    const quiet = messageFirst(winston.createLogger({ level: 'info', silent: true }));
    expect(createLog('pool', quiet).verbose).toBe(false);
    expect(createLog('pool', messageFirst(winston.createLogger({ level: 'debug' }))).verbose).toBe(true);
    expect(createLog('pool', pino9({ level: 'info' })).verbose).toBe(false);
  });

  test('affects nothing if its promise rejects', async () => {
    const fail = () => Promise.reject(new Error('no connection'));
    createLog('pool', { debug: fail, info: fail, warn: fail, error: fail }).info({}, 'lost');
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail the run
  });
});

describe('a logger that would lose the message', () => {
  const logTape = { category: ['host'], getChild: () => logTape };
  const methods = { debug() {}, info() {}, warn() {}, error() {} };
  for (const [name, logger] of [
    ['winston', winston.createLogger()],
    ['winston', winston.createLogger().child({ app: 'host' })],
    ['winston', winston],
    ['LogTape', { ...methods, ...logTape }],
  ] as const) {
    test(`is refused, and the error says how to adapt it: ${name}`, () => {
      const refusal = (): unknown => newQueue({ logger });
      expect(refusal).toThrow(ValidationError);
      expect(refusal).toThrow(/^logger: .*takes \(fields, message\); (winston|LogTape) .*messageFirst\(logger\)/);
    });
  }

  test('is refused if it lacks a level, with the way to adapt it', () => {
    for (const logger of [{ log() {}, warn() {}, error() {} }, pino, 'console', null]) {
      expect(() => newQueue({ logger: logger as never })).toThrow(
        /a logger with debug, info, warn and error.*adapt it/,
      );
    }
    expect(() => messageFirst({} as never)).toThrow(ValidationError);
  });
});

describe('consoleLogger', () => {
  test('loses no message if JSON cannot hold the fields', () => {
    const info = vi.spyOn(console, 'info').mockReturnValue();
    const logger = consoleLogger('info', 'json');
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    logger.info(cyclic, 'a cycle');
    logger.info({ big: 10n, error: new Error('broken') }, 'values');
    const [first = '', second = ''] = info.mock.calls.map((call) => String(call[0]));
    expect(JSON.parse(first)).toMatchObject({ level: 'info', message: 'a cycle' });
    expect(JSON.parse(second)).toMatchObject({ message: 'values', big: '10', error: { message: 'broken' } });
  });
});
