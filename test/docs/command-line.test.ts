/** `docs/command-line.md` says what the command does: every verb, argument, flag and exit code. */
import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.js';
import { Io } from '../../src/cli/io.js';
import { buildProgram, complete } from '../../src/cli/program.js';
import { VERBS } from '../../src/cli/verb-table.js';
import { quoted, read, section, table } from './markdown.js';

const text = read('docs/command-line.md');

test('has every exit code and its meaning, in order', () => {
  const rows = table(section(text, '## Exit codes')).map((row) => [quoted(row['Code'])[0], row['Meaning']]);
  expect(rows).toEqual(Object.entries(EXIT_CODES));
});

test('has every verb, in the order of the help', () => {
  const verbs = [...text.matchAll(/^### (\S+)$/gm)].map(([, verb]) => verb);
  expect(verbs).toEqual(Object.keys(VERBS));
});

describe.each(Object.keys(VERBS))('%s', (verb) => {
  const part = section(text, `### ${verb}`);

  test('has every argument and flag, and nothing else, in the order of the help', async () => {
    const program = buildProgram(new Io(process));
    const command = program.commands.find((each) => each.name() === verb)!;
    await complete(command, new Io(process));
    const args = command.registeredArguments.map((each) => {
      const name = `${each.name()}${each.variadic ? '...' : ''}`;
      return each.required ? `<${name}>` : `[${name}]`;
    });
    const documented = table(part).map((row) => quoted(row['Argument or flag'])[0]);
    expect(documented).toEqual([...args, ...command.options.map(({ flags }) => flags)]);
  });

  test('has its summary and its exit codes', () => {
    expect(part).toContain(`\n${VERBS[verb]!.summary}\n`);
    expect(part).toContain(`\nExit codes: ${VERBS[verb]!.exits.map((code) => `\`${code}\``).join(', ')}.\n`);
  });
});
