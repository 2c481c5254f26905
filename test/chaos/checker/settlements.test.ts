/** The checker finds steps that were lost, invented, settled twice, or settled under a stale fence. */
import { describe, test } from 'vitest';
import { ADA, BOB, SUBMITTER } from './scene.js';
import { expectFound, type Twist } from './truth.js';

const LOST: readonly Twist[] = [
  ['lost', 'a step that is gone', (scene) => scene.sql(`DELETE FROM STEP_TRACKER WHERE step_id = 'done'`)],
  [
    'lost',
    'one that never was',
    (scene) => scene.record(SUBMITTER, 'acknowledged', { stepId: 'x', origin: 'x', n: 1 }),
  ],
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
      scene.record('submitter-1.0', 'acknowledged', {
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
      scene.record(SUBMITTER, 'acknowledged', {
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
    (scene) => scene.record('pod-2.0', 'completed', { stepId: 'done', version: 2, run: `${ADA}/2` }),
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

describe.each([
  ['what is lost or made up', LOST],
  ['what is settled that may not be', SETTLED],
])('%s', (_, twists) => {
  test.each(twists)('%s: %s', (...twist) => expectFound(twist));
});
