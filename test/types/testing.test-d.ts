import { defineStep, type Step } from 'fleet-q';
import { testFleet, type TestRun } from 'fleet-q/testing';
import { describe, expectTypeOf, test } from 'vitest';

const resize = defineStep({ type: 'resize', run: ({ width }: { width: number }) => ({ bytes: width }) });
const note = defineStep({ type: 'note', run: (text: string) => text.length });

describe('testFleet', () => {
  const fleet = testFleet({ steps: [resize, note] });

  test('is typed as the queue is', async () => {
    const id = await fleet.queue.submit({ type: 'resize', args: { width: 1 } });
    expectTypeOf(await fleet.queue.waitFor(id)).toEqualTypeOf<{ bytes: number }>();
    // @ts-expect-error -- no such type
    await fleet.queue.submit({ type: 'resise', args: { width: 1 } });
    // @ts-expect-error -- no such type
    fleet.crashDuring('nothing');
    // @ts-expect-error -- the fleet has its own store
    testFleet({ steps: [note], store: undefined as never });
    // @ts-expect-error -- a type twice
    testFleet({ steps: [note, note] });
  });

  test('narrows the steps that it lists', async () => {
    expectTypeOf((await fleet.steps(resize))[0]).toEqualTypeOf<
      Step<{ width: number }, { bytes: number }> | undefined
    >();
    const [step] = await fleet.steps({ type: 'note' });
    expectTypeOf(step?.args).toEqualTypeOf<string | undefined>();
    expectTypeOf(fleet.runs(note)).toEqualTypeOf<readonly TestRun[]>();
  });
});
