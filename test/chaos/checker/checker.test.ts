/** The checker accepts every history that may happen, and shares no code with the library. */
import { execFile } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import { ADA, BOB, Scene, SUBMITTER } from './scene.js';
import { judged, shown, truth } from './truth.js';
import { judge } from './verdict.js';

test('a correct history has no violation', () => {
  const verdict = judged();
  expect(shown(verdict)).toEqual([]);
  expect(verdict).toMatchObject({ acknowledged: 5, terminal: 5, lost: 0, settledTwice: 0, staleAccepted: 0 });
  expect(verdict.seen).toMatchObject({ 'steps begun more than once': 2, 'incarnations evicted': 1 });
});

test('imports nothing of the library', async () => {
  const folder = temporaryFolder();
  truth(folder).close();
  const program = fileURLToPath(new URL('./check.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, folder]);
  expect(JSON.parse(stdout)).toMatchObject({ acknowledged: 5, violations: [] });

  const own = [...readdirSync(new URL('.', import.meta.url)).map((file) => `./${file}`)]
    .filter((file) => !/scene|truth|test/.test(file))
    .concat('../history.ts', '../ledger.ts', '../settings.ts', '../workload.ts', '../random.ts');
  const imports = own.flatMap((file) =>
    [...readFileSync(new URL(file, import.meta.url), 'utf8').matchAll(/(?:from |import\()'([^']+)'/g)].map(
      (m) => m[1]!,
    ),
  );
  expect(
    imports.filter(
      (name) => !/^(node:|better-sqlite3$|\.\/|\.\.\/(history|ledger|settings|workload|random)\.js$)/.test(name),
    ),
  ).toEqual([]);
});

describe('is no violation', () => {
  test.each<[string, (scene: Scene, folder: string) => void]>([
    [
      'a step whose submitter never heard of it',
      (scene) => {
        scene.record(SUBMITTER, 'submitting', { origin: SUBMITTER, n: 90, type: 'quick' });
        scene.insert('unheard', 'quick', { origin: SUBMITTER, n: 90 });
        scene.work('unheard', ADA);
      },
    ],
    [
      'a submission of which nothing is there',
      (scene) => scene.record(SUBMITTER, 'submitting', { origin: SUBMITTER, n: 91 }),
    ],
    [
      'a line that its writer did not finish',
      (_, folder) => appendFileSync(path.join(folder, `${BOB}.ledger`), '{"at":1,"wh'),
    ],
    [
      'a settlement by one that was evicted, before its claim was taken back',
      (scene) => {
        scene.submit('undead', 'sized');
        scene.claim('undead', BOB);
        scene.complete('undead', BOB, scene.run('undead', BOB));
      },
    ],
    ['a settlement that was refused', (scene) => scene.record(BOB, 'lost', { stepId: 'orphan', how: 'completed' })],
    [
      'a key that two have submitted',
      (scene) =>
        scene.record('submitter-1.0', 'acknowledged', {
          stepId: 'done',
          origin: SUBMITTER,
          n: 1,
          type: 'sized',
          how: 'duplicate',
        }),
    ],
  ])('%s', (_, twist) => expect(shown(judged(twist))).toEqual([]));
});

test('a run in which nothing was acknowledged proves nothing', () => {
  const folder = temporaryFolder();
  new Scene(folder).close();
  expect(shown(judge(folder))).toEqual(['process: nothing was acknowledged: nothing was tried']);
});
