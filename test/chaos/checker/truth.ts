/** A history in which everything happens that may, and how the checker is tried: something is put into it that may not. */
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import { ADA, BOB, Scene, SUBMITTER } from './scene.js';
import { judge, type Verdict } from './verdict.js';
import type { Kind } from './violation.js';

const PERMANENT = { name: 'PermanentFailureError', message: '' };

/** A result, a retry, an eviction, a cancel, a retry by hand, a receipt that was lost. */
export function truth(folder: string): Scene {
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

export function judged(twist: (scene: Scene, folder: string) => void = () => {}): Verdict {
  const folder = temporaryFolder();
  const scene = truth(folder);
  onTestFinished(() => scene.close());
  twist(scene, folder);
  return judge(folder);
}

/** What was found, a line each. */
export const shown = ({ violations }: Verdict): string[] => violations.map(({ kind, text }) => `${kind}: ${text}`);

/** What kind of violation must be found, what it is, and what brings it about. */
export type Twist = readonly [Kind, string, (scene: Scene) => void];

/** Puts it into the true history: it must be found. */
export function expectFound([kind, , twist]: Twist): void {
  const verdict = judged(twist);
  expect(
    verdict.violations.map((each) => each.kind),
    shown(verdict).join('\n'),
  ).toContain(kind);
  if (kind === 'lost' || kind === 'settledTwice' || kind === 'staleAccepted') expect(verdict[kind]).toBeGreaterThan(0);
}
