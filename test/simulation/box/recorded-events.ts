/** Which events of a queue go into the history, and which of their fields. */
import type { AnyFleetQ } from '../../../src/index.js';
import type { EventName } from '../../../src/events.js';
import type { Habits } from '../plan/plan.js';

/** The fields that the checker needs. Others, such as args and whole steps, would only make the history longer. */
const FIELDS: Partial<Record<EventName, readonly string[]>> = {
  'step:submitted': ['type', 'receipt'],
  'step:claimed': ['type', 'attempt'],
  'step:started': ['type', 'attempt'],
  'step:completed': ['type', 'attempt'],
  'step:failed': ['type', 'attempt', 'error'],
  'step:retrying': ['type', 'attempt', 'error', 'delayMs'],
  'step:cancelled': ['by'],
  'step:released': ['type', 'attempt', 'reason', 'delayMs'],
  'step:lost': ['type', 'attempt', 'refused'],
  'step:timedOut': ['type', 'attempt'],
  'pod:joined': ['podId', 'incarnation'],
  'pod:left': ['podId', 'incarnation'],
  'pod:dead': ['podId', 'incarnation', 'reason'],
  'pod:fenced': ['podId', 'incarnation', 'reason', 'recoverable'],
  'pod:asleep': ['podId', 'incarnation'],
  'pod:awake': ['podId', 'incarnation', 'reason'],
  'leader:elected': ['podId', 'incarnation'],
  'leader:lost': ['podId', 'incarnation'],
  'recovery:completed': ['requeued', 'failed', 'alreadySettled', 'error'],
  'store:error': ['operation'],
  'store:recovered': ['operation'],
  'queue:stopped': ['finished', 'released', 'strays', 'unsettled'],
};

type Recorder = (name: string, stepId: string | undefined, fields: Readonly<Record<string, unknown>>) => void;

/** What is not listened to where somebody hears the exchanges. */
const UNHEARD: ReadonlySet<string> = new Set(['step:submitted']);

export function recordEvents(queue: AnyFleetQ, record: Recorder, { hearsExchanges = false }: Habits = {}): void {
  for (const [name, fields] of Object.entries(FIELDS)) {
    if (hearsExchanges && UNHEARD.has(name)) continue;
    queue.on(name as EventName, (payload: unknown) => {
      const given = payload as Readonly<Record<string, unknown>>;
      const stepId = typeof given['stepId'] === 'string' ? given['stepId'] : undefined;
      record(name, stepId, Object.fromEntries(fields.map((field) => [field, short(given[field])])));
    });
  }
  if (hearsExchanges) queue.on('exchange:completed', () => {});
  else recordFirstBeats(queue, record);
}

/** The first heartbeat that is answered after the pod has fenced itself. All of them would only make the history longer. */
function recordFirstBeats(queue: AnyFleetQ, record: Recorder): void {
  let awaited = false;
  queue.on('pod:fenced', () => (awaited = true));
  queue.on('heartbeat:completed', ({ error, podId, incarnation }) => {
    if (!awaited || error !== undefined) return;
    awaited = false;
    record('heartbeat:completed', undefined, { podId, incarnation });
  });
}

/** An error as its code. */
function short(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? null;
  const { code, name } = value as { readonly code?: unknown; readonly name?: unknown };
  return code ?? name ?? null;
}
