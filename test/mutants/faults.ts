/** Finds the mistakes in a list of breaks before any break is tried. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Break } from './break.js';

/** @returns one sentence for each mistake, with the name of the break; none if every break can be tried */
export function faultsOf(project: string, breaks: readonly Break[]): string[] {
  const names = new Set<string>();
  const changes = new Map<string, string>();
  return breaks.flatMap((one) => {
    const faults = faultsOfOne(project, one);
    if (names.has(one.name)) faults.push('another break has the same name');
    names.add(one.name);
    if (faults.length === 0) {
      const change = changeOf(project, one);
      const same = changes.get(change);
      if (same !== undefined) faults.push(`it changes the file in the same way as ${same}`);
      changes.set(change, one.name);
    }
    return faults.map((fault) => `${one.name}: ${fault}`);
  });
}

function faultsOfOne(project: string, { file, find, replace, tests, survives }: Break): string[] {
  const faults: string[] = [];
  const source = path.join(project, file);
  if (!existsSync(source)) faults.push(`there is no file ${file}`);
  else {
    const times = find === '' ? 0 : readFileSync(source, 'utf8').split(find).length - 1;
    if (times !== 1) faults.push(`"find" occurs ${times} times in ${file}; it must occur exactly once`);
  }
  if (find === replace) faults.push('"replace" is the same text as "find"');
  if (tests.length === 0) faults.push('"tests" is empty');
  for (const test of tests) if (!existsSync(path.join(project, test))) faults.push(`there is no test file ${test}`);
  if (survives?.trim() === '') faults.push('"survives" gives no reason');
  return faults;
}

/** The resulting text of the file: equal for two breaks that make the same change. */
function changeOf(project: string, { file, find, replace }: Break): string {
  return `${file}: ${readFileSync(path.join(project, file), 'utf8').split(find).join(replace)}`;
}
