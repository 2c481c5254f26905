/**
 * A copy of the project in a temporary folder, where breaks are applied and reverted.
 *
 * Invariants:
 * - The project itself is never changed. `node_modules`, and the build if there is one, are linked rather than copied.
 * - Helper threads and programs that tests start from `dist` run the unbroken build. A break of code that runs there needs
 *   a test in the same process.
 * - At most one break is applied at a time.
 * - Temporary files of the tests go into the copy's own folder, and are removed with it.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { patched, type Patch } from './patch.js';

const LINKED = ['node_modules', 'dist'];
const LEFT_OUT = /^(\.git|site|coverage)$|\.(tgz|log|db|db-shm|db-wal)$/;

export class Copy {
  readonly #folder: string;
  readonly project: string;
  readonly temporary: string;
  #broken: { readonly file: string; readonly text: string } | undefined;

  constructor(project: string) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-mutants-'));
    chmodSync(this.#folder, 0o755); // some tests run programs as another user
    this.project = path.join(this.#folder, 'project');
    this.temporary = path.join(this.#folder, 'tmp');
    mkdirSync(this.project);
    mkdirSync(this.temporary);
    for (const name of readdirSync(project)) {
      const [from, to] = [path.join(project, name), path.join(this.project, name)];
      if (LINKED.includes(name)) symlinkSync(from, to);
      else if (!LEFT_OUT.test(name)) cpSync(from, to, { recursive: true, filter: (file) => !isModules(file) });
    }
  }

  /** @returns the path of the changed file. @throws if `find` does not occur exactly once, or the text stays the same */
  apply(patch: Patch): string {
    if (this.#broken !== undefined) throw new Error(`${patch.name}: the break before it is still applied`);
    const changed = path.join(this.project, patch.file);
    const text = existsSync(changed) ? readFileSync(changed, 'utf8') : '';
    const broken = patched(text, patch);
    this.#broken = { file: changed, text };
    writeFileSync(changed, broken);
    return changed;
  }

  /** @returns the path of the restored file, if there was a break */
  takeBack(): string | undefined {
    const broken = this.#broken;
    if (broken === undefined) return undefined;
    writeFileSync(broken.file, broken.text);
    this.#broken = undefined;
    return broken.file;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Packages of folders below the project's root, such as those of the benchmarks: they are many, and not needed. */
function isModules(file: string): boolean {
  return path.basename(file) === 'node_modules';
}
