/**
 * Subscribers of the library's tracing channels, as a tracer of an application has them.
 *
 * Invariants: they are there for one run alone. What they set is decided by the plan and the order of the calls.
 */
import { runs } from '../../../src/tracing/run-trace.js';
import { submissions } from '../../../src/tracing/submit-trace.js';
import type { Habits } from '../plan/plan.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function unreadable(): never {
  throw new Error('it cannot be read');
}

/** What a tracer sets: the first few can be stored. */
const CARRIERS: readonly (() => unknown)[] = [
  () => ({ traceparent: PARENT }),
  () => ({ traceparent: PARENT, tracestate: 'a="b"', baggage: 'x\\y' }),
  () => undefined,
  () => ({}),
  () => 'a text',
  () => [],
  () => ({ traceparent: 7 }),
  () => ({ baggage: 'é' }),
  () => ({ baggage: 'b'.repeat(1_100) }),
  () => Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`name${i}`, 'value'])),
  () => new Proxy({}, { ownKeys: unreadable }),
];

/** Subscribes, if the habits say so. @returns what ends it */
export function trace({ carrier }: Habits): () => void {
  if (carrier === undefined) return () => {};
  let calls = carrier;
  const submitting = {
    start: (call: { carrier: unknown }) => void (call.carrier = CARRIERS[calls++ % CARRIERS.length]?.()),
  };
  const running = {
    start: (run: { runInside(around: (call: () => unknown) => unknown): void }) => {
      if (calls % 2 === 0) run.runInside((call) => call());
    },
    end: () => {},
    asyncEnd: () => {},
  };
  submissions.subscribe(submitting as never);
  runs.subscribe(running as never);
  return () => {
    submissions.unsubscribe(submitting as never);
    runs.unsubscribe(running as never);
  };
}
