/** The checker can fail: whatever must not happen is put into a history that is otherwise true, and it must say so. */
import { execFile } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import { ADA, BOB, Scene, SUBMITTER } from './scene.js';
import { judge, type Verdict } from './verdict.js';
import type { Kind } from './violation.js';

const PERMANENT = { name: 'PermanentFailure', message: '' };

/** Everything that may happen: a result, a retry, an eviction, a cancel, a retry by hand, a receipt that was lost. */
function truth(folder: string): Scene {
  const scene = new Scene(folder);
  scene.submit('done', 'sized', { size: 12 });
  scene.work('done', ADA);
  scene.submit('retried', 'flaky', { failures: 1 });
  scene.claim('retried', ADA);
  scene.run('retried', ADA, 'Error');
  scene.settle('retried', 'pending', ADA, 'retry_count = retry_count + 1');
  scene.tell(ADA, 'retrying', { stepId: 'retried', attempt: 1 });
  scene.claim('retried', ADA);
  scene.complete('retried', ADA, scene.run('retried', ADA, 'returned', { attempt: 2 }));
  scene.tell(ADA, 'completed', { stepId: 'retried', version: 4, run: `${ADA}/6` });
  scene.submit('cancelled', 'sized');
  scene.tell(SUBMITTER, 'cancelling', { stepId: 'cancelled' });
  scene.settle('cancelled', 'cancelled', 'a token');
  scene.submit('by hand', 'doomed');
  scene.claim('by hand', ADA);
  scene.fail('by hand', ADA, PERMANENT);
  scene.tell(SUBMITTER, 'retryingByHand', { stepId: 'by hand' });
  scene.sql(
    `UPDATE STEP_TRACKER SET status = 'pending', version = version + 1, error = NULL WHERE step_id = 'by hand'`,
  );
  scene.claim('by hand', ADA);
  scene.fail('by hand', ADA, PERMANENT);
  scene.submit('orphan', 'sized');
  scene.claim('orphan', BOB);
  scene.begin('orphan', BOB);
  scene.tell('choreography', 'killed', { life: BOB });
  scene.final(BOB, 'evicted');
  scene.settle('orphan', 'pending', ADA, 'crashes = crashes + 1');
  scene.work('orphan', ADA);
  return scene;
}

function judged(twist: (scene: Scene, folder: string) => void = () => {}): Verdict {
  const folder = temporaryFolder();
  const scene = truth(folder);
  onTestFinished(() => scene.close());
  twist(scene, folder);
  return judge(folder);
}

const shown = ({ violations }: Verdict): string[] => violations.map(({ kind, text }) => `${kind}: ${text}`);

test('a true history has no violation', () => {
  const verdict = judged();
  expect(shown(verdict)).toEqual([]);
  expect(verdict).toMatchObject({ acknowledged: 5, terminal: 5, lost: 0, settledTwice: 0, staleAccepted: 0 });
  expect(verdict.seen).toMatchObject({ 'steps begun more than once': 2, 'incarnations evicted': 1 });
});

