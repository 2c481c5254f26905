/** Tools in Python that check the files of `deploy/`. Without Python their tests are skipped, and fail if CI is `true`. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../../support/fakesnow/environment.js';

const PACKAGES = { name: 'fleet-q-deploy', requirements: fileURLToPath(new URL('requirements.txt', import.meta.url)) };

export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a program of the environment, or a module if it begins with `-m`. */
export async function pythonTool(program: string, args: readonly string[]): Promise<Outcome> {
  const python = await environment(PACKAGES);
  const [file, first] = program.startsWith('-m ')
    ? [python, ['-m', program.slice(3)]]
    : [path.join(path.dirname(python), program), []];
  return new Promise((resolve) => {
    execFile(file, [...first, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` });
    });
  });
}
