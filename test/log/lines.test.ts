/** The lines of a fleet at work and of a fleet in trouble: one for each event, at its level, with the documented keys alone. */
import { expect, test } from 'vitest';
import { EVENT_NAMES, type AnyFleetQ, type EventName, type Logger, type LogLevel } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { EVENT_LINES } from '../../src/events/event-lines.js';
import { fleetInTrouble } from '../events/support/fleet-in-trouble.js';
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

/** Only of stores that sleep or throttle, which SQLite does not. */
const NOT_ON_SQLITE: readonly EventName[] = ['pod:asleep', 'pod:awake', 'store:throttled', 'store:relaxed'];

/** How often each event is emitted. */
function countEvents(queue: AnyFleetQ): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of EVENT_NAMES) queue.on(name, () => void (counts[name] = (counts[name] ?? 0) + 1));
  return counts;
}

const FAST = { heartbeatIntervalMs: 30, deadAfterMs: 20_000, recoveryIntervalMs: 30, logPayloads: true };

/** What a pod has emitted and written. */
interface PodLines {
  readonly counts: Readonly<Record<string, number>>;
  readonly lines: readonly Line[];
}

/** Does what a fleet does: most events happen. */
async function work(): Promise<{ readonly pods: readonly PodLines[]; readonly all: readonly Line[] }> {
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
  return { pods: [{ counts, lines: first.lines }], all: [...first.lines, ...second.lines] };
}

/** Everything happens that has an event. The pod that leads at first comes first. */
async function trouble(): Promise<{ readonly pods: readonly PodLines[]; readonly all: readonly Line[] }> {
  const recorders: Record<string, ReturnType<typeof recorder>> = {};
  const pods: PodLines[] = [];
  const { fleet, ada, grace } = await fleetInTrouble(
    (podId) => ({ logger: (recorders[podId] = recorder()).logger, logPayloads: true }),
    ({ podId, queue }) => void pods.push({ counts: countEvents(queue), lines: recorders[podId]?.lines ?? [] }),
  );
  for (const { queue } of [ada, grace]) await fleet.until(queue.stop());
  return { pods, all: pods.flatMap(({ lines }) => lines) };
}

const AT_WORK: readonly EventName[] = [
  ...(['step:submitted', 'step:claimed', 'step:started', 'step:completed', 'step:failed', 'step:retrying'] as const),
  ...(['step:cancelled', 'step:released', 'step:timedOut', 'pod:joined', 'pod:left', 'leader:elected'] as const),
  ...(['exchange:completed', 'heartbeat:completed', 'queue:stopped'] as const),
];

test.each([
  ['at work', work, AT_WORK],
  ['in trouble', trouble, EVENT_NAMES.filter((name) => !NOT_ON_SQLITE.includes(name))],
])('each event that is emitted has one line, at its level: %s', async (_fleet, live, required) => {
  const { pods } = await live();
  expect(pods.flatMap(({ counts }) => Object.keys(counts))).toEqual(expect.arrayContaining([...required]));
  const known = Object.values(EVENT_LINES).map(({ event, level, message }) => `${event} ${level} ${message}`);
  for (const { counts, lines } of pods) {
    const ofEvents = lines.filter(({ fields, message }) => 'event' in fields && !message.startsWith('listener failed'));
    const logged: Record<string, number> = {};
    for (const { level, message, fields } of ofEvents) {
      const event = String(fields['event']);
      expect(known).toContain(`${event} ${level} ${message}`);
      logged[event] = (logged[event] ?? 0) + 1;
    }
    expect(logged).toEqual(counts);
  }
});

test('a failure has the line and the level of the docs, with what one needs to know', async () => {
  const documented = table(section(read('docs/observability.md'), '### Lines of events')).map(
    (row) => `${quoted(row['Event'])[0]} ${row['Level']}: ${quoted(row['Message'])[0]}`,
  );
  const { pods } = await trouble();
  const expectLines = (pod: number, event: EventName, line: string, ...all: readonly object[]): void => {
    expect(documented).toContain(`${event} ${line}`);
    const found = (pods[pod]?.lines ?? []).filter(({ fields }) => fields['event'] === event);
    expect(new Set(found.map(({ level, message }) => `${level}: ${message}`))).toEqual(new Set([line]));
    expect(found).toHaveLength(all.length);
    const fields = all.map((each): unknown => expect.objectContaining(each));
    expect(found.map((each) => each.fields)).toEqual(expect.arrayContaining(fields));
  };
  const [ada, grace, peerId] = [0, 1, 'ada'];
  const error: unknown = expect.objectContaining({ code: 'STORE_UNAVAILABLE', stack: expect.any(String) });
  expectLines(ada, 'step:timedOut', 'debug: step attempt timed out', { type: 'hangs', timeoutMs: 500 });
  expectLines(ada, 'store:error', 'error: operation failed; repeating it until it succeeds', { error });
  expectLines(ada, 'store:recovered', 'info: all operations succeed again', { downMs: expect.any(Number) });
  expectLines(
    ...([
      ada,
      'pod:fenced',
      'warn: pod is fenced: it claims and settles nothing until a heartbeat is answered',
    ] as const),
    ...[
      { reason: 'frozen', recoverable: true },
      { reason: 'evicted', recoverable: true },
    ],
  );
  expectLines(ada, 'leader:lost', 'info: pod no longer leads the fleet', {});
  expectLines(
    ...([ada, 'step:lost', 'warn: claim was lost; the outcome of the step was discarded'] as const),
    ...[
      { type: 'work', status: 'pending' },
      { type: 'work', status: 'completed' },
    ],
  );
  expectLines(grace, 'recovery:started', 'info: recovery cycle started', { dryRun: false });
  expectLines(...([grace, 'pod:dead', 'warn: pod is dead and was evicted; its steps are being recovered'] as const), {
    peerId,
    reason: 'silent',
    silentForMs: expect.any(Number),
  });
  const orphan = { type: 'work', reason: 'orphaned', peerId };
  expectLines(grace, 'step:released', 'info: orphaned step is due again', orphan, orphan);
  const done = { deadPods: 1, requeued: 2, failed: 0 };
  expectLines(grace, 'recovery:completed', 'info: recovery cycle completed', done);
});

test('every line has documented keys alone, each with its type, and the podId; errors have a stack at error only', async () => {
  const all = [...(await work()).all, ...(await trouble()).all];
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