test('it is a program of its own, and knows nothing of the product', async () => {
  const folder = temporaryFolder();
  truth(folder).close();
  const program = fileURLToPath(new URL('./check.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, folder]);
  expect(JSON.parse(stdout)).toMatchObject({ acknowledged: 5, violations: [] });

  const own = [...readdirSync(new URL('.', import.meta.url)).map((file) => `./${file}`)]
    .filter((file) => !/scene|test/.test(file))
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

describe('what may happen is none', () => {
  test.each<[string, (scene: Scene, folder: string) => void]>([
    [
      'a step whose submitter never heard of it',
      (scene) => {
        scene.tell(SUBMITTER, 'submitting', { origin: SUBMITTER, n: 90, type: 'quick' });
        scene.insert('unheard', 'quick', { origin: SUBMITTER, n: 90 });
        scene.work('unheard', ADA);
      },
    ],
    [
      'a submission of which nothing is there',
      (scene) => scene.tell(SUBMITTER, 'submitting', { origin: SUBMITTER, n: 91 }),
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
    ['a settlement that was refused', (scene) => scene.tell(BOB, 'lost', { stepId: 'orphan', how: 'completed' })],
    [
      'a key that two have submitted',
      (scene) =>
        scene.tell('submitter-1.0', 'acknowledged', {
          stepId: 'done',
          origin: SUBMITTER,
          n: 1,
          type: 'sized',
          how: 'duplicate',
        }),
    ],
  ])('%s', (_, twist) => expect(shown(judged(twist))).toEqual([]));
});

type Twist = readonly [Kind, string, (scene: Scene) => void];

const LOST: readonly Twist[] = [
  ['lost', 'a step that is gone', (scene) => scene.sql(`DELETE FROM STEP_TRACKER WHERE step_id = 'done'`)],
  ['lost', 'one that never was', (scene) => scene.tell(SUBMITTER, 'acknowledged', { stepId: 'x', origin: 'x', n: 1 })],
  ['lost', 'one that is not done', (scene) => scene.submit('idle', 'sized')],
  [
    'leftClaimed',
    'one that is left claimed',
    (scene) => {
      scene.submit('held', 'sized');
      scene.claim('held', ADA);
    },
  ],
  [
    'leftClaimed',
    'a claim on a step that has ended',
    (scene) => scene.sql(`UPDATE STEP_TRACKER SET claim_token = 'old' WHERE step_id = 'done'`),
  ],
  [
    'submission',
    'a second step for one submission',
    (scene) => {
      scene.insert('again', 'sized', { origin: SUBMITTER, n: 1 });
      scene.work('again', ADA);
    },
  ],
  [
    'submission',
    'a step that nobody submitted',
    (scene) => {
      scene.insert('whose', 'sized', { origin: 'nobody', n: 1 });
      scene.work('whose', ADA);
    },
  ],
  [
    'submission',
    'an id that was new twice',
    (scene) =>
      scene.tell('submitter-1.0', 'acknowledged', {
        stepId: 'done',
        origin: SUBMITTER,
        n: 1,
        type: 'sized',
        how: 'created',
      }),
  ],
  [
    'submission',
    'an id that stands for something else',
    (scene) =>
      scene.tell(SUBMITTER, 'acknowledged', {
        stepId: 'done',
        origin: SUBMITTER,
        n: 7,
        type: 'sized',
        how: 'duplicate',
      }),
  ],
];

const SETTLED: readonly Twist[] = [
  ['settledTwice', 'a completed step that is completed again', (scene) => scene.complete('done', ADA, `${ADA}/2`)],
  ['settledTwice', 'a completed step that fails', (scene) => scene.fail('done', ADA, {})],
  [
    'settledTwice',
    'an end that nobody asked to undo',
    (scene) => {
      scene.sql(`UPDATE STEP_TRACKER SET status = 'pending', version = version + 1 WHERE step_id = 'done'`);
      scene.work('done', ADA);
    },
  ],
  [
    'settledTwice',
    'two receipts for one version',
    (scene) => scene.tell('pod-2.0', 'completed', { stepId: 'done', version: 2, run: `${ADA}/2` }),
  ],
  [
    'staleAccepted',
    'a settlement by another than the holder',
    (scene) => {
      scene.join('pod-2.0');
      scene.submit('stolen', 'sized');
      scene.claim('stolen', 'pod-2.0');
      scene.run('stolen', 'pod-2.0');
      scene.claim('stolen', ADA);
      scene.complete('stolen', 'pod-2.0', scene.run('stolen', ADA));
    },
  ],
  [
    'staleAccepted',
    'a settlement while another holds the step',
    (scene) => {
      scene.join('pod-2.0');
      scene.submit('stolen', 'sized');
      scene.claim('stolen', ADA);
      scene.complete('stolen', 'pod-2.0', scene.run('stolen', ADA));
    },
  ],
  [
    'staleAccepted',
    'an orphan whose holder is alive',
    (scene) => {
      scene.join('pod-2.0');
      scene.submit('taken', 'sized');
      scene.claim('taken', 'pod-2.0');
      scene.settle('taken', 'pending', ADA);
      scene.work('taken', ADA);
    },
  ],
  [
    'staleAccepted',
    'a settlement under the token of an earlier claim',
    (scene) => {
      scene.submit('late', 'sized');
      scene.claim('late', ADA);
      const run = scene.run('late', ADA);
      scene.sql(
        `UPDATE STEP_TRACKER SET status = 'completed', version = version + 1, claim_token = NULL, settled_by = ?,
      settled_token = 'old', settled_version = 1, result = json_object('run', ?, 'n', 6, 'text', '') WHERE step_id = 'late'`,
        ADA,
        run,
      );
    },
  ],
  [
    'staleAccepted',
    'the result of a run of another pod',
    (scene) => {
      scene.submit('swapped', 'sized');
      scene.claim('swapped', ADA);
      scene.complete('swapped', ADA, scene.run('swapped', BOB));
    },
  ],
  [
    'staleAccepted',
    'a claim over a claim',
    (scene) => {
      scene.submit('twice', 'sized');
      scene.claim('twice', ADA);
      scene.work('twice', ADA);
    },
  ],
];

const BOUNDS: readonly Twist[] = [
  [
    'retries',
    'a retry too many',
    (scene) => {
      scene.submit('more', 'sized', {}, 0);
      scene.claim('more', ADA);
      scene.settle('more', 'pending', ADA, 'retry_count = retry_count + 1');
      scene.work('more', ADA);
    },
  ],
  [
    'retries',
    'two charged at once',
    (scene) => {
      scene.submit('two', 'sized', {}, 5);
      scene.claim('two', ADA);
      scene.settle('two', 'pending', ADA, 'retry_count = retry_count + 2');
      scene.work('two', ADA);
    },
  ],
  ['retries', 'an attempt too many', (scene) => scene.begin('done', ADA, { attempt: 3 })],
  [
    'retries',
    'more retries told than allowed',
    (scene) => {
      for (let i = 0; i < 2; i++) scene.tell(ADA, 'retrying', { stepId: 'done', attempt: 1 });
    },
  ],
  [
    'retries',
    'a crash charged for a pod that left',
    (scene) => {
      scene.join('pod-2.0');
      scene.submit('left', 'sized');
      scene.claim('left', 'pod-2.0');
      scene.final('pod-2.0', 'left');
      scene.settle('left', 'pending', ADA, 'crashes = crashes + 1');
      scene.work('left', ADA);
    },
  ],
  [
    'retries',
    'a step that goes on after too many crashes',
    (scene) => {
      scene.submit('killer', 'sized');
      scene.claim('killer', BOB);
      scene.settle('killer', 'pending', ADA, 'crashes = 4');
      scene.work('killer', ADA);
    },
  ],
  [
    'outcome',
    'a failure before the retries were used up',
    (scene) => {
      scene.submit('early', 'flaky', { failures: 5 }, 3);
      scene.claim('early', ADA);
      scene.fail('early', ADA, { name: 'Error', message: '' });
    },
  ],
  [
    'history',
    'a version that is left out',
    (scene) => scene.sql(`UPDATE STEP_TRACKER SET version = version + 2 WHERE step_id = 'done'`),
  ],
  [
    'history',
    'a cancel that nobody asked for',
    (scene) => {
      scene.submit('why', 'sized');
      scene.settle('why', 'cancelled', 'a token');
    },
  ],
  [
    'history',
    'a claim before its time',
    (scene) => {
      scene.submit('soon', 'sized');
      scene.claim('soon', ADA, 1);
      scene.complete('soon', ADA, scene.run('soon', ADA));
    },
  ],
];

const TOLD: readonly Twist[] = [
  [
    'receipt',
    'a completion that was not',
    (scene) => scene.tell(ADA, 'completed', { stepId: 'done', version: 9, run: '' }),
  ],
  [
    'receipt',
    'a completion told by another',
    (scene) => {
      scene.submit('mine', 'sized');
      scene.claim('mine', ADA);
      scene.complete('mine', ADA, scene.run('mine', ADA));
      scene.tell(BOB, 'completed', { stepId: 'mine', version: 2, run: '' });
    },
  ],
  [
    'receipt',
    'an end that a pod was never told, though it stopped in order',
    (scene) => scene.tell(ADA, 'stopped', { n: 0 }),
  ],
  [
    'receipt',
    'an answer to a waiter that is not the result',
    (scene) => scene.tell(SUBMITTER, 'waited', { stepId: 'done', run: 'x' }),
  ],
  [
    'run',
    'a handler that runs twice at a time',
    (scene) => {
      scene.begin('done', ADA);
      scene.begin('done', ADA);
    },
  ],
  ['run', 'a handler without a claim', (scene) => scene.run('cancelled', ADA)],
  [
    'run',
    'more of a type at a time than it allows',
    (scene) => {
      for (const stepId of ['done', 'retried']) scene.begin(stepId, ADA, { type: 'single' });
    },
  ],
  [
    'run',
    'a handler that begins after its pod has stopped',
    (scene) => {
      scene.tell(BOB, 'stopped', { n: 0 });
      scene.run('orphan', BOB);
    },
  ],
  [
    'outcome',
    'a completed step that cannot be',
    (scene) => {
      scene.submit('impossible', 'doomed');
      scene.work('impossible', ADA);
    },
  ],
  [
    'outcome',
    'another result than was returned',
    (scene) => scene.sql(`UPDATE STEP_TRACKER SET result = json_set(result, '$.text', 'other') WHERE step_id = 'done'`),
  ],
  [
    'outcome',
    'the result of a run that never returned',
    (scene) => {
      scene.submit('cut', 'sized');
      scene.claim('cut', ADA);
      scene.complete('cut', ADA, scene.begin('cut', ADA));
    },
  ],
  ['eviction', 'a pod declared dead that was alive', (scene) => scene.final(ADA, 'evicted')],
  ['process', 'a pod that broke', (scene) => scene.tell(ADA, 'broken', { how: 'an error' })],
  ['process', 'a pod that hung', (scene) => scene.tell('choreography', 'hung', { life: ADA })],
  [
    'process',
    'a pod that ended by itself',
    (scene) => scene.tell('choreography', 'exited', { life: ADA, code: 1, how: ' by itself' }),
  ],
];

describe.each([
  ['what is lost or made up', LOST],
  ['what is settled that may not be', SETTLED],
  ['what is out of bounds', BOUNDS],
  ['what is told or run that may not be', TOLD],
])('%s', (_, twists) => {
  test.each(twists)('%s: %s', (kind, _name, twist) => {
    const verdict = judged(twist);
    expect(
      verdict.violations.map((each) => each.kind),
      shown(verdict).join('\n'),
    ).toContain(kind);
    if (kind === 'lost' || kind === 'settledTwice' || kind === 'staleAccepted')
      expect(verdict[kind]).toBeGreaterThan(0);
  });
});

test('a run in which nothing was acknowledged has tried nothing', () => {
  const folder = temporaryFolder();
  new Scene(folder).close();
  expect(shown(judge(folder))).toEqual(['process: nothing was acknowledged: nothing was tried']);
});
