/** What a user reads when types do not fit, and what checking a large queue costs the compiler. */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { compile } from '../support/compile.js';

const HEAD = `import { defineStep, FleetQ } from 'fleet-q';\n`;

function messages(source: string): string[] {
  return compile(HEAD + source).map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}

test('a correct program gets no error', () => {
  expect(
    messages(`void new FleetQ().register('a', (args: { n: number }) => args.n).submit({ type: 'a', args: { n: 1 } });`),
  ).toEqual([]);
});

test('the error for a misspelt field names the right one', () => {
  const [message] = messages(
    `void new FleetQ().register('a', (args: { n: number }) => args.n).submit({ type: 'a', args: { n: 1 }, priorty: 1 });`,
  );
  expect(message).toContain(`'priorty' does not exist`);
  expect(message).toContain(`Did you mean to write 'priority'?`);
});

test('the error for an unknown type names the known ones', () => {
  const [message] = messages(
    `void new FleetQ().register('resize', (args: { n: number }) => args.n).submit({ type: 'resise', args: { n: 1 } });`,
  );
  expect(message).toContain(`Type '"resise"' is not assignable to type '"resize"'`);
});

test('a handler that submits through its own queue is circular; through its context it is not', () => {
  const parts = (submit: string) => `
    const child = defineStep({ type: 'child', run: (args: { n: number }) => args.n });
    const parent = defineStep({ type: 'parent', async run(_: undefined, ctx) { return ${submit}; } });
    const queue = new FleetQ({ steps: [child, parent] });
    void queue.submit(parent);`;
  const circular = messages(parts(`(void ctx, await queue.submit({ type: 'child', args: { n: 1 } }))`));
  expect(circular.join('\n')).toContain('referenced directly or indirectly in its own initializer');
  expect(messages(parts('await ctx.submit(child, { n: 1 })'))).toEqual([]);
});

test('the error for wrong args of a definition says so', () => {
  const found = messages(`
    const resize = defineStep({ type: 'resize', run: (args: { file: string }) => args.file });
    void new FleetQ({ steps: [resize] }).submit(resize, { fil: 'a' });`);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(`'fil' does not exist in type '{ file: string; }'`);
});

test('the error for a result that JSON cannot hold says so', () => {
  expect(messages(`defineStep({ type: 'a', run: () => new Date() });`).join('\n')).toContain(
    'the result cannot travel as JSON',
  );
  expect(messages(`new FleetQ().register('a', () => 1n);`).join('\n')).toContain('the result cannot travel as JSON');
});

test('the error for args that JSON cannot hold says so', () => {
  expect(messages(`new FleetQ().register('a', (args: { when: Date }) => String(args.when));`).join('\n')).toContain(
    'args cannot travel as JSON',
  );
  expect(messages(`defineStep({ type: 'a', run: (args: Map<string, string>) => args.size });`).join('\n')).toContain(
    'args cannot travel as JSON',
  );
});

test('the error for a type registered twice names it, chained or listed', () => {
  expect(messages(`new FleetQ().register('a', () => 1).register('a', () => 1);`).join('\n')).toContain(
    `step type 'a' is registered twice`,
  );
  const listed = `const a = defineStep({ type: 'a', run: () => 1 }); void new FleetQ({ steps: [a, a] });`;
  expect(messages(listed).join('\n')).toContain(`step type 'a' is registered twice`);
});

const EACH = Array.from({ length: 150 }, (_, i) => i);
const CHAINED = `const queue = new FleetQ()${EACH.map((i) => `.register('t${i}', (args: { n${i}: number }) => ({ r${i}: args.n${i} }))`).join('\n')};`;
const LISTED = `${EACH.map((i) => `const d${i} = defineStep({ type: 't${i}', run: (args: { n${i}: number }) => ({ r${i}: args.n${i} }) });`).join('\n')}
  const queue = new FleetQ({ steps: [${EACH.map((i) => `d${i}`).join(', ')}] });`;
const USE = `
  export const a: Promise<{ r7: number }> = queue.submit({ type: 't7', args: { n7: 1 } }).then((id) => queue.waitFor(id));
  queue.on('step:completed', (e) => { if (e.type === 't3') console.log(e.result.r3); });`;

test.each([
  ['chained', CHAINED],
  ['listed', LISTED],
])('a queue of 150 step types costs the compiler little: %s, submitted to and listened to', (_, queue) => {
  // Type instantiations are counted instead of time, because they do not vary: 250,000 take about 0.6 s.
  const cost = { instantiations: 0 };
  const found = compile(HEAD + queue + USE, cost).map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'));
  expect(found).toEqual([]);
  expect(cost.instantiations).toBeGreaterThan(10_000);
  expect(cost.instantiations).toBeLessThan(250_000);
});
