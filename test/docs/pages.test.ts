/**
 * The shape of the pages: what a reader may rely on in each of them.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import typedoc from '../../typedoc.json' with { type: 'json' };
import { nextState, permissionsOf, type PoolEvent, type PoolState } from '../../src/pool/pool-state.js';
import { cellsOf, DECISIONS, GUIDES, quoted, read, section, table } from './markdown.js';

const PAGES = [...GUIDES, ...DECISIONS];
const LONGEST_CELL = 120;

test('no cell of a table is longer than a line', () => {
  const long = PAGES.flatMap((page) =>
    cellsOf(read(page))
      .filter((cell) => cell.length > LONGEST_CELL && !/^:?-+:?$/.test(cell))
      .map((cell) => `${page}: ${cell}`),
  );
  expect(long).toEqual([]);
});

test('the Python FLEET-Q is introduced in the glossary, and nowhere called otherwise', () => {
  const others = PAGES.filter((page) => /\boriginal('s)? (system|FLEET-Q)|\bthe original's\b/.test(read(page)));
  expect(others).toEqual([]);
  expect(read('docs/glossary.md')).toContain('\n## The Python FLEET-Q\n');
  const introducing = PAGES.filter((page) => /^#+ (The )?Python FLEET-Q$/m.test(read(page)));
  expect(introducing).toEqual(['docs/coming-from.md', 'docs/glossary.md']);
  expect(read('docs/coming-from.md')).toContain('(glossary.md#the-python-fleet-q)');
});

describe('the site', () => {
  test('has every page, in a group that is known', () => {
    const pages = [...GUIDES.slice(1), 'docs/decisions/index.md'];
    expect(typedoc.projectDocuments.toSorted()).toEqual(pages.toSorted());
    for (const page of pages) {
      const group = /^---\ntitle: .+\ngroup: (\w+)\n/.exec(read(page))?.[1];
      expect(typedoc.groupOrder, page).toContain(group);
    }
  });

  test('has every decision, below one page', () => {
    const index = read('docs/decisions/index.md');
    for (const decision of DECISIONS.filter((page) => !page.endsWith('index.md'))) {
      const name = decision.replace('docs/decisions/', '');
      expect(index).toContain(`  - ./${name}\n`);
      const title = /^# (.+)$/m.exec(read(decision))?.[1];
      expect(index).toContain(`[${title}](${name})`);
    }
  });

  test('shows each module under the name by which it is imported', () => {
    for (const file of typedoc.entryPoints) {
      const name = file === 'src/index.ts' ? 'fleet-q' : `fleet-q/${file.replace(/^src\/|\.ts$/g, '')}`;
      expect(read(file), file).toContain(` * @module ${name}\n`);
    }
  });
});

describe('docs/architecture.md', () => {
  const text = read('docs/architecture.md');
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const foldersOf = (folder: string): string[] =>
    readdirSync(source + folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);

  test.each([
    ['## A map of the code', ''],
    ['## The pool', 'pool/'],
    ['## The SQLite store', 'store/sqlite/'],
    ['## The Snowflake store', 'store/snowflake/'],
  ])('%s has every folder of src/%s and no other', (heading, folder) => {
    const named = table(section(text, heading)).flatMap((row) => quoted(Object.values(row)[0]));
    const paths = named.filter((path) => path.endsWith('/'));
    const first = new Set(paths.map((path) => path.split('/')[0]));
    expect(foldersOf(folder).filter((name) => !first.has(name) && name !== 'statements' && name !== 'options')).toEqual(
      [],
    );
    for (const path of paths) expect(readdirSync(source + folder + path), path).not.toEqual([]);
  });

  describe('the state of the pool', () => {
    const working: PoolState = { lifecycle: 'running', membership: 'admitted', paused: false };
    const stateWith = (part: string, value: string): PoolState =>
      part === 'pause' ? { ...working, paused: value === 'paused' } : { ...working, [part]: value };
    const [transitions = '', permissions = ''] = section(text, '### The state of the pool').split(
      'Each value forbids these activities',
    );
    let part = '';
    const rows = table(transitions).map((row) => {
      if (row['Part']) part = row['Part'];
      return { part, value: quoted(row['Value'])[0] ?? '', next: row['Next, by event'] ?? '' };
    });

    test('has the transitions of the code', () => {
      const events: readonly PoolEvent[] = ['start', 'drain', 'stop', 'admit', 'halt', 'sleep', 'retire'];
      for (const { part: name, value, next } of rows.filter((row) => row.part !== 'pause')) {
        const state = stateWith(name, value);
        const moves = events.flatMap((event) => {
          const to = nextState(state, event)?.[name as 'lifecycle' | 'membership'] ?? value;
          return to === value ? [] : [`\`${event}\`: \`${to}\``];
        });
        expect(next, value).toBe(moves.join('; '));
      }
    });

    test('has what each value forbids', () => {
      const partOf = new Map(rows.map((row) => [row.value, row.part]));
      for (const { Value = '', ...cells } of table(permissions)) {
        const values = Value === 'paused' ? ['paused'] : quoted(Value);
        for (const value of values) {
          const permitted = permissionsOf(stateWith(partOf.get(value) ?? 'pause', value));
          expect(
            Object.values(cells).map((cell) => cell !== 'no'),
            value,
          ).toEqual([
            ...[permitted.mayClaim, permitted.mayLook, permitted.mayKeep, permitted.mayStart, permitted.maySettle],
          ]);
        }
      }
    });
  });
});
