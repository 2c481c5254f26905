/** docs/tracing.md matches the code: the fields of the channels, the attributes of the spans, the options and the outcomes. */
import { describe, expect, test } from 'vitest';
import { fieldsOf, wordsOf } from './declared.js';
import { quoted, read, section, table } from './markdown.js';

const COMPILING_MS = 120_000;
const text = read('docs/tracing.md');
const firstCells = (part: string): (string | undefined)[] => table(part).map((row) => quoted(Object.values(row)[0])[0]);

describe('docs/tracing.md', () => {
  test.each([
    ['### fleet-q:submit', 'SubmitTrace', 'fleet-q'],
    ['### fleet-q:run', 'RunTrace', 'fleet-q'],
  ])('%s has every field of %s and nothing else, in order', { timeout: COMPILING_MS }, (heading, type, module) => {
    expect(firstCells(section(text, heading))).toEqual(fieldsOf(type, module));
  });

  test('has every option of traceFleetQ', { timeout: COMPILING_MS }, () => {
    const documented = firstCells(section(text, '### Links or one trace'));
    expect(documented.toSorted()).toEqual(fieldsOf('TraceOptions', 'fleet-q/otel').toSorted());
  });

  test('has every attribute that a span may get, and nothing else', () => {
    const code = ['attributes', 'submit-spans', 'run-spans'].map((file) => read(`src/otel/${file}.ts`)).join('\n');
    const inCode = [...code.matchAll(/'((?:messaging|fleetq|error)\.[\w.]+)'/g)].map(([, name = '']) => name);
    const [attributes = ''] = section(text, '### Attributes').split('A span whose call');
    expect(firstCells(attributes).toSorted()).toEqual([...new Set(inCode)].toSorted());
  });

  test('explains every outcome of a run', { timeout: COMPILING_MS }, () => {
    const [, outcomes = ''] = section(text, '### Attributes').split('`fleetq.outcome` is one of these');
    expect(firstCells(outcomes).toSorted()).toEqual(wordsOf('RunOutcome').toSorted());
  });
});
