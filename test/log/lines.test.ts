/** The lines of a fleet at work: one for each event, at its level, with the documented keys alone. */
import { expect, test } from 'vitest';
import { EVENT_NAMES, type AnyFleetQ, type Logger, type LogLevel } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { EVENT_LINES } from '../../src/events/event-lines.js';
import { quoted, read, section, table } from '../docs/markdown.js';
import { newQueue, temporaryPath } from '../support/queues.js';

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps its lines. */
function recorder(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const write =
    (level: LogLevel) =>
    (fields: object, message: string): void =>
      void lines.push({ level, message, fields: fields as Line['fields'] });
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  return { logger, lines };
}

/** How often each event is emitted. */
function countEvents(queue: AnyFleetQ): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of EVENT_NAMES) queue.on(name, () => void (counts[name] = (counts[name] ?? 0) + 1));
  return counts;
}

const FAST = { heartbeatIntervalMs: 30, deadAfterMs: 20_000, recoveryIntervalMs: 30, logPayloads: true };

/** Does what a fleet does: most events happen. */
async function work() {
  const store = sqlite({ path: temporaryPath() });
  const [first, second] = [recorder(), recorder()];
  const ada = newQueue({ store, podId: 'ada', logger: first.logger, ...FAST })
    .register('works', (args: { n: number }) => args.n)
    .register('fails', () => Promise.reject(Object.assign(new Error('no'), { code: 42 })), { maxRetries: 1 })
    .register(
      'slow',
      (_args: object, { signal }) => new Promise<void>((_, no) => signal.addEventListener('abort', no)),
      {
        timeoutMs: 20,
        maxRetries: 0,
      },
    )
    .register('gives-back', (_args: object, { attempt, release, log }) => {
      log.info({ attempt }, 'from the handler');
      if (store.name === 'sqlite') return release({ delayMs: 60_000 });
    });
  const grace = newQueue({ store, podId: 'grace', logger: second.logger, ...FAST });
  const counts = countEvents(ada);
  await ada.start();
  await grace.start();
  const ended = async (type: 'works' | 'fails' | 'slow', args: object) =>
    ada.waitFor(await ada.submit({ type, args } as never)).catch(() => undefined);
  await Promise.all([ended('works', { n: 1 }), ended('fails', {}), ended('slow', {})]);
  await ada.submit({ type: 'works', args: { n: 1 }, stepId: 'twice' });
  await ada.submit({ type: 'works', args: { n: 2 }, stepId: 'twice' });
  const released = await ada.submit({ type: 'gives-back', args: {} });
  await expect.poll(() => counts['step:released']).toBe(1);
  await ada.cancel(released);
  await grace.stop();
  await expect.poll(() => counts['pod:left']).toBe(1);
  await ada.stop();
  return { counts, lines: first.lines, all: [...first.lines, ...second.lines] };
}

test('each event that is emitted has one line, at its level', async () => {
  const { counts, lines } = await work();
  expect(Object.keys(counts)).toEqual(
    expect.arrayContaining([
      ...['step:submitted', 'step:claimed', 'step:started', 'step:completed', 'step:failed', 'step:retrying'],
      ...['step:cancelled', 'step:released', 'step:timedOut', 'pod:joined', 'pod:left', 'leader:elected'],
      ...['exchange:completed', 'heartbeat:completed', 'queue:stopped'],
    ]),
  );
  const known = Object.values(EVENT_LINES).map(({ event, level, message }) => `${event} ${level} ${message}`);
  const ofEvents = lines.filter(({ fields, message }) => 'event' in fields && !message.startsWith('listener failed'));
  const logged: Record<string, number> = {};
  for (const { level, message, fields } of ofEvents) {
    const event = String(fields['event']);
    expect(known).toContain(`${event} ${level} ${message}`);
    logged[event] = (logged[event] ?? 0) + 1;
  }
  expect(logged).toEqual(counts);
});

test('every line has documented keys alone, each with its type, and the podId; errors have a stack at error only', async () => {
  const { all } = await work();
  const types = new Map(
    table(section(read('docs/observability.md'), '### Keys')).map((row) => [quoted(row['Key'])[0], row['Type'] ?? '']),
  );
  const isA = (value: unknown, type: string): boolean =>
    type === 'any' || type.split(' or ').includes(value === null ? 'null' : typeof value) || Array.isArray(value);
  for (const { level, message, fields } of all) {
    expect(fields['podId'], message).toMatch(/^(ada|grace)$/);
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      expect(isA(value, types.get(key) ?? 'not documented'), `${message}: ${key}=${JSON.stringify(value)}`).toBe(true);
    }
    const error = fields['error'] as { readonly stack?: string } | undefined;
    if (error?.stack !== undefined) expect(level, message).toBe('error');
  }
  const failed = all.find(({ fields }) => fields['event'] === 'step:failed' && fields['type'] === 'fails');
  expect(failed).toMatchObject({
    level: 'error',
    fields: { attempt: 2, error: { message: 'no', code: '42', stack: expect.stringContaining('Error: no') } },
  });
});
