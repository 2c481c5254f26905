/** Texts are stored character by character. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newStep, settlement, type Harness } from './harness.js';

/** Values whose JSON text changes if a store parses it and writes it again. */
const VALUES: Readonly<Record<string, unknown>> = {
  'the order of keys': { b: 1, a: 2, Z: { y: 1, x: 2 } },
  'numbers at their limits': [
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    2 ** 53 + 2,
    12345678901234567000,
    1e21,
    1e-7,
    0.1 + 0.2,
    -1.5,
  ],
  'unicode beyond the first plane': '🚀 𝒳 ü e\u0301 \u2028\u2029 \ufeff שלום',
  'what must be escaped': '\u0000\u001f\ud800/"\\\n\t',
  'deep nesting': JSON.parse(`${'['.repeat(150)}${']'.repeat(150)}`),
  'what looks like SQL': `'; DROP TABLE STEP_TRACKER; -- ? :1 $1 %s`,
  'the empty object': {},
  'the empty array': [],
  'the empty text': '',
  'an empty key': { '': { ' ': 0 } },
  null: null,
  false: false,
  'nulls among others': [null, { a: null }],
  'a text that is JSON itself': '{"a":[1,2]}',
  'a large text': 'äx'.repeat(60_000),
};

export function exactTexts(harness: Harness): void {
  describe('keeps payload, result and error character by character', () => {
    for (const [name, value] of Object.entries(VALUES)) it(name, () => roundTrip(harness, [value]));

    it('for any JSON value', async () => {
      await roundTrip(harness, fc.sample(fc.jsonValue({ stringUnit: 'binary' }), { numRuns: 200, seed: 20_30 }));
    });
  });

  it('keeps ids, types and tokens of any printable characters', async () => {
    const names = [
      `it's`,
      '"',
      '\\',
      '%_*?',
      ' ',
      'ü',
      'e\u0301',
      '🚀',
      'x'.repeat(255),
      '中'.repeat(255),
      '__proto__',
      'constructor',
      '0',
      'null',
    ];
    const pod = await harness.join();
    for (const name of names) {
      const step = newStep({ stepId: `id ${name}`.slice(0, 255), type: name });
      expect(await harness.store.submit([step])).toEqual(['created']);
      const types = Object.fromEntries([[name, 1]]);
      const claim = await harness.claimOne(pod, { types, token: `token ${name}` });
      expect(claim).toMatchObject({ stepId: step.stepId, type: name, claimToken: `token ${name}` });
      expect(await harness.settle(pod, settlement(claim))).toBe('settled');
    }
    const { byType } = await harness.store.stats();
    expect(Object.keys(byType).sort()).toEqual([...names].sort());
  });

  it('distinguishes ids that differ by case, by composition or by a space', async () => {
    const steps = ['a', 'A', 'a ', ' a', '\u00e9', 'e\u0301'].map((stepId) => newStep({ stepId }));
    expect(await harness.store.submit(steps)).toEqual(steps.map(() => 'created'));
    expect(await harness.store.find(['A'])).toEqual([expect.objectContaining({ stepId: 'A' })]);
  });
}

/** Stores each value in a payload, a result and an error, and expects the same text from every read. */
async function roundTrip(harness: Harness, values: readonly unknown[]): Promise<void> {
  const pod = await harness.join();
  const steps = values.map((args) => newStep({ payload: JSON.stringify({ type: 'work', args, metadata: { args } }) }));
  await harness.store.submit(steps);
  const byId = new Map(
    steps.map((step, i) => [step.stepId, { payload: step.payload, text: JSON.stringify(values[i]) }]),
  );
  const claim = () => harness.claim(pod, { free: 50, types: { work: 50 } });
  let seen = 0;
  for (let claims = await claim(); claims.length > 0; claims = await claim()) {
    const settlements = claims.map((each) => {
      const { payload, text } = byId.get(each.stepId)!;
      expect(each.payload).toBe(payload);
      return settlement(each, { result: text, error: text });
    });
    expect(await harness.store.settle(pod, settlements)).toEqual(claims.map(() => 'settled'));
    seen += claims.length;
  }
  expect(seen).toBe(values.length);
  for (const { stepId, payload, result, error } of await harness.store.find([...byId.keys()])) {
    const sent = byId.get(stepId)!;
    expect({ payload, result, error }).toEqual({ payload: sent.payload, result: sent.text, error: sent.text });
  }
}
