/** Temporary folders, removed once the test that made them has ended and closed what it opened there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const made: string[] = [];

// Hooks of a test's own suite run before this one, which stands at the top of its file: stores are closed by now.
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new empty folder. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-q-test-'));
  made.push(folder);
  return folder;
}
