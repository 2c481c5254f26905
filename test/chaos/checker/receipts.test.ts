/** The checker finds wrong counts, wrong events and handlers that ran when they must not. */
import { describe, test } from 'vitest';
import { ADA, BOB, SUBMITTER } from './scene.js';
import { expectFound, type Twist } from './truth.js';

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
    'more retries reported than allowed',
    (scene) => {
      for (let i = 0; i < 2; i++) scene.record(ADA, 'retrying', { stepId: 'done', attempt: 1 });
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

const REPORTED: readonly Twist[] = [
  [
    'receipt',
    'a completion that was not',
    (scene) => scene.record(ADA, 'completed', { stepId: 'done', version: 9, run: '' }),
  ],
  [
    'receipt',
    'a completion reported by another pod',
    (scene) => {
      scene.submit('mine', 'sized');
      scene.claim('mine', ADA);
      scene.complete('mine', ADA, scene.run('mine', ADA));
      scene.record(BOB, 'completed', { stepId: 'mine', version: 2, run: '' });
    },
  ],
  [
    'receipt',
    'an end without an event, on a pod that stopped in order',
    (scene) => scene.record(ADA, 'stopped', { n: 0, how: 'settled' }),
  ],
  [
    'receipt',
    'an answer to a waiter that is not the result',
    (scene) => scene.record(SUBMITTER, 'waited', { stepId: 'done', run: 'x' }),
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
      scene.record(BOB, 'stopped', { n: 0 });
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
  ['process', 'a pod that broke', (scene) => scene.record(ADA, 'broken', { how: 'an error' })],
  ['process', 'a pod that hung', (scene) => scene.record('choreography', 'hung', { life: ADA })],
  [
    'process',
    'a pod that ended by itself',
    (scene) => scene.record('choreography', 'exited', { life: ADA, code: 1, how: ' by itself' }),
  ],
];

describe.each([
  ['what is out of bounds', BOUNDS],
  ['events and runs that must not happen', REPORTED],
])('%s', (_, twists) => {
  test.each(twists)('%s: %s', (...twist) => expectFound(twist));
});
