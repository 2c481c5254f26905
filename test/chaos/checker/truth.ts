/** A correct history with every permitted kind of event, and a test harness that adds one violation to it. */
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import { ADA, BOB, Scene, SUBMITTER } from './scene.js';
import { judge, type Verdict } from './verdict.js';
import type { Kind } from './violation.js';

const PERMANENT = { name: 'PermanentFailureError', message: '' };

/** A result, a retry, an eviction, a cancel, a retry by hand, an unanswered exchange. */
export function truth(folder: string): Scene {
  const scene = new Scene(folder);
  scene.submit('done', 'sized', { size: 12 });
  scene.work('done', ADA);
  scene.submit('retried', 'flaky', { failures: 1 });
  scene.claim('retried', ADA);
  scene.run('retried', ADA, 'Error');
  scene.settle('retried', 'pending', ADA, 'retry_count = retry_count + 1');
  scene.record(ADA, 'retrying', { stepId: 'retried', attempt: 1 });
  scene.claim('retried', ADA);
  scene.complete('retried', ADA, scene.run('retried', ADA, 'returned', { attempt: 2 }));
  scene.record(ADA, 'completed', { stepId: 'retried', version: 4, run: `${ADA}/6` });
  scene.submit('cancelled', 'sized');
  scene.record(SUBMITTER, 'cancelling', { stepId: 'cancelled' });
  scene.settle('cancelled', 'cancelled', 'a token');
  scene.submit('by hand', 'doomed');
  scene.claim('by hand', ADA);
  scene.fail('by hand', ADA, PERMANENT);
  scene.record(SUBMITTER, 'retryingByHand', { stepId: 'by hand' });
  scene.sql(
    `UPDATE STEP_TRACKER SET status = 'pending', version = version + 1, error = NULL WHERE step_id = 'by hand'`,
  );
  scene.claim('by hand', ADA);
  scene.fail('by hand', ADA, PERMANENT);
  scene.submit('orphan', 'sized');
  scene.claim('orphan', BOB);
  scene.begin('orphan', BOB);
  scene.record('choreography', 'killed', { life: BOB });
  scene.final(BOB, 'evicted');
  scene.settle('orphan', 'pending', ADA, 'crashes = crashes + 1');
  scene.work('orphan', ADA);
  return scene;
}

export function judged(twist: (scene: Scene, folder: string) => void = () => {}): Verdict {
  const folder = temporaryFolder();
  const scene = truth(folder);
  onTestFinished(() => scene.close());
  twist(scene, folder);
  return judge(folder);
}

/** The violations that were found, one line each. */
export const shown = ({ violations }: Verdict): string[] => violations.map(({ kind, text }) => `${kind}: ${text}`);

/** The kind of violation that must be found, its description, and what causes it. */
export type Twist = readonly [Kind, string, (scene: Scene) => void];

/** Adds the violation to the correct history. The checker must find it. */
export function expectFound([kind, , twist]: Twist): void {
  const verdict = judged(twist);
  expect(
    verdict.violations.map((each) => each.kind),
    shown(verdict).join('\n'),
  ).toContain(kind);
  if (kind === 'lost' || kind === 'settledTwice' || kind === 'staleAccepted') expect(verdict[kind]).toBeGreaterThan(0);
}
