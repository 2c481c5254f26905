/** Which branches a text has, and which of them V8's counts say were taken. */
import { Session } from 'node:inspector/promises';
import vm from 'node:vm';
import { expect, test } from 'vitest';
import { branchesOf } from './branches-of.js';
import { countsAt, type ScriptCoverage } from './counts.js';

const TEXT = `
function some(a, b) {
  if (a) return 'early';
  if (b) { b += 1; } else { b -= 1; }
  const c = a || b;
  const d = a ?? never();
  switch (c) {
    case 1:
    case 2: return 'two';
    default: break;
  }
  return c > 5 ? 'much' : 'little';
}
function never() { if (1) return 2; }
some(0, 1);
some(0, 7);
`;

test('branches are taken as V8 has counted them', async () => {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  vm.runInThisContext(TEXT, { filename: 'branches-test.js' });
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  const script = result.find(({ url }) => url === 'branches-test.js') as ScriptCoverage | undefined;
  const branches = branchesOf(TEXT);
  const asked: number[] = [];
  for (const { isTaken } of branches) isTaken((offset) => (asked.push(offset), 0));
  const counts = countsAt(script!, asked);
  const shown = branches.map(({ at, kind, isTaken }) => {
    const text = TEXT.slice(at).split('\n')[0]!.slice(0, 16);
    return `${isTaken((offset) => counts.get(offset) ?? 0) ? 'taken' : 'not'}: ${kind}: ${text}`;
  });
  expect(shown).toEqual([
    "not: if: return 'early';",
    "taken: else: if (a) return 'e",
    'taken: if: { b += 1; } else',
    'not: else: { b -= 1; }',
    'taken: right operand: b;',
    'not: right operand: never();',
    "taken: case: return 'two';",
    'taken: case: break;',
    "taken: conditional: 'much' : 'little",
    "not: conditional: 'little';",
    'not: if: return 2; }',
    'not: else: if (1) return 2;',
  ]);
});
