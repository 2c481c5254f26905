/** A trace that crosses two processes: one submits, the other runs the step. */
import { context, propagation, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { ended, startScript } from '../support/child.js';
import { stopped, temporaryPath } from '../support/queues.js';
import { idsOf, only, sdk } from './spans.js';

interface Ran {
  readonly name: string;
  readonly span: { readonly traceId: string; readonly spanId: string };
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly isRemote: boolean }[];
}

test('a run in another process is linked to the submission, and has its baggage', { timeout: 60_000 }, async () => {
  const { named } = sdk();
  const path = temporaryPath();
  const queue: AnyFleetQ = stopped(new FleetQ({ store: sqlite({ path }) }));
  const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
  const stepId = await context.with(propagation.setBaggage(context.active(), baggage), () =>
    trace.getTracer('test').startActiveSpan('request', async (span) => {
      const id = await queue.submit({ type: 'work' });
      span.end();
      return id;
    }),
  );
  const pod = startScript('test/otel/program.ts', [path], 'inherit');
  let printed = '';
  pod.stdout?.on('data', (text: Buffer) => (printed += text.toString()));
  expect(await ended(pod)).toEqual({ code: 0, signal: null });
  const ran = JSON.parse(printed) as Ran;
  const submit = idsOf(only(named('submit work')));
  expect(submit.trace).toBe(idsOf(only(named('request'))).trace);
  expect(ran).toMatchObject({
    name: 'run work',
    links: [{ traceId: submit.trace, spanId: submit.span, isRemote: true }],
  });
  expect(ran.span.traceId).not.toBe(submit.trace);
  expect(await queue.getStep(stepId)).toMatchObject({ result: { tenant: 'acme', active: ran.span.spanId } });
});
