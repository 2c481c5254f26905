/** The checker shares no code and no type with the library, not even by way of others. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readSource } from '../../support/source.js';

const SIMULATION = fileURLToPath(new URL('..', import.meta.url));

/** What a file imports from other files: paths below the project. */
function importsOf(file: string): string[] {
  const found = readSource(file, readFileSync(file, 'utf8')).imports;
  return found
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => path.resolve(path.dirname(file), specifier.replace(/\.js$/, '.ts')));
}

function sourcesOf(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => path.join(folder, file));
}

it('imports nothing from src', () => {
  const seen = new Set<string>();
  const open = ['checker', 'history'].flatMap((folder) => sourcesOf(path.join(SIMULATION, folder)));
  expect(open.length).toBeGreaterThan(20);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    open.push(...importsOf(file));
  }
  const outside = [...seen]
    .map((file) => path.relative(SIMULATION, file))
    .filter((file) => !/^(checker|history|plan)\//.test(file));
  expect(outside).toEqual([]);
});
